using Berth.Cli.Docker;
using Berth.Cli.Projects;

namespace Berth.Cli;

/// <summary>Finds the verb that a word means, and joins the two meanings of one word.</summary>
internal static class Vocabularies
{
    private const string AllProjects = "all-projects";

    /// <param name="words">The verb and what follows; on return only what follows.</param>
    internal static Verb Find(CliContext context, ref List<string> words)
    {
        if (context.Vocabulary == Vocabulary.Both && words[0] is "docker" or "compose")
        {
            context.Vocabulary = words[0] == "docker" ? Vocabulary.Docker : Vocabulary.Compose;
            context.Program += " " + words[0];
            words = words[1..];
            if (context.Vocabulary == Vocabulary.Compose)
            {
                var before = CommandLine.Parse(words, ProjectOptions.Options, stopsAtArgument: true);
                context.Project.Add(before, []);
                words = before.Arguments;
            }

            if (words.Count == 0 || words[0] is "--help" or "-h")
            {
                throw new UsageException($"a verb is missing; '{context.Program.Split(' ')[0]} --help' lists them");
            }
        }

        var name = words[0];
        words = words[1..];
        if (context.Vocabulary == Vocabulary.Both && name == "uninstall")
        {
            return Installation.Uninstall();
        }

        if (context.Vocabulary == Vocabulary.Both && name == "doctor")
        {
            return Doctor.DoctorVerb.Doctor();
        }

        var isDockers = context.Vocabulary == Vocabulary.Docker || (context.Vocabulary == Vocabulary.Both && name == "version"); // of the command line and the daemon, not of Compose
        var compose = isDockers ? null : ComposeVerbs.Find(name);
        var docker = context.Vocabulary == Vocabulary.Compose ? null : DockerVerbs.Find(context, name, ref words);
        return (compose, docker) switch
        {
            ({ } one, { } other) => Join(one, other),
            ({ } one, null) => one,
            (null, { } one) => one,
            _ => throw new CliException(context.Vocabulary == Vocabulary.Compose ? 1 : 125, $"'{name}' is not a {context.Program} verb.{Suggest(name, context.Vocabulary)}\nSee '{context.Program} --help'."),
        };
    }

    internal static IReadOnlyList<(string Title, IReadOnlyList<(string Name, string Summary)> Verbs)> Summaries(Vocabulary vocabulary) => vocabulary switch
    {
        Vocabulary.Docker => [("Verbs", DockerVerbs.Summaries)],
        Vocabulary.Compose => [("Verbs", ComposeVerbs.Summaries)],
        _ =>
        [
            ("Projects (and containers: a name is a service where there is a project that has it)", ComposeVerbs.Summaries),
            ("Containers, images, networks, volumes", [.. DockerVerbs.Summaries.Where(verb => ComposeVerbs.Summaries.All(other => other.Name != verb.Name))]),
            ("This machine", [("doctor", "Says what is wrong here and what mends it"), ("uninstall", "Takes an installed Berth away")]),
            ("Only one meaning", [("docker VERB", "Docker's meaning of a verb"), ("compose VERB", "Compose's meaning of a verb")]),
        ],
    };

    private static string Suggest(string name, Vocabulary vocabulary)
    {
        var known = Summaries(vocabulary).SelectMany(group => group.Verbs).Select(verb => verb.Name).Where(verb => !verb.Contains(' ', StringComparison.Ordinal));
        var near = known.FirstOrDefault(verb => verb.StartsWith(name, StringComparison.Ordinal) || name.StartsWith(verb, StringComparison.Ordinal));
        return near is null ? "" : $" Did you mean '{near}'?";
    }

    private static Verb Join(Verb compose, Verb docker)
    {
        List<Option> options = [.. docker.Options];
        foreach (var option in compose.Options.Where(option => docker.Options.All(other => other.Name != option.Name)))
        {
            options.Add(docker.Options.Any(other => other.Short == option.Short) ? option with { Short = '\0' } : option);
        }

        if (ListsEverything(docker.Name))
        {
            options.Add(Option.Flag(AllProjects, "Everything on this machine, not only the project in this folder"));
        }

        return new(docker.Name, $"{compose.Usage}\n   or  berth {docker.Name} {docker.Usage}", $"{compose.Summary}\n{docker.Summary}", $"{compose.Example}\n{docker.Example}", options,
            (context, line) => RunAsync(context, line, compose, docker))
        {
            TakesProject = true,
            StopsAtArgument = docker.StopsAtArgument,
            UsageExitCode = docker.UsageExitCode,
        };
    }

    /// <summary>Whether a verb without a name means the project in a project's folder, and everything elsewhere.</summary>
    private static bool ListsEverything(string verb) => verb is "ps" or "images" or "stats" or "top" or "events";

    private static async Task<int> RunAsync(CliContext context, ParsedLine line, Verb compose, Verb docker)
    {
        if (line.Flag(AllProjects))
        {
            return await docker.Run(context, line).ConfigureAwait(false);
        }

        if (compose.Name == "build")
        {
            BuildMeaning.Prepare(context, line);
        }

        // A path like ./examples/forum is a project's folder, but an image's name may have slashes too.
        if (line.Arguments is [var folder, ..] && compose.Name is not ("build" or "cp") && ProjectOptions.IsFolder(folder)
            && (compose.Name is not ("run" or "pull") || folder[0] is '.' or '/' or '~'))
        {
            ComposeVerbs.TakeFolder(context, line);
        }

        var meaning = await NameResolution.ResolveAsync(context, compose.Name, line.Arguments).ConfigureAwait(false);
        if (meaning.Note is { } note)
        {
            context.Error.WriteLine(note);
        }

        if (meaning is { Services: null, Others: null })
        {
            return await RunOneAsync(context, line, meaning.IsProject ? compose : docker, docker, meaning.IsProject).ConfigureAwait(false);
        }

        // Some names are services, others containers: each group in its own meaning.
        line.Arguments.Clear();
        line.Arguments.AddRange(meaning.Services!);
        var first = await RunOneAsync(context, line, compose, docker, isProject: true).ConfigureAwait(false);
        line.Arguments.Clear();
        line.Arguments.AddRange(meaning.Others!);
        return Math.Max(first, await RunOneAsync(context, line, docker, docker, isProject: false).ConfigureAwait(false));
    }

    private static Task<int> RunOneAsync(CliContext context, ParsedLine line, Verb verb, Verb docker, bool isProject)
    {
        // A project option counts for a project, unless the other meaning has the name: then it was meant for that one.
        bool IsProjects(string name) => isProject && (verb.Name == "build" || docker.Options.All(option => option.Name != name)) && ProjectOptions.Options.Any(option => option.Name == name);
        var foreign = line.Given.FirstOrDefault(name => verb.Options.All(option => option.Name != name) && !IsProjects(name));
        if (foreign is not null)
        {
            throw new UsageException(isProject
                ? $"--{foreign} is not for services; 'berth docker {verb.Name}' takes the name as {(verb.Name is "run" or "pull" ? "an image" : "a container")}"
                : $"--{foreign} is for services of a project, and this is none");
        }

        return !isProject && context.Project.IsDryRun ? throw DryRun.NotOfAProject() : verb.Run(context, line);
    }
}
