using System.Text.Json.Nodes;
using Berth.Cli.Docker;
using Berth.Cli.Output;
using Berth.Testing;

namespace Berth.Cli.Tests;

public class OutputTests
{
    [Fact]
    public void A_table_has_Dockers_columns() => Assert.Equal(
        "CONTAINER ID   IMAGE     NAMES\n0123456789ab   nginx     web\n",
        Table.Render(["CONTAINER ID", "IMAGE", "NAMES"], [["0123456789ab", "nginx", "web"]]));

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(999, "999B")]
    [InlineData(1_240_000_000, "1.24GB")]
    [InlineData(117_400_000, "117MB")]
    [InlineData(12_340, "12.3kB")]
    public void Sizes_have_three_digits(long bytes, string text) => Assert.Equal(text, HumanText.Size(bytes));

    [Theory]
    [InlineData(0.2, "Less than a second")]
    [InlineData(59, "59 seconds")]
    [InlineData(65, "About a minute")]
    [InlineData(600, "10 minutes")]
    [InlineData(3700, "About an hour")]
    [InlineData(36_000, "10 hours")]
    [InlineData(3 * 86_400, "3 days")]
    public void Ages_are_in_Dockers_words(double seconds, string text) => Assert.Equal(text, HumanText.Age(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Templates_name_fields_and_refuse_more()
    {
        var data = JsonNode.Parse("""{"Name":"web","State":{"Running":true}}""");
        Assert.Equal("web\ttrue {\"Running\":true}", RowTemplate.Render("{{.Name}}\\t{{ .State.Running }} {{json .State}}", data));
        Assert.Contains("only {{.Field}}", Assert.Throws<UsageException>(() => RowTemplate.Render("{{range .X}}{{end}}", data)).Message, StringComparison.Ordinal);
        Assert.Contains("no field 'Nope'; there are Name, State", Assert.Throws<UsageException>(() => RowTemplate.Render("{{.Nope}}", data)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_is_plain_lines_where_nobody_looks()
    {
        using var text = new StringWriter { NewLine = "\n" };
        var view = new ProgressView(text, isTerminal: false, hasColours: true, () => (24, 80), TimeProvider.System);
        view.Show(new JsonObject { ["kind"] = "container", ["name"] = "p-app-1", ["status"] = "Creating" });
        view.Show(new JsonObject { ["kind"] = "container", ["name"] = "p-app-1", ["status"] = "Created", ["elapsed"] = 0.12 });
        view.Show(new JsonObject { ["kind"] = "image", ["name"] = "x", ["status"] = "Pulling", ["detail"] = "abc: Downloading 40%" });
        view.Show(new JsonObject { ["kind"] = "build", ["name"] = "app", ["status"] = "[2/3]", ["detail"] = "hello" });
        Assert.Equal(" Container p-app-1  Creating\n Container p-app-1  Created  0.1s\napp [2/3] hello\n", text.ToString());
    }

    [Fact]
    public void Progress_is_redrawn_on_a_terminal_without_colours_when_they_are_unwanted()
    {
        using var text = new StringWriter { NewLine = "\n" };
        var view = new ProgressView(text, isTerminal: true, hasColours: false, () => (24, 80), new ManualTime());
        view.Show(new JsonObject { ["kind"] = "container", ["name"] = "a", ["status"] = "Creating" });
        view.Show(new JsonObject { ["kind"] = "container", ["name"] = "a", ["status"] = "Created", ["elapsed"] = 1.0 });
        Assert.Equal("[+] 0/1\n ⠿ Container a  Creating\n\e[2A\e[J[+] 1/1\n ✔ Container a  Created  1.0s\n", text.ToString());
    }

    [Fact]
    public void What_goes_on_counts_its_seconds_and_shows_what_its_check_said()
    {
        using var text = new StringWriter { NewLine = "\n" };
        var time = new ManualTime();
        var view = new ProgressView(text, isTerminal: true, hasColours: false, () => (24, 40), time);
        view.Show(new JsonObject { ["kind"] = "container", ["name"] = "db", ["status"] = "Waiting" });
        time.Advance(TimeSpan.FromSeconds(2));
        view.Show(new JsonObject { ["kind"] = "container", ["name"] = "db", ["status"] = "Waiting", ["detail"] = "its check\e[2J said 没有人" });
        time.Advance(TimeSpan.FromSeconds(1));
        view.Finish([]);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(
            [" ⠿ Container db  Waiting", " ⠿ Container db  Waiting  1s", " ⠿ Container db  Waiting  2s", " ⠿ Container db  Waiting  2s  its check", " ⠿ Container db  Waiting  3s  its check"],
            text.ToString().Split('\n').Where(line => line.Contains("Waiting", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_wide_letter_takes_two_columns_and_moves_nothing()
    {
        using var text = new StringWriter { NewLine = "\n" };
        var view = new ProgressView(text, isTerminal: true, hasColours: false, () => (24, 40), new ManualTime());
        view.Show(new JsonObject { ["kind"] = "volume", ["name"] = "船", ["status"] = "Creating", ["detail"] = "\a没有人没有人没有人没有人没有人" });
        Assert.Equal("[+] 0/1\n ⠿ Volume 船  Creating   没有人没有人没\n", text.ToString());
    }

    [Fact]
    public void More_than_the_screen_holds_shows_what_goes_on()
    {
        using var text = new StringWriter { NewLine = "\n" };
        var view = new ProgressView(text, isTerminal: true, hasColours: false, () => (6, 80), new ManualTime());
        for (var i = 1; i <= 6; i++)
        {
            view.Show(new JsonObject { ["kind"] = "container", ["name"] = $"c{i}", ["status"] = i is 2 or 3 ? "Waiting" : "Started" });
        }

        Assert.EndsWith("\e[5A\e[J[+] 4/6\n ⠿ Container c2  Waiting\n ⠿ Container c3  Waiting\n ✔ Container c5  Started\n ✔ Container c6  Started\n", text.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("8000:80", "80/tcp", "", "8000")]
    [InlineData("127.0.0.1:8000:80/udp", "80/udp", "127.0.0.1", "8000")]
    [InlineData("[::1]:8000:80", "80/tcp", "::1", "8000")]
    [InlineData("80", "80/tcp", "", "")]
    [InlineData("8000-8010:80", "80/tcp", "", "8000-8010")]
    public void A_published_port_is_read(string text, string key, string address, string port)
    {
        var (bindings, exposed) = (new JsonObject(), new JsonObject());
        ContainerOptions.AddPort(text, bindings, exposed);
        Assert.Equal(address, bindings[key]![0]!["HostIp"]!.GetValue<string>());
        Assert.Equal(port, bindings[key]![0]!["HostPort"]!.GetValue<string>());
        Assert.True(exposed.ContainsKey(key));
    }

    [Theory]
    [InlineData("80800:80")]
    [InlineData("80:http")]
    [InlineData("10-12:80-85")]
    public void A_port_that_cannot_be_is_refused(string text) => Assert.Throws<UsageException>(() => ContainerOptions.AddPort(text, [], []));

    [Theory]
    [InlineData("512m", 512L << 20)]
    [InlineData("1.5g", 3L << 29)]
    [InlineData("64KiB", 64L << 10)]
    [InlineData("1024", 1024)]
    public void Byte_counts_are_powers_of_1024(string text, long bytes) => Assert.Equal(bytes, ContainerOptions.ByteCount(text, "memory"));

    [Fact]
    public void Durations_are_Gos()
    {
        Assert.True(DurationText.TryParse("1h30m", out var time));
        Assert.Equal(TimeSpan.FromMinutes(90), time);
        Assert.True(DurationText.TryParse("1.5s", out time) && time == TimeSpan.FromSeconds(1.5));
        Assert.False(DurationText.TryParse("10", out _) || DurationText.TryParse("h", out _) || DurationText.TryParse("", out _));
    }

    [Theory]
    [InlineData("exec: \"x\": executable file not found in $PATH", 127)]
    [InlineData("exec: \"/x\": permission denied", 126)]
    [InlineData("port is already allocated", 125)]
    public void A_failed_start_has_Dockers_exit_code(string message, int code) => Assert.Equal(code, ContainerRun.ExitCode(message));
}
