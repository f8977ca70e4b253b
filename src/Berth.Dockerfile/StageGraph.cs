using System.Globalization;

namespace Berth.Dockerfile;

/// <summary>Which stages a target needs, and what each of them stands on.</summary>
public static class StageGraph
{
    /// <summary>The stages to build for a target, dependencies first; the target is the last.</summary>
    /// <param name="target">A stage's name or number; null for the last stage of the file.</param>
    /// <param name="globalArgs">Values of the <c>ARG</c>s before the first <c>FROM</c>.</param>
    /// <param name="isContext">Whether a name is that of an additional context, which comes before a stage of the same name; null for none.</param>
    /// <exception cref="ArgumentException">There is no such stage.</exception>
    /// <exception cref="WordException">A <c>FROM</c> cannot be expanded.</exception>
    public static IReadOnlyList<Stage> Needed(DockerfileModel file, string? target, Func<string, string?> globalArgs, Func<string, bool>? isContext = null)
    {
        var last = FindTarget(file, target);
        var needed = new SortedSet<int>();
        var pending = new Stack<int>([last.Index]);
        while (pending.TryPop(out var index))
        {
            if (needed.Add(index))
            {
                foreach (var dependency in Dependencies(file, file.Stages[index], globalArgs, isContext))
                {
                    pending.Push(dependency.Index);
                }
            }
        }

        return [.. needed.Select(index => file.Stages[index])]; // a stage refers only to earlier ones, so the file's order will do
    }

    /// <summary>The stage meant by <c>--target</c>.</summary>
    public static Stage FindTarget(DockerfileModel file, string? target)
    {
        if (string.IsNullOrEmpty(target))
        {
            return file.Stages[^1];
        }

        return Find(file, target, file.Stages.Count)
            ?? throw new ArgumentException(
                $"target stage \"{target}\" could not be found{(Nearest.Suggest(target, file.Stages.Select(one => one.Name).OfType<string>()) is { Length: > 0 } hint ? "." + hint : "")}");
    }

    /// <summary>The stages that a stage reads directly.</summary>
    public static IReadOnlyList<Stage> Dependencies(DockerfileModel file, Stage stage, Func<string, string?> globalArgs, Func<string, bool>? isContext = null)
    {
        var names = stage.Instructions.SelectMany(Sources).Prepend(Words.Expand(stage.From, globalArgs, file.Escape));
        return [.. names.Select((name, position) => isContext?.Invoke(name) == true ? null : FindSource(file, name, stage.Index, isBase: position == 0)).OfType<Stage>().Distinct()];
    }

    /// <summary>The earlier stage that a <c>COPY --from</c> or <c>RUN --mount from=</c> names; null when it names an image.</summary>
    public static Stage? FindSource(DockerfileModel file, string name, Stage reader) => FindSource(file, name, reader.Index, isBase: false);

    /// <summary>The earlier stage a <c>FROM</c> names; null when it names an image.</summary>
    /// <param name="name">Variables already replaced.</param>
    public static Stage? FindBase(DockerfileModel file, string name, Stage reader) => FindSource(file, name, reader.Index, isBase: true);

    /// <summary>What an instruction names as its source: stages or images.</summary>
    internal static IEnumerable<string> Sources(Instruction instruction) => instruction switch
    {
        CopyInstruction { From: { } from } => [from],
        RunInstruction run => run.Mounts
            .Select(mount => mount switch { BindMount bind => bind.From, CacheMount cache => cache.From, _ => null })
            .OfType<string>(),
        _ => [],
    };

    private static Stage? FindSource(DockerfileModel file, string name, int before, bool isBase) =>
        isBase && int.TryParse(name, CultureInfo.InvariantCulture, out _) ? null : Find(file, name, before);

    private static Stage? Find(DockerfileModel file, string name, int before)
    {
        var named = file.Stages.Take(before).LastOrDefault(stage => name.Equals(stage.Name, StringComparison.OrdinalIgnoreCase));
        return named is null && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < before
            ? file.Stages[index]
            : named;
    }
}
