using Berth.Cli.Docker;
using Berth.Cli.Projects;
using Berth.Client;

namespace Berth.Cli;

/// <summary>Words for a shell to complete: verbs, options, and the names of what there is. The shells' scripts call <c>berth __complete WORD...</c>, the last word being the one at the cursor.</summary>
internal static class Completion
{
    internal const string Hidden = "__complete";

    private static readonly string[] s_groups = ["image", "container", "network", "volume", "system", "builder", "docker", "compose"];

    private static readonly Dictionary<string, string> s_scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            _berth() {
                local IFS=$'\n'
                COMPREPLY=($(berth __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
                [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default
            }
            complete -F _berth berth

            """,
        ["zsh"] = """
            #compdef berth
            _berth() {
                local -a found
                found=(${(f)"$(berth __complete ${words[2,CURRENT]} 2>/dev/null)"})
                if (( ${#found} )); then compadd -a found; else _files; fi
            }
            compdef _berth berth

            """,
        ["fish"] = """
            complete -c berth -a '(set -l words (commandline -opc) (commandline -ct); berth __complete $words[2..-1] 2>/dev/null)'

            """,
    };

    internal static Verb Script() => new(
        "completion", "SHELL", "Prints what makes a shell complete berth's words: bash, zsh or fish.", "source <(berth completion bash)\nberth completion bash >/etc/bash_completion.d/berth\nberth completion fish >~/.config/fish/completions/berth.fish", [], (context, line) =>
        {
            var shell = DockerVerbs.Exactly(line, "completion", 1)[0];
            context.Output.Write(s_scripts.GetValueOrDefault(shell) ?? throw new UsageException($"there is no completion for {shell}; there is for {string.Join(", ", s_scripts.Keys)}"));
            return Task.FromResult(0);
        });

    internal static Verb Complete() => new(Hidden, "WORD...", "Completes the last word.", "berth __complete st", [], async (context, line) =>
    {
        var words = line.Arguments;
        var current = words.Count > 0 ? words[^1] : "";
        foreach (var candidate in (await CandidatesAsync(context, [.. words.SkipLast(1)], current).ConfigureAwait(false)).Where(one => one.StartsWith(current, StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal))
        {
            context.Output.WriteLine(candidate);
        }

        return 0;
    })
    {
        StopsAtArgument = true,
    };

    private static async Task<IEnumerable<string>> CandidatesAsync(CliContext context, List<string> before, string current)
    {
        if (before is ["docker" or "compose", .. var rest])
        {
            context.Vocabulary = before[0] == "docker" ? Vocabulary.Docker : Vocabulary.Compose;
            before = rest;
        }

        if (before is [])
        {
            return Vocabularies.Summaries(context.Vocabulary).SelectMany(group => group.Verbs).Select(verb => verb.Name.Split(' ')[0]);
        }

        if (before is [var group] && s_groups.Contains(group))
        {
            return DockerVerbs.InGroups.Where(one => one.Group == group).Select(one => one.Verb);
        }

        var words = before.ToList();
        var verb = Vocabularies.Find(context, ref words);
        if (current.StartsWith('-'))
        {
            return verb.Options.Concat(verb.TakesProject ? ProjectOptions.Options : []).Select(option => "--" + option.Name);
        }

        try
        {
            return await NamesAsync(context, verb.Name).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is DaemonException or DaemonUnreachableException or ComposeMistakesException)
        {
            return []; // a shell completes what it can
        }
    }

    private static async Task<IEnumerable<string>> NamesAsync(CliContext context, string verb)
    {
        if (verb is "run" or "rmi" or "tag" or "push" or "save" or "history" or "image rm" or "image inspect" or "image tag" or "image push" or "image save" or "image history" or "create")
        {
            var images = (await context.Client.RequestAsync("GET", "/images/json").ConfigureAwait(false)).Items().SelectMany(one => one.Texts("RepoTags"));
            return verb == "run" ? images.Concat(await ServicesAsync(context).ConfigureAwait(false)) : images;
        }

        if (verb.StartsWith("network ", StringComparison.Ordinal))
        {
            return (await context.Client.RequestAsync("GET", "/networks").ConfigureAwait(false)).Items().Select(one => one.Text("Name"));
        }

        if (verb.StartsWith("volume ", StringComparison.Ordinal))
        {
            return (await context.Client.RequestAsync("GET", "/volumes").ConfigureAwait(false)).List("Volumes").Select(one => one.Text("Name"));
        }

        if (s_withoutNames.Contains(verb))
        {
            return [];
        }

        var onlyRunning = verb is "stop" or "kill" or "exec" or "pause" or "attach" or "top" or "stats";
        var containers = (await context.Client.RequestAsync("GET", $"/containers/json?all={(onlyRunning ? 0 : 1)}").ConfigureAwait(false)).Items().SelectMany(one => one.Texts("Names")).Select(name => name.TrimStart('/'));
        return containers.Concat(await ServicesAsync(context).ConfigureAwait(false));
    }

    private static readonly string[] s_withoutNames = ["images", "info", "version", "events", "login", "logout", "search", "pull", "load", "import", "completion", "system df", "system info", "system prune", "builder prune", "releases", "config"];

    // Of the project in this folder.
    private static async Task<IEnumerable<string>> ServicesAsync(CliContext context) => context.Vocabulary == Vocabulary.Docker || !context.Project.Exists(context)
        ? []
        : (await ProjectCommands.ListAsync(context, []).ConfigureAwait(false)).Texts("services");
}
