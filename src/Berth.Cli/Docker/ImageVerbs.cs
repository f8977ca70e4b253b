using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Client;

namespace Berth.Cli.Docker;

/// <summary>Verbs on images.</summary>
internal static class ImageVerbs
{
    private static readonly Option s_platform = Option.Value("platform", "PLATFORM", "Such as linux/arm64");

    internal static Verb List() => new(
        "images", "[OPTIONS] [NAME]", "Lists images.", "berth images\nberth images --format '{{.Repository}}:{{.Tag}}'",
        [Option.Flag("all", 'a', "All (Berth has no hidden ones)"), Option.Flag("digests", "With the digests that registries know them by"), DockerVerbs.Quiet, DockerVerbs.NoTrunc, DockerVerbs.Filter, DockerVerbs.Format],
        async (context, line) =>
        {
            var filters = line.Values("filter").Concat(line.Arguments.Select(name => "reference=" + name));
            var images = await context.Client.RequestAsync("GET", $"/images/json?filters={DockerVerbs.Filters(filters)}").ConfigureAwait(false);
            var rows = images.Items().SelectMany(Names).ToList();
            string Id(JsonNode one) => line.Flag("no-trunc") ? one.Text("Id") : HumanText.ShortId(one.Text("Id"));
            Listing.Write(
                context, line, line.Flag("quiet") ? [.. rows.DistinctBy(Id)] : rows, Id,
                [
                    ("REPOSITORY", "Repository", one => one.Text("Repository")), ("TAG", "Tag", one => one.Text("Tag")),
                    .. line.Flag("digests") ? [("DIGEST", "Digest", (Func<JsonNode, string>)Digest)] : Array.Empty<(string, string, Func<JsonNode, string>)>(),
                    ("IMAGE ID", "ID", Id),
                    ("CREATED", "CreatedSince", one => Listing.Ago(one.Number("Created"))), ("SIZE", "Size", one => HumanText.Size(one.Number("Size"))),
                ],
                [("Digest", one => Digest(one))]);
            return 0;
        });

    private static string Digest(JsonNode image) =>
        image.Texts("RepoDigests").FirstOrDefault(digest => digest.StartsWith(image.Text("Repository") + "@", StringComparison.Ordinal)) is { } named ? named[(named.IndexOf('@', StringComparison.Ordinal) + 1)..] : "<none>";

    // An image is listed once for each of its names.
    private static IEnumerable<JsonNode> Names(JsonNode image)
    {
        var names = image.Texts("RepoTags").Where(name => name != "<none>:<none>").ToList();
        foreach (var name in names.Count == 0 ? ["<none>:<none>"] : names)
        {
            var colon = name.LastIndexOf(':');
            var row = (JsonObject)image.DeepClone();
            (row["Repository"], row["Tag"]) = (name[..colon], name[(colon + 1)..]);
            yield return row;
        }
    }

    internal static Verb Pull() => new(
        "pull", "[OPTIONS] IMAGE", "Fetches an image from a mirror or its registry.", "berth pull nginx:1.29",
        [Option.Flag("quiet", 'q', "Without progress"), s_platform, Option.Flag("all-tags", 'a', "All tags that the repository has")],
        async (context, line) =>
        {
            var image = DockerVerbs.Exactly(line, "pull", 1)[0];
            if (line.Flag("all-tags") && HasTag(image))
            {
                throw new UsageException("tag can't be used with --all-tags/-a");
            }

            await PullAsync(context, image, line.Value("platform"), line.Flag("quiet"), context.Output, line.Flag("all-tags")).ConfigureAwait(false);
            context.Output.WriteLine(image);
            return 0;
        });

    private static bool HasTag(string image) => image[(image.LastIndexOf('/') + 1)..].AsSpan().ContainsAny(':', '@');

    /// <param name="allTags">Without one of its own, the name stands for the whole repository.</param>
    internal static Task PullAsync(CliContext context, string image, string? platform, bool isQuiet, TextWriter output, bool allTags = false)
    {
        var tag = allTags || HasTag(image) ? "" : "&tag=latest";
        var target = $"/images/create?fromImage={DockerVerbs.Escape(image)}{tag}{(platform is null ? "" : "&platform=" + DockerVerbs.Escape(platform))}";
        return StreamAsync(context, target, null, isQuiet, output, new RegistryLogins(context).HeadersFor(RegistryLogins.RegistryOf(image)));
    }

