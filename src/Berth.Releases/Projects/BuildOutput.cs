using System.Text;
using Berth.Engine.Build;

namespace Berth.Releases.Projects;

/// <summary>A build's events as lines. What a step prints is passed on line by line, each with its step.</summary>
internal sealed class BuildOutput(string service, ProjectProgress progress)
{
    private readonly Dictionary<(int Stage, int Step, bool IsError), (Decoder Decoder, StringBuilder Line)> _open = [];

    internal void Write(BuildEvent one)
    {
        switch (one)
        {
            case StepStarted started:
                Line(started.Step.ToString(), started.MissReason is { } reason ? $"not from the cache: {reason}" : null);
                break;
            case StepCached cached:
                Line($"{cached.Step}", "CACHED");
                break;
            case StepPrinted printed:
                Print(printed);
                break;
            case BasePulled pulled:
                Line($"{pulled.Step}", pulled.Progress.Id is null ? pulled.Progress.Status : null);
                break;
            case StepFinished finished:
                Flush(finished.Step);
                break;
            case BuildWarned warned:
                progress(new(ProjectEventKind.Warning, service, warned.Message));
                break;
            case BuildFailed:
                foreach (var line in _open.Values.Where(line => line.Line.Length > 0))
                {
                    Line("", line.Line.ToString());
                }

                break;
        }
    }

    private void Line(string step, string? detail) => progress(new(ProjectEventKind.Build, service, step, Detail: detail));

    private void Print(StepPrinted printed)
    {
        var key = (printed.Step.StageIndex, printed.Step.Number, printed.Output.IsError);
        if (!_open.TryGetValue(key, out var open))
        {
            _open[key] = open = (Encoding.UTF8.GetDecoder(), new());
        }

        var characters = new char[Encoding.UTF8.GetMaxCharCount(printed.Output.Bytes.Length)];
        var count = open.Decoder.GetChars(printed.Output.Bytes.Span, characters, flush: false); // a piece may end within a character
        foreach (var character in characters.AsSpan(0, count))
        {
            if (character is '\n')
            {
                Line(Short(printed.Step), open.Line.ToString().TrimEnd('\r'));
                open.Line.Clear();
            }
            else
            {
                open.Line.Append(character);
            }
        }
    }

    private void Flush(BuildStep step)
    {
        foreach (var isError in new[] { false, true })
        {
            if (_open.Remove((step.StageIndex, step.Number, isError), out var open) && open.Line.Length > 0)
            {
                Line(Short(step), open.Line.ToString());
            }
        }
    }

    private static string Short(BuildStep step) => step.ToString() is var text && text.IndexOf(']', StringComparison.Ordinal) is >= 0 and var end ? text[..(end + 1)] : text;
}
