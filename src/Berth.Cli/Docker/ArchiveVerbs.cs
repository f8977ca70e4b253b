using System.Text.Json.Nodes;

namespace Berth.Cli.Docker;

/// <summary>What a container has changed, and images made of it.</summary>
internal static class ArchiveVerbs
{
    private static readonly Option s_change = Option.List("change", 'c', "INSTRUCTION", "Such as 'CMD [\"app\"]' or 'ENV A=1'");
    private static readonly Option s_message = Option.Value("message", 'm', "TEXT", "For the image's history");

    internal static Verb? Find(string name) => name switch
    {
        "cp" => CopyVerb.Create(),
        "diff" => Diff(),
        "export" => Export(),
        "import" => Import(),
        "commit" => Commit(),
        _ => null,
    };

    private static Verb Diff() => new("diff", "CONTAINER", "Lists the files that a container has added (A), changed (C) and deleted (D).", "berth diff web", [], async (context, line) =>
    {
        var id = DockerVerbs.Escape(DockerVerbs.Exactly(line, "diff", 1)[0]);
        foreach (var change in (await context.Client.RequestAsync("GET", $"/containers/{id}/changes").ConfigureAwait(false)).Items())
        {
            context.Output.WriteLine($"{change.Number("Kind") switch { 0 => 'C', 1 => 'A', _ => 'D' }} {change.Text("Path")}");
        }

        return 0;
    });

    private static Verb Export() => new(
        "export", "[OPTIONS] CONTAINER", "Writes all files of a container to an archive.", "berth export -o web.tar web", [Option.Value("output", 'o', "FILE", "There instead of stdout")],
        async (context, line) =>
        {
            var id = DockerVerbs.Escape(DockerVerbs.Exactly(line, "export", 1)[0]);
            if (line.Value("output") is null && CliContext.OutputIsTerminal)
            {
                throw new CliException(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
            }

            await using var response = await context.Client.SendAsync("GET", $"/containers/{id}/export").ConfigureAwait(false);
            await response.EnsureSuccessAsync(CancellationToken.None).ConfigureAwait(false);
            await using var file = line.Value("output") is { } path ? File.Create(path) : null;
            await response.Body.CopyToAsync(file ?? context.OutputStream).ConfigureAwait(false);
            return 0;
        });

    private static Verb Import() => new(
        "import", "[OPTIONS] FILE|URL|- [NAME[:TAG]]", "Makes an image of an archive of files.", "berth import web.tar web:flat\nberth import -c 'CMD [\"bash\"]' https://example.org/root.tar.xz tools",
        [s_change, s_message, Option.Value("platform", "PLATFORM", "Such as linux/arm64")],
        async (context, line) =>
        {
            if (line.Arguments is not [var source, .. var rest] || rest.Count > 1)
            {
                throw new UsageException("'import' requires 1 or 2 arguments");
            }

            var isRemote = source.Contains("://", StringComparison.Ordinal);
            var query = $"/images/create?fromSrc={(isRemote ? DockerVerbs.Escape(source) : "-")}{(rest is [var name] ? "&repo=" + DockerVerbs.Escape(name) : "")}{Changes(line)}"
                + (line.Value("message") is { } message ? "&message=" + DockerVerbs.Escape(message) : "") + (line.Value("platform") is { } platform ? "&platform=" + DockerVerbs.Escape(platform) : "");
            await using var input = isRemote ? null : source == "-" ? CliContext.OpenInput() : File.OpenRead(source);
            await ImageVerbs.StreamAsync(context, query, input, isQuiet: false, context.Output).ConfigureAwait(false);
            return 0;
        });

    private static Verb Commit() => new(
        "commit", "[OPTIONS] CONTAINER [NAME[:TAG]]", "Makes an image of a container as it is now.", "berth commit web web:debugged\nberth commit -c 'ENV DEBUG=1' web",
        [s_change, s_message, Option.Value("author", 'a', "TEXT", "Who made it"), Option.Flag("pause", 'p', "Freeze the container meanwhile (default true)")],
        async (context, line) =>
        {
            if (line.Arguments is not [var container, .. var rest] || rest.Count > 1)
            {
                throw new UsageException("'commit' requires 1 or 2 arguments");
            }

            var (repository, tag) = rest is [var name] ? Split(name) : ("", "");
            var query = $"/commit?container={DockerVerbs.Escape(container)}&repo={DockerVerbs.Escape(repository)}&tag={DockerVerbs.Escape(tag)}&pause={(!line.Has("pause") || line.Flag("pause") ? 1 : 0)}{Changes(line)}"
                + $"&comment={DockerVerbs.Escape(line.Value("message") ?? "")}&author={DockerVerbs.Escape(line.Value("author") ?? "")}";
            context.Output.WriteLine((await context.Client.RequestAsync("POST", query, new JsonObject()).ConfigureAwait(false)).Text("Id"));
            return 0;
        });

    private static string Changes(ParsedLine line) => string.Concat(line.Values("change").Select(change => "&changes=" + DockerVerbs.Escape(change)));

    private static (string Repository, string Tag) Split(string name)
    {
        var colon = name.LastIndexOf(':');
        return colon > name.LastIndexOf('/') ? (name[..colon], name[(colon + 1)..]) : (name, "");
    }
}