    internal static Verb Push() => new(
        "push", "[OPTIONS] IMAGE", "Sends an image to its registry.", "berth push registry.example/team/app:1", [Option.Flag("quiet", 'q', "Without progress"), Option.Flag("all-tags", 'a', "All tags that it has here"), s_platform],
        async (context, line) =>
        {
            var image = DockerVerbs.Exactly(line, "push", 1)[0];
            if (line.Flag("all-tags") && HasTag(image))
            {
                throw new UsageException("tag can't be used with --all-tags/-a");
            }

            await PushAsync(context, image, line.Flag("all-tags"), Platform(line), line.Flag("quiet"), context.Output).ConfigureAwait(false);
            return 0;
        });

    /// <param name="platform">As a further parameter of the address, or nothing.</param>
    /// <param name="output">Where progress is shown.</param>
    internal static Task PushAsync(CliContext context, string image, bool allTags, string platform, bool isQuiet, TextWriter output)
    {
        var colon = image.LastIndexOf(':');
        var hasTag = HasTag(image);
        var tag = allTags ? "" : "tag=" + DockerVerbs.Escape(hasTag ? image[(colon + 1)..] : "latest");
        return StreamAsync(
            context, $"/images/{DockerVerbs.EscapeImage(hasTag ? image[..colon] : image)}/push?{tag}{platform}", null, isQuiet, output, new RegistryLogins(context).HeadersFor(RegistryLogins.RegistryOf(image)));
    }

    internal static Verb Tag() => new("tag", "IMAGE NAME[:TAG]", "Gives an image one more name.", "berth tag app:latest registry.example/app:1", [], async (context, line) =>
    {
        var names = DockerVerbs.Exactly(line, "tag", 2);
        var colon = names[1].LastIndexOf(':');
        var hasTag = colon > names[1].LastIndexOf('/');
        await context.Client.RequestAsync(
            "POST", $"/images/{DockerVerbs.EscapeImage(names[0])}/tag?repo={DockerVerbs.Escape(hasTag ? names[1][..colon] : names[1])}&tag={DockerVerbs.Escape(hasTag ? names[1][(colon + 1)..] : "latest")}").ConfigureAwait(false);
        return 0;
    });

    internal static Verb Remove() => new(
        "rmi", "[OPTIONS] IMAGE...", "Removes images.", "berth rmi app:old", [Option.Flag("force", 'f', "Even with several names"), Option.Flag("no-prune", "Keep parents without a name")],
        (context, line) => DockerVerbs.EachAsync(context, line, "rmi", async name =>
        {
            foreach (var one in (await context.Client.RequestAsync("DELETE", $"/images/{DockerVerbs.EscapeImage(name)}?force={(line.Flag("force") ? 1 : 0)}&noprune={(line.Flag("no-prune") ? 1 : 0)}").ConfigureAwait(false)).Items())
            {
                context.Output.WriteLine(one["Untagged"] is null ? $"Deleted: {one.Text("Deleted")}" : $"Untagged: {one.Text("Untagged")}");
            }
        }));

    internal static Verb History() => new(
        "history", "[OPTIONS] IMAGE", "Shows the steps that an image was made by.", "berth history app:latest", [DockerVerbs.Quiet, DockerVerbs.NoTrunc, DockerVerbs.Format, Option.Flag("human", 'H', "Sizes and times for people (default true)"), s_platform],
        async (context, line) =>
        {
            var rows = await context.Client.RequestAsync("GET", $"/images/{DockerVerbs.EscapeImage(DockerVerbs.Exactly(line, "history", 1)[0])}/history?{Platform(line)}").ConfigureAwait(false);
            string Id(JsonNode one) => line.Flag("no-trunc") ? one.Text("Id") : HumanText.ShortId(one.Text("Id"));
            Listing.Write(
                context, line, [.. rows.Items()], Id,
                [
                    ("IMAGE", "ID", Id), ("CREATED", "CreatedSince", one => line.IsOn("human") ? Listing.Ago(one.Number("Created")) : Moment(one.Number("Created"))), ("CREATED BY", "CreatedBy", one => line.Flag("no-trunc") ? one.Text("CreatedBy") : HumanText.Shorten(one.Text("CreatedBy"), 45)),
                    ("SIZE", "Size", one => line.IsOn("human") ? HumanText.Size(one.Number("Size")) : one.Text("Size")), ("COMMENT", "Comment", one => one.Text("Comment")),
                ],
                []);
            return 0;
        });

