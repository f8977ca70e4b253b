using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Linux.Terminals;

namespace Berth.Cli.Output;

/// <summary>Shows what the daemon reports while it works.</summary>
internal interface IProgressView
{
    void Show(JsonObject one);

    /// <param name="last">The answer's last line, with the exit code.</param>
    void Finish(JsonObject last);
}

/// <summary>A command's progress for machines: each event, and the end, as a JSON object on a line of its own.</summary>
internal sealed class JsonProgress(TextWriter output) : IProgressView
{
    public void Show(JsonObject one) => output.WriteLine(one.ToJsonString(Listing.Line));

    public void Finish(JsonObject last) => Show(last);
}

/// <summary>A command's progress: on a terminal one line for each thing, redrawn; elsewhere a line for each change.</summary>
internal sealed class ProgressView(TextWriter output, bool isTerminal, bool hasColours, Func<int> columns) : IProgressView
{
    private static readonly string[] s_ongoing =
    [
        "Creating", "Starting", "Stopping", "Removing", "Recreate", "Waiting", "Pulling", "Building", "Restarting", "Killing", "Pausing", "Unpausing",
        "Rolling", "Creating new", "Starting new", "Waiting until ready", "Starting again", "Draining", "Watching",
    ];

    private readonly List<(string Key, string Name)> _order = [];
    private readonly Dictionary<string, JsonObject> _latest = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private int _drawn;
    private bool _isPaused;

    internal static ProgressView For(CliContext context) =>
        new(context.Error, CliContext.ErrorIsTerminal && context.Variable("TERM") != "dumb", context.HasColours, () => Terminal.Size(2)?.Columns ?? 80);

    public void Show(JsonObject one)
    {
        lock (_gate)
        {
            ShowHeld(one);
        }
    }

    /// <summary>Leaves the last state where it is, so that further output goes below.</summary>
    public void Finish(JsonObject last)
    {
        lock (_gate)
        {
            _drawn = 0;
        }
    }

    /// <summary>Draws no more until <see cref="Resume"/>: something else is on the screen.</summary>
    internal void Pause()
    {
        lock (_gate)
        {
            (_drawn, _isPaused) = (0, true);
        }
    }

    internal void Resume()
    {
        lock (_gate)
        {
            _isPaused = false;
            Redraw();
        }
    }

    private void ShowHeld(JsonObject one)
    {
        var (kind, name, status, detail) = (one.Text("kind"), one.Text("name"), one.Text("status"), one.Text("detail"));
        switch (kind)
        {
            case "warning":
                Print($"{Colour("33")}warning{Colour("0")}: {(name.Length > 0 ? name + ": " : "")}{status}");
                return;
            case "build":
                Print($"{Colour("36")}{name}{Colour("0")} {status}{(detail.Length > 0 ? " " + detail : "")}");
                return;
            case "release":
                return; // its steps say enough
            default:
                Step(one, $"{char.ToUpperInvariant(kind[0])}{kind[1..]} {name}", status, detail);
                return;
        }
    }

    private void Step(JsonObject one, string title, string status, string detail)
    {
        if (!isTerminal)
        {
            // A layer's progress by the percent is for eyes only.
            if (!detail.EndsWith('%'))
            {
                output.WriteLine($" {title}  {status}{Elapsed(one)}{(detail.Length > 0 ? $"  ({detail})" : "")}");
            }

            return;
        }

        if (!_latest.ContainsKey(title))
        {
            _order.Add((title, title));
        }

        _latest[title] = one;
        Redraw();
    }

    private void Print(string line)
    {
        if (!isTerminal)
        {
            output.WriteLine(line);
            return;
        }

        output.Write(Erase() + line + "\n");
        _drawn = 0;
        Redraw();
    }

    private string Erase() => _drawn > 0 ? string.Create(CultureInfo.InvariantCulture, $"\e[{_drawn}A\e[J") : "";

    private void Redraw()
    {
        if (_order.Count == 0 || _isPaused)
        {
            return;
        }

        var text = new StringBuilder(Erase());
        var done = _latest.Values.Count(one => !s_ongoing.Contains(one.Text("status")));
        text.Append($"[+] {done}/{_order.Count}\n");
        var width = Math.Max(20, columns() - 1);
        foreach (var (key, name) in _order)
        {
            var one = _latest[key];
            var status = one.Text("status");
            var isOngoing = s_ongoing.Contains(status);
            var (mark, colour) = status == "Error" ? ("✘", "31") : isOngoing ? ("⠿", "34") : ("✔", "32");
            var detail = isOngoing && one.Text("detail") is { Length: > 0 } why ? "  " + why : "";
            var line = $" {mark} {name}  {status}{Elapsed(one)}{detail}";
            line = line.Length > width ? line[..width] : line;
            text.Append(Colour(colour)).Append(line).Append(Colour("0")).Append('\n');
        }

        _drawn = _order.Count + 1;
        output.Write(text.ToString());
    }

    private static string Elapsed(JsonObject one) => one["elapsed"] is JsonValue value && value.TryGetValue<double>(out var seconds)
        ? string.Create(CultureInfo.InvariantCulture, $"  {seconds:0.0}s")
        : "";

    private string Colour(string code) => isTerminal && hasColours ? $"\e[{code}m" : "";
}
