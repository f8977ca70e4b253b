using Berth.Cli.Projects;

namespace Berth.Cli;

/// <summary>What the names on a command line mean.</summary>
/// <param name="IsProject">Services of the project; otherwise containers or images.</param>
/// <param name="Services">Set with <paramref name="Others"/> when there are both.</param>
/// <param name="Note">To be said on stderr.</param>
internal sealed record Meaning(bool IsProject, IReadOnlyList<string>? Services = null, IReadOnlyList<string>? Others = null, string? Note = null);

/// <summary>One vocabulary: in a project's folder, or where a project is named, a name is a service of it, else a container or an image.</summary>
internal static class NameResolution
{
    internal static async Task<Meaning> ResolveAsync(CliContext context, string verb, IReadOnlyList<string> names)
    {
        if (!context.Project.Exists(context))
        {
            return new(IsProject: false);
        }

        if (verb == "diff")
        {
            return new(IsProject: names.Count != 1 || int.TryParse(names[0], System.Globalization.CultureInfo.InvariantCulture, out _)); // releases have numbers, containers have names
        }

        if (names.Count == 0 || context.Project.IsExplicit)
        {
            return WithoutNames(verb, names, context.Project.IsExplicit);
        }

        try
        {
            var view = await ProjectCommands.ListAsync(context, []).ConfigureAwait(false);
            var services = view.Texts("services").Concat(view.List("containers").Select(one => one.Text("Service"))).ToHashSet(StringComparer.Ordinal);
            return Decide(verb, names, services);
        }
        catch (ComposeMistakesException)
        {
            return new(IsProject: false, Note: $"The compose file here has mistakes ('berth config' shows them), so {names[0]} is not taken as a service.");
        }
    }

    /// <summary>Pure: only the first name counts where the rest is a command.</summary>
    internal static Meaning Decide(string verb, IReadOnlyList<string> names, IReadOnlySet<string> services)
    {
        if (verb is "run" or "exec" or "create")
        {
            return new(services.Contains(names[0]));
        }

        if (verb == "cp")
        {
            return new(names.Any(name => name.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon && services.Contains(name[..colon])));
        }

        if (verb == "top")
        {
            return new(names.All(services.Contains)); // options of ps may follow
        }

        if (verb is "commit" or "port" or "attach" or "export")
        {
            return new(services.Contains(names[0])); // what follows is no name
        }

        List<string> own = [.. names.Where(services.Contains)];
        return own.Count == names.Count ? new(IsProject: true)
            : own.Count == 0 ? new(IsProject: false)
            : new(IsProject: true, own, [.. names.Where(name => !services.Contains(name))]);
    }

    internal static Meaning WithoutNames(string verb, IReadOnlyList<string> names, bool isExplicit) => new(
        IsProject: true,
        Note: names.Count > 0 || isExplicit ? null : verb switch
        {
            "ps" => "(the project in this folder; 'berth ps --all-projects' shows everything)",
            "images" or "stats" or "top" or "events" => $"(the project in this folder; 'berth {verb} --all-projects' shows everything)",
            "logs" => "(the project in this folder; 'berth docker logs' is about any container)",
            _ => null,
        });
}

/// <summary><c>build</c> has a folder with a Dockerfile, or services; <c>-f</c> is then a Dockerfile or a compose file.</summary>
internal static class BuildMeaning
{
    internal static void Prepare(CliContext context, ParsedLine line)
    {
        var dockerfile = line.Values("file");
        if (line.Arguments.Count == 0 && dockerfile.Count > 0)
        {
            context.Project.Files.AddRange(dockerfile);
        }
        else if (line.Arguments is [var folder] && folder != "." && Directory.Exists(folder) && ProjectOptions.HasComposeFile(folder) && !line.Has("tag") && dockerfile.Count == 0)
        {
            context.Project.Files.Add(folder);
            line.Arguments.Clear();
        }
    }
}