    private static string Moment(long seconds) => DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ssK", System.Globalization.CultureInfo.InvariantCulture);

    // As the endpoints of images want it, JSON. Docker Engine API 1.48.
    private static string Platform(ParsedLine line)
    {
        if (line.Value("platform") is not { } text)
        {
            return "";
        }

        var parts = text.Split('/');
        if (parts.Length is not (2 or 3))
        {
            throw new UsageException($"'{text}' is not a platform; write OS/ARCHITECTURE[/VARIANT], such as linux/arm64");
        }

        var platform = new JsonObject { ["os"] = parts[0], ["architecture"] = parts[1] };
        if (parts.Length == 3)
        {
            platform["variant"] = parts[2];
        }

        return "&platform=" + DockerVerbs.Escape(platform.ToJsonString());
    }

    internal static Verb Save() => new(
        "save", "[OPTIONS] IMAGE...", "Writes images to an archive.", "berth save -o app.tar app:latest", [Option.Value("output", 'o', "FILE", "There instead of stdout"), s_platform],
        async (context, line) =>
        {
            if (line.Arguments.Count == 0)
            {
                throw new UsageException("'save' requires at least 1 argument");
            }

            if (line.Value("output") is null && CliContext.OutputIsTerminal)
            {
                throw new CliException(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
            }

            await using var response = await context.Client.SendAsync("GET", "/images/get?" + string.Join('&', line.Arguments.Select(name => "names=" + DockerVerbs.Escape(name))) + Platform(line)).ConfigureAwait(false);
            await response.EnsureSuccessAsync(CancellationToken.None).ConfigureAwait(false);
            await using var file = line.Value("output") is { } path ? File.Create(path) : null;
            await response.Body.CopyToAsync(file ?? context.OutputStream).ConfigureAwait(false);
            return 0;
        });

    internal static Verb Load() => new(
        "load", "[OPTIONS]", "Reads images from an archive.", "berth load -i app.tar", [Option.Value("input", 'i', "FILE", "From there instead of stdin"), Option.Flag("quiet", 'q', "Without progress"), s_platform],
        async (context, line) =>
        {
            await using var input = line.Value("input") is { } path ? File.OpenRead(path)
                : CliContext.InputIsTerminal ? throw new CliException(1, "requested load from stdin, but stdin is empty") : CliContext.OpenInput();
            await StreamAsync(context, $"/images/load?quiet={(line.Flag("quiet") ? 1 : 0)}{Platform(line)}", input, isQuiet: false, context.Output).ConfigureAwait(false);
            return 0;
        });

    /// <summary>Sends, and prints Docker's progress lines.</summary>
    /// <param name="ids">Takes the id of what was made.</param>
    /// <exception cref="CliException">A line said that it failed.</exception>
    internal static async Task StreamAsync(CliContext context, string target, Stream? body, bool isQuiet, TextWriter output, IReadOnlyDictionary<string, string>? headers = null, TextWriter? ids = null)
    {
        await using var response = await context.Client.SendAsync("POST", target, body, headers: headers).ConfigureAwait(false);
        await response.EnsureSuccessAsync(CancellationToken.None).ConfigureAwait(false);
        await foreach (var line in DaemonClient.ReadLinesAsync(response, CancellationToken.None).ConfigureAwait(false))
        {
            if (line["error"] is not null)
            {
                await output.FlushAsync().ConfigureAwait(false);
                throw new CliException(line["errorDetail"].Number("code") is > 0 and var code ? (int)code : 1, line.Text("error"));
            }

            ids?.Write(line["aux"].Text("ID"));
            if (line["stream"] is not null)
            {
                output.Write(line.Text("stream"));
            }
            else if (!isQuiet && line["status"] is not null && line["progress"] is null)
            {
                output.WriteLine(line["id"] is null ? line.Text("status") : $"{line.Text("id")}: {line.Text("status")}");
            }

            await output.FlushAsync().ConfigureAwait(false);
        }
    }
}
