using Berth.Engine.Build;
using Berth.Engine.Images;
using Berth.Oci;
using Berth.Testing;

namespace Berth.Engine.Tests.Images;

/// <summary>One image from the host's package mirror, made once for the whole run: it takes some twenty seconds.</summary>
public sealed class BootstrappedImage : IAsyncLifetime
{
    private readonly ImageWorkspace _workspace = new(Options());

    internal ImageWorkspace Workspace => _workspace;

    public Image Image { get; private set; } = null!;

    /// <summary>What another who asked at the same time was given.</summary>
    public Image Other { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var reference = ImageReference.Parse("debian:12-slim");
        var other = _workspace.Images.PullAsync(reference, null, null, _workspace.Report, default);
        Image = await _workspace.Images.PullAsync(reference, null, null, _workspace.Report, default);
        Other = await other;
    }

    public ValueTask DisposeAsync() => _workspace.DisposeAsync();

    // A mirror that nothing listens on: docker.io is unreachable in this test wherever it runs.
    private static ImageStoreOptions Options()
    {
        var options = new ImageStoreOptions();
        options.Registry.Mirrors["docker.io"] = [$"http://127.0.0.1:{Ports.Free()}"];
        options.Registry.ConnectTimeout = TimeSpan.FromMilliseconds(1);
        return options;
    }
}

[Trait("Speed", "slow")]
public class BootstrapTests(BootstrappedImage bootstrapped) : IClassFixture<BootstrappedImage>
{
    private readonly ImageWorkspace _workspace = bootstrapped.Workspace;

    [Fact]
    public void The_image_says_where_it_came_from()
    {
        var config = bootstrapped.Image.Config.Config!;
        Assert.StartsWith("debian bookworm from http", config.Labels!["org.berth.bootstrap"], StringComparison.Ordinal);
        Assert.Equal(["docker.io/library/debian:12-slim"], bootstrapped.Image.Tags);
        lock (_workspace.Progress)
        {
            Assert.Contains(_workspace.Progress, line => line.Status.StartsWith("docker.io could not be reached", StringComparison.Ordinal));
            Assert.Contains(_workspace.Progress, line => line.Status.Contains("like the official image, but not the same", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Two_who_ask_at_once_are_given_one_image()
    {
        Assert.Equal(bootstrapped.Image.Id, bootstrapped.Other.Id);
        lock (_workspace.Progress)
        {
            Assert.Contains(_workspace.Progress, line => line.Status == "Waiting for another pull of debian:12-slim");
        }
    }

    [Fact]
    public void Slim_leaves_out_manuals_and_keeps_licences()
    {
        var root = Assert.Single(_workspace.Images.LowerDirectories(bootstrapped.Image));
        Assert.False(Directory.Exists(root + "/usr/share/man/man1"));
        Assert.True(File.Exists(root + "/usr/share/doc/bash/copyright"));
        Assert.False(File.Exists(root + "/etc/hostname"));
        Assert.Contains("bookworm main", File.ReadAllText(Directory.GetFiles(root + "/etc/apt/sources.list.d").Single()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_registry_is_not_asked_again_for_a_while()
    {
        var again = await _workspace.Images.PullAsync(ImageReference.Parse("debian:12-slim"), null, null, _workspace.Report, default);
        Assert.Equal(bootstrapped.Image.Id, again.Id);
    }

    [Fact]
    public async Task Packages_can_be_installed_in_a_build_on_it()
    {
        var context = Directory.CreateDirectory(_workspace.Root + "/context").FullName;
        await File.WriteAllTextAsync(
            context + "/Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends less && rm -rf /var/lib/apt/lists/*\nRUN less --version\n");
        using var steps = new Build.TestSteps(_workspace.State, _workspace.Root);
        using var builder = new ImageBuilder(
            _workspace.Images, _workspace.State, steps.Runner, _workspace.Root + "/data", new(), TimeProvider.System);
        BuildEvent? last = null;
        var output = "";
        await foreach (var one in builder.BuildAsync(new() { ContextDirectory = context }, default))
        {
            last = one;
            output += one is StepPrinted printed ? System.Text.Encoding.UTF8.GetString(printed.Output.Bytes.Span) : "";
        }

        Assert.True(last is BuildSucceeded, output);
        Assert.Contains("less 5", output, StringComparison.Ordinal);
        var image = ((BuildSucceeded)last).Image;
        var top = _workspace.Images.LowerDirectories(image);
        Assert.True(File.Exists(top[1] + "/usr/bin/less"));
        foreach (var trace in (string[])["run/berth", "etc/resolv.conf", "etc/hostname", "etc/hosts"])
        {
            Assert.False(Path.Exists($"{top[1]}/{trace}"), trace);
        }

        Assert.DoesNotContain(image.Config.Config!.Env!, variable => variable.Contains("CERT", StringComparison.OrdinalIgnoreCase) || variable.Contains("proxy", StringComparison.OrdinalIgnoreCase));
    }
}
