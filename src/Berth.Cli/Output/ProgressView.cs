using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Linux.Terminals;

namespace Berth.Cli.Output;

/// <summary>A command's progress: on a terminal one line for each thing, redrawn; elsewhere a line for each change.</summary>
internal sealed class ProgressView(TextWriter output, bool isTerminal, bool hasColours, Func<int> columns)
{
    private static readonly string[] s_ongoing =
    [
        "Creating", "Starting", "Stopping", "Removing", "Recreate", "Waiting", "Pulling", "Building", "Restarting", "Killing", "Pausing", "Unpausing",
        "Rolling", "Creating new", "Starting new", "Waiting until ready", "Starting again", "Draining", "Watching",
    ];

    private readonly List<(string Key, string Name)> _order = [];
    private readonly Dictionary<string, JsonObject> _latest = new(StringComparer.Ordinal);
    private int _drawn;

    internal static ProgressView For(CliContext context) =>
        new(context.Error, CliContext.ErrorIsTerminal && context.Variable("TERM") != "dumb", context.HasColours, () => Terminal.Size(2)?.Columns ?? 80);

    internal void Show(JsonObject one)
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
            default:
                Step(one, $"{char.ToUpperInvariant(kind[0])}{kind[1..]} {name}", status, detail);
                return;
        }
    }

    /// <summary>Leaves the last state where it is, so that further output goes below.</summary>
    internal void Finish() => _drawn = 0;

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
        if (_order.Count == 0)
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
