using System.Collections;
using System.Text;
using Berth.Client;

namespace Berth.Cli;

/// <summary>From a command line to a verb, and from a failure to a message and an exit code.</summary>
internal static class CliProgram
{
    private const int BrokenPipe = (int)Berth.Linux.Errno.EPIPE;
    private const int DiedOfBrokenPipe = 128 + 13; // as a shell says of a program that SIGPIPE ended

    private static readonly Option[] s_global =
    [
        Option.Value("host", 'H', "URL", "The daemon's address (BERTH_HOST, DOCKER_HOST; default unix:///run/berth/berth.sock)"),
        Option.Flag("version", 'v', "Print the version"),
    ];

    internal static async Task<int> RunAsync(string[] arguments, string program)
    {
        var vocabulary = program switch { "docker" => Vocabulary.Docker, "docker-compose" => Vocabulary.Compose, _ => Vocabulary.Both };
        var context = new CliContext(vocabulary, vocabulary == Vocabulary.Both ? "berth" : program, Variables());
        try
        {
            var exitCode = await RunAsync(context, arguments).ConfigureAwait(false);
            context.Output.Flush();
            return exitCode;
        }
        catch (IOException exception) when (exception.HResult == BrokenPipe)
        {
            return DiedOfBrokenPipe; // "berth logs web | head": nobody reads on, and that is no failure to tell of
        }
    }

    /// <summary>Everything that a verb may end with becomes a message and an exit code.</summary>
    private static async Task<int> RunAsync(CliContext context, IReadOnlyList<string> arguments)
    {
        Verb? verb = null;
        try
        {
            if (context.Vocabulary == Vocabulary.Compose && DockerPlugin.Describe(arguments) is { } description)
            {
                context.Output.WriteLine(description);
                return 0;
            }

            if (context.Vocabulary == Vocabulary.Compose && DockerPlugin.WithoutWord(arguments, [.. s_global, .. ProjectOptions.Options]) is { } plain)
            {
                (arguments, context.Program) = (plain, "docker compose");
            }

            var words = ReadGlobal(context, arguments);
            if (words is null)
            {
                return 0;
            }

            verb = Vocabularies.Find(context, ref words);
            return await RunVerbAsync(context, verb, words).ConfigureAwait(false);
        }
        catch (UsageException exception)
        {
            context.Error.WriteLine($"{context.Program}: {exception.Message}\n\nSee '{context.Program}{(verb is null ? "" : " " + verb.Name)} --help'.");
            return verb?.UsageExitCode ?? 125;
        }
        catch (CliException exception)
        {
            context.Error.WriteLine(exception.Message.Length > 0 ? $"{context.Program}: {exception.Message}" : "");
            return exception.ExitCode;
        }
        catch (Projects.ComposeMistakesException exception)
        {
            context.Error.WriteLine(exception.Message);
            return 1;
        }
        catch (Exception exception) when (exception is DaemonException or DaemonUnreachableException)
        {
            context.Error.WriteLine($"{context.Program}: {exception.Message}");
            return verb is { Name: "run" or "create" } ? verb.UsageExitCode : 1;
        }
        catch (IOException exception) when (exception.HResult != BrokenPipe)
        {
            context.Error.WriteLine($"{context.Program}: {exception.Message}");
            return 1;
        }
        catch (UnauthorizedAccessException exception)
        {
            context.Error.WriteLine($"{context.Program}: {exception.Message}");
            return 1;
        }
    }

    private static async Task<int> RunVerbAsync(CliContext context, Verb verb, IReadOnlyList<string> words)
    {
        IReadOnlyList<Option> options = verb.TakesProject ? [.. verb.Options, .. ProjectOptions.Options.Where(option => verb.Options.All(own => own.Name != option.Name && own.Short != option.Short))] : verb.Options;
        if (verb.TakesProject)
        {
            // Where a verb has the letter for something else, the long name is still the project's.
            options = [.. options, .. ProjectOptions.Options.Where(option => options.All(other => other.Name != option.Name)).Select(option => option with { Short = '\0' })];
        }

        var line = CommandLine.Parse(words, options, verb.StopsAtArgument);
        if (line.WantsHelp)
        {
            context.Output.Write(verb.Help(context.Program));
            return 0;
        }

        if (verb.TakesProject)
        {
            context.Project.Add(line, verb.Options);
        }

        return !verb.TakesProject && context.Project.IsDryRun ? throw Projects.DryRun.NotOfAProject() : await verb.Run(context, line).ConfigureAwait(false);
    }

    /// <summary>Reads what stands before the verb. Null when there is nothing more to do.</summary>
    private static List<string>? ReadGlobal(CliContext context, IReadOnlyList<string> arguments)
    {
        // -p and -f before a verb are the project's; -v is the version.
        var line = CommandLine.Parse(arguments, [.. s_global, .. ProjectOptions.Options], stopsAtArgument: true);
        context.Host = line.Value("host") ?? context.Host;
        context.Project.Add(line, []);
        if (line.Flag("version"))
        {
            context.Output.WriteLine($"Berth version {Version}");
            return null;
        }

        if (line.WantsHelp || line.Arguments.Count == 0)
        {
            context.Output.Write(Help(context));
            return null;
        }

        return line.Arguments;
    }

    internal static string Version => typeof(CliProgram).Assembly.GetName().Version?.ToString(3) ?? "0";

    private static string Help(CliContext context)
    {
        var text = new StringBuilder($"Usage:  {context.Program} [OPTIONS] VERB [ARGUMENTS]\n\nFrom a folder to a running site.\n\nExamples:\n"
            + "  berth up -d --wait ./examples/forum    bring a project up and wait until it is healthy\n  berth logs -f app                      follow a service of the project in this folder\n"
            + "  berth run --rm -it debian:bookworm-slim bash\n");
        foreach (var group in Vocabularies.Summaries(context.Vocabulary))
        {
            text.Append($"\n{group.Title}:\n");
            foreach (var (name, summary) in group.Verbs)
            {
                text.Append($"  {name,-12} {summary}\n");
            }
        }

        Verb.AppendOptions(text, "Options", s_global);
        if (context.Vocabulary != Vocabulary.Docker)
        {
            Verb.AppendOptions(text, "Project options, before or after the verb", ProjectOptions.Options);
        }

        return text.Append($"\n'{context.Program} VERB --help' says more about a verb.\n").ToString();
    }

    private static Dictionary<string, string> Variables()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return variables;
    }
}
