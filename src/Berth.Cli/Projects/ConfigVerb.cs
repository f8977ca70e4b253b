using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary><c>config</c>: the project as it was understood, as a whole or one side of it.</summary>
internal static class ConfigVerb
{
    internal static Verb Create() => ComposeVerbs.Project(
        "config", "[OPTIONS] [FOLDER] [SERVICE...]", "Shows the project as it was understood, or only checks it.", "berth config -q && echo fine\nberth config --services",
        [
            Option.Flag("quiet", 'q', "Only check"), Option.Flag("services", "Names of services"), Option.Flag("volumes", "Names of volumes"), Option.Flag("networks", "Names of networks"),
            Option.Flag("images", "Names of images"), Option.Flag("profiles", "Names of profiles"), Option.Value("format", "FORMAT", "yaml or json"),
            Option.Value("hash", "SERVICES", "A fingerprint of each service, or of some with commas between them ('*': all)"), Option.Flag("environment", "Variables that the files may name"), Option.Flag("variables", "Variables that the files name, and what they are without a value"),
            Option.Flag("no-interpolate", "Merge the files, and leave the variables in them as they are"), Option.Value("output", 'o', "FILE", "Write there"),
            Option.Flag("resolve-image-digests", "Images with the digests that their registries have now"), Option.Flag("lock-image-digests", "An override file with these alone"),
            Option.Flag("no-path-resolution", "Paths as they are written"), Option.Flag("no-consistency", "Do not check what the files' parts say of one another"), Option.Flag("models", "Names of models: there are none, Berth runs no language models"),
        ],
        async (context, line) =>
        {
            if (line.Value("format") is not (null or "yaml" or "json") and var format)
            {
                throw new UsageException($"--format {format}: it is yaml or json");
            }

            var view = await ProjectCommands.ReadAsync(context, "config", request =>
            {
                request["services"] = Json.Array(line.Arguments);
                request["noInterpolate"] = line.Flag("no-interpolate");
                request["resolveDigests"] = line.Flag("resolve-image-digests") || line.Flag("lock-image-digests");
                request["onlyImages"] = line.Flag("lock-image-digests");
                request["keepPaths"] = line.Flag("no-path-resolution");
                request["skipChecks"] = line.Flag("no-consistency");
                request["environmentIsShown"] = line.Flag("environment");
                request["variablesAreShown"] = line.Flag("variables");
                request["only"] = s_configLists.Any(line.Flag) || line.Flag("quiet") || line.Flag("environment") ? "names" : line.Has("hash") ? "hashes" : line.Value("format") ?? "yaml";
            }).ConfigureAwait(false);
            foreach (var warning in view.Texts("warnings"))
            {
                context.Error.WriteLine($"warning: {warning}");
            }

            if (line.Flag("quiet"))
            {
                return 0;
            }

            var text = ConfigText(line, view);
            if (line.Value("output") is { } file)
            {
                await File.WriteAllTextAsync(file, text).ConfigureAwait(false);
            }
            else
            {
                context.Output.Write(text);
            }

            return 0;
        });

    private static readonly string[] s_configLists = ["services", "volumes", "networks", "images", "profiles"];

    private static string ConfigText(ParsedLine line, JsonObject view)
    {
        string Lines(IEnumerable<string> lines) => string.Concat(lines.Select(one => one + "\n"));
        if (line.Flag("models"))
        {
            return "";
        }

        if (s_configLists.FirstOrDefault(line.Flag) is { } list)
        {
            return line.Flag("no-interpolate") ? throw new UsageException($"--{list} and --no-interpolate are incompatible") : Lines(view.Texts(list));
        }

        if (line.Value("hash") is { } wanted)
        {
            var hashes = view.Pairs("hashes").ToDictionary();
            var names = wanted == "*" ? hashes.Keys.ToList() : [.. wanted.Split(',')];
            return Lines(names.Select(name => hashes.TryGetValue(name, out var hash) ? $"{name} {hash}" : throw new CliException(1, $"no such service: {name}")));
        }

        if (line.Flag("variables"))
        {
            return line.Value("format") == "json" ? new JsonObject(view.List("variables").Select(one => KeyValuePair.Create(one.Text("Name"), (JsonNode?)new JsonObject
            {
                ["Name"] = one.Text("Name"), ["DefaultValue"] = one.Text("DefaultValue"), ["PresenceValue"] = one.Text("AlternateValue"), ["Required"] = one.Flag("Required"),
            }))).ToJsonString(Listing.Line) + "\n" : Table.Render(
                ["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"],
                [.. view.List("variables").Select(one => (IReadOnlyList<string>)[one.Text("Name"), one.Flag("Required") ? "true" : "false", one.Text("DefaultValue"), one.Text("AlternateValue")])]);
        }

        return line.Flag("environment") ? Lines(view.Pairs("environment").Select(pair => $"{pair.Key}={pair.Value}"))
            : line.Value("format") == "json" ? view.Text("json") + "\n"
            : view.Text("yaml");
    }
}
