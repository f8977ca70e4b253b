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

/// <summary>Warnings only.</summary>
internal sealed class NoProgress(TextWriter output) : IProgressView
{
    public void Show(JsonObject one)
    {
        if (one.Text("kind") == "warning")
        {
            output.WriteLine($"warning: {(one.Text("name").Length > 0 ? one.Text("name") + ": " : "")}{one.Text("status")}");
        }
    }

    public void Finish(JsonObject last)
    {
    }
}

/// <summary>
/// A command's progress: on a terminal a table with a line for each thing, redrawn at each change and each second while something goes on; elsewhere a line for each change.
/// </summary>
/// <param name="size">Of the terminal, which may change.</param>
internal sealed class ProgressView(TextWriter output, bool isTerminal, bool hasColours, Func<(int Rows, int Columns)> size, TimeProvider time) : IProgressView
{
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    private static readonly string[] s_ongoing =
    [
        "Creating", "Starting", "Stopping", "Removing", "Recreate", "Waiting", "Pulling", "Building", "Restarting", "Killing", "Pausing", "Unpausing",
        "Rolling", "Creating new", "Starting new", "Waiting until ready", "Starting again", "Draining", "Watching",
    ];

    private readonly List<Row> _rows = [];
    private readonly Dictionary<string, Row> _byTitle = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private int _drawn;
    private bool _isPaused;
    private int _changes;
    private ITimer? _clock;

    /// <summary>As <c>--progress</c> and <c>--ansi</c> ask; without them a table where somebody looks at a terminal.</summary>
    internal static IProgressView For(CliContext context)
    {
        var isTerminal = CliContext.ErrorIsTerminal && context.Variable("TERM") != "dumb" && context.Project.Ansi != "never";
        return context.Project.Progress switch
        {
            "json" => new JsonProgress(context.Error),
            "quiet" => new NoProgress(context.Error),
            var how => new ProgressView(
                context.Error, how == "tty" || (how == "auto" && isTerminal), context.HasColours, () => Terminal.Size(2) is { Rows: > 0, Columns: > 0 } size ? size : (24, 80), TimeProvider.System),
        };
    }

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
            Stop();
        }
    }

    /// <summary>Draws no more until <see cref="Resume"/>: something else is on the screen.</summary>
    internal void Pause()
    {
        lock (_gate)
        {
            Stop();
            _isPaused = true;
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
        var isNew = !_byTitle.TryGetValue(title, out var row);
        if (row is null)
        {
            row = new Row(title);
            _byTitle.Add(title, row);
            _rows.Add(row);
        }

        var before = row.Status;
        if (isNew || before != status)
        {
            (row.Status, row.Since) = (status, time.GetTimestamp());
        }

        (row.Detail, row.Elapsed, row.Changed) = (detail, Elapsed(one), ++_changes);
        if (isTerminal)
        {
            Redraw();
        }
        else if (!detail.EndsWith('%')) // a layer's progress by the percent is for eyes only
        {
            output.WriteLine($" {title}  {status}{row.Elapsed}{(detail.Length > 0 ? $"  ({detail})" : "")}");
        }
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
        if (_rows.Count == 0 || _isPaused)
        {
            return;
        }

        var (rows, columns) = size();
        var shown = Shown(Math.Max(1, rows - 2)); // below its head, above the line of the cursor
        var text = new StringBuilder(Erase());
        text.Append($"[+] {_rows.Count(row => !row.IsOngoing)}/{_rows.Count}\n");
        foreach (var row in shown)
        {
            var (mark, colour) = row.Status == "Error" ? ("✘", "31") : row.IsOngoing ? ("⠿", "34") : ("✔", "32");
            var detail = row.IsOngoing && row.Detail.Length > 0 ? "  " + row.Detail : "";
            var line = Fit($" {mark} {row.Title}  {row.Status}{(row.IsOngoing ? Running(row) : row.Elapsed)}{detail}", Math.Max(20, columns - 1));
            text.Append(Colour(colour)).Append(line).Append(Colour("0")).Append('\n');
        }

        _drawn = shown.Count + 1;
        output.Write(text.ToString());
        if (_rows.Exists(row => row.IsOngoing))
        {
            _clock ??= time.CreateTimer(_ => Tick(), null, s_tick, s_tick);
        }
    }

    private void Tick()
    {
        lock (_gate)
        {
            if (_clock is not null) // not one that was on its way when it ended
            {
                Redraw();
            }
        }
    }

    private void Stop()
    {
        _clock?.Dispose();
        (_clock, _drawn) = (null, 0);
    }

    // All, where they have room; else what goes on, and of the others what changed last.
    private IReadOnlyList<Row> Shown(int room) => _rows.Count <= room ? _rows
        : [.. _rows.OrderByDescending(row => row.IsOngoing).ThenByDescending(row => row.Changed).Take(room).OrderBy(_rows.IndexOf)];

    private string Running(Row row) =>
        time.GetElapsedTime(row.Since) is var elapsed && elapsed >= s_tick ? string.Create(CultureInfo.InvariantCulture, $"  {Math.Floor(elapsed.TotalSeconds):0}s") : "";

    /// <summary>What fits into that many columns, without anything that moves the cursor: a check's output is anybody's.</summary>
    private static string Fit(string line, int width)
    {
        var text = new StringBuilder();
        var used = 0;
        foreach (var rune in line.EnumerateRunes())
        {
            if ((used += Columns(rune)) > width)
            {
                break;
            }

            text.Append(Rune.IsControl(rune) ? new Rune(' ') : rune);
        }

        return text.ToString();
    }

    private static string Elapsed(JsonObject one) => one["elapsed"] is JsonValue value && value.TryGetValue<double>(out var seconds)
        ? string.Create(CultureInfo.InvariantCulture, $"  {seconds:0.0}s")
        : "";

    private string Colour(string code) => isTerminal && hasColours ? $"\e[{code}m" : "";

    // Unicode TR 11, roughly: Hangul, then all from the CJK radicals on, emoji among them. At worst a line is cut early.
    private static int Columns(Rune rune) => rune.Value is (>= 0x1100 and < 0x1200) or >= 0x2e80 ? 2 : 1;

    private sealed class Row(string title)
    {
        internal string Title => title;

        internal string Status { get; set; } = "";

        internal string Detail { get; set; } = "";

        /// <summary>In words; empty while it goes on.</summary>
        internal string Elapsed { get; set; } = "";

        /// <summary>The clock's timestamp at which the status became what it is.</summary>
        internal long Since { get; set; }

        /// <summary>Larger than that of whatever changed before.</summary>
        internal int Changed { get; set; }

        internal bool IsOngoing => s_ongoing.Contains(Status);
    }
}
