using System.Text;

namespace Berth.Cli;

/// <summary>A verb: how it is written, and what it does.</summary>
/// <param name="Usage">What follows the verb: <c>[OPTIONS] IMAGE [COMMAND]</c>.</param>
/// <param name="Example">Whole lines, without the prompt.</param>
internal sealed record Verb(string Name, string Usage, string Summary, string Example, IReadOnlyList<Option> Options, Func<CliContext, ParsedLine, Task<int>> Run)
{
    /// <summary>Options after the first argument are not ours.</summary>
    internal bool StopsAtArgument { get; init; }

    /// <summary>It takes the project options, before or after itself.</summary>
    internal bool TakesProject { get; init; }

    /// <summary>When its own command line is wrong: 125 as Docker's, 1 as Compose's.</summary>
    internal int UsageExitCode { get; init; } = 125;

    internal string Help(string program)
    {
        var text = new StringBuilder($"Usage:  {program} {Name} {Usage}\n\n{Summary}\n\nExamples:\n");
        foreach (var line in Example.Split('\n'))
        {
            text.Append($"  {line}\n");
        }

        AppendOptions(text, "Options", Options);
        if (TakesProject)
        {
            AppendOptions(text, "Project options", ProjectOptions.Options.Where(option => Options.All(own => own.Name != option.Name)));
        }

        return text.ToString();
    }

    internal static void AppendOptions(StringBuilder text, string title, IEnumerable<Option> options)
    {
        var lines = options.OrderBy(option => option.Name, StringComparer.Ordinal)
            .Select(option => ($"{(option.Short == '\0' ? "    " : $"-{option.Short}, ")}--{option.Name}{(option.ValueName.Length > 0 ? " " + option.ValueName : "")}", option.Help))
            .ToList();
        if (lines.Count == 0)
        {
            return;
        }

        var width = lines.Max(line => line.Item1.Length) + 3;
        text.Append($"\n{title}:\n");
        foreach (var (name, help) in lines)
        {
            text.Append("  ").Append(name.PadRight(width)).Append(help).Append('\n');
        }
    }
}
