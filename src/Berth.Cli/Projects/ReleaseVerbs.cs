using System.Globalization;
using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary>The verbs of releases, which only Berth has.</summary>
internal static class ReleaseVerbs
{
    internal static Verb Deploy() => ComposeVerbs.Project(
        "deploy", "[OPTIONS] [FOLDER] [SERVICE...]", "Makes a release: builds and fetches images, has the new containers take over from the old ones, and waits until they have proved\n"
        + "themselves. When they do badly, the old ones serve again and the exit code is 1.",
        "berth deploy --build\nberth deploy --watch 5m app",
        [.. ComposeVerbs.s_upOptions, ComposeVerbs.s_watch],
        async (context, line) =>
        {
            var result = await ReleaseRun.RunAsync(context, line, "deploy", request => ComposeVerbs.FillUp(context, line, request)).ConfigureAwait(false);
            if (result["release"] is not null)
            {
                context.Error.WriteLine($"Release {result.Text("release")} of {result.Text("project")} serves.");
            }

            return 0;
        });

    internal static Verb List() => ComposeVerbs.Project(
        "releases", "[OPTIONS] [FOLDER]", "Lists the project's releases, newest first.", "berth releases\nberth releases --format json",
        [Option.Flag("quiet", 'q', "Numbers only"), Option.Value("format", "FORMAT", "table or json")],
        async (context, line) =>
        {
            var view = await ReadAsync(context).ConfigureAwait(false);
            Listing.Write(
                context, line, [.. view.List("releases")], one => one.Text("number"),
                [
                    ("RELEASE", "Release", one => one.Text("number")), ("STATUS", "Status", Status), ("COMMAND", "Command", one => one.Text("command")),
                    ("STARTED", "Started", one => one.Text("started")), ("USER", "User", one => one.Text("user")),
                    ("COMMIT", "Commit", one => one.Text("gitCommit") is { Length: > 12 } commit ? commit[..12] : one.Text("gitCommit")),
                    ("REASON", "Reason", one => one.Text("reason").Split('\n')[0]),
                ],
                [("Ended", one => one.Text("ended")), ("WatchEnds", one => one.Text("watchEnds"))]);
            return 0;
        });

    internal static Verb Show() => ComposeVerbs.Project(
        "release", "show N", "Shows one release: who made it and when, what it did and what it was made of. Secrets are masked.", "berth release show 4\nberth release show 4 --format json",
        [Option.Value("format", "FORMAT", "text or json")],
        async (context, line) =>
        {
            if (line.Arguments is not ["show", var number])
            {
                throw new UsageException("write: release show N");
            }

            var release = Find(await ReadAsync(context).ConfigureAwait(false), number);
            if (line.Value("format") == "json")
            {
                context.Output.WriteLine(release.ToJsonString(Listing.Indented));
                return 0;
            }

            foreach (var (title, text) in new[]
            {
                ("Release", release.Text("number")), ("Status", Status(release)), ("Command", release.Text("command")), ("User", release.Text("user")), ("Commit", release.Text("gitCommit")),
                ("Started", release.Text("started")), ("Ended", release.Text("ended")), ("Watched until", release.Text("watchEnds")), ("Reason", release.Text("reason")),
                ("Images", Pairs(release["images"])), ("Configs", Pairs(release["configs"])), ("Plan", string.Join('\n', release.Texts("plan"))), ("Seconds", Pairs(release["durations"])), ("Seconds away", Pairs(release["gaps"])),
                ("Jobs", string.Join('\n', (release["jobs"] as JsonObject ?? []).Select(pair => $"{pair.Key} ({pair.Value.Text("seconds")} s): {pair.Value.Text("output").TrimEnd()}"))),
                ("Model", release["model"]!.ToJsonString(Listing.Indented)),
            })
            {
                if (text.Length > 0)
                {
                    context.Output.WriteLine($"{title + ":",-16}{text.ReplaceLineEndings("\n" + new string(' ', 16))}");
                }
            }

            return 0;
        });

    internal static Verb Diff() => ComposeVerbs.Project(
        "diff", "N M", "Shows what changed from one release to another: images and the model's values. Secrets are masked.", "berth diff 3 4", [],
        async (context, line) =>
        {
            if (line.Arguments is not [var from, var to])
            {
                throw new UsageException("write: diff N M");
            }

            var view = await ReadAsync(context).ConfigureAwait(false);
            var (before, after) = (Values(Find(view, from)), Values(Find(view, to)));
            foreach (var key in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
            {
                var (old, now) = (before.GetValueOrDefault(key), after.GetValueOrDefault(key));
                if (old == now)
                {
                    continue;
                }

                if (old is not null)
                {
                    context.Output.WriteLine($"- {key}: {old}");
                }

                if (now is not null)
                {
                    context.Output.WriteLine($"+ {key}: {now}");
                }
            }

            return 0;
        });

    internal static Verb RollBack() => ComposeVerbs.Project(
        "rollback", "[N]", "Brings an earlier release back: the one before the one that serves, or the one named. Its images and settings are those of then.",
        "berth rollback\nberth rollback 3",
        [Option.Value("watch", "DURATION", "How long its containers are judged, as 90s or 5m"), Option.Flag("no-watch", "Do not judge them"), ReleaseRun.Json],
        async (context, line) =>
        {
            int? number = line.Arguments switch
            {
                [] => null,
                [var text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) => parsed,
                _ => throw new UsageException("write: rollback [N], with the number of a release"),
            };
            var result = await ReleaseRun.RunAsync(context, line, "rollback", request =>
            {
                request["number"] = number;
                request["watch"] = line.Flag("no-watch") ? 0 : line.Value("watch") is { } watch ? Seconds("watch", watch) : null;
            }).ConfigureAwait(false);
            context.Error.WriteLine($"Release {result.Text("release")} of {result.Text("project")} serves again.");
            return 0;
        });

    internal static Verb Evidence() => ComposeVerbs.Project(
        "evidence", "[OPTIONS] [FOLDER]", "Writes signed evidence of the project's releases and start times; with --verify it checks one, here or on another machine.",
        "berth evidence -o evidence.json\nberth evidence --verify evidence.json",
        [Option.Value("output", 'o', "FILE", "Write there"), Option.Value("verify", "FILE", "Check this one"), Option.Value("key", "FINGERPRINT", "With --verify: who must have signed it")],
        async (context, line) =>
        {
            if (line.Value("verify") is { } path)
            {
                var (statement, fingerprint) = EvidenceCheck.Verify(path);
                if (line.Value("key") is { } wanted && wanted != fingerprint)
                {
                    throw new CliException(1, $"'{path}' was signed by {fingerprint}, not by {wanted}");
                }

                context.Output.WriteLine($"Signed by {fingerprint}; unchanged since {statement.Text("made")}.");
                context.Output.WriteLine(statement.ToJsonString(Listing.Indented));
                return 0;
            }

            var view = await ProjectCommands.ReadAsync(context, "evidence", _ => { }).ConfigureAwait(false);
            if (line.Value("output") is { } file)
            {
                await File.WriteAllTextAsync(file, view.Text("evidence") + "\n").ConfigureAwait(false);
            }
            else
            {
                context.Output.WriteLine(view.Text("evidence"));
            }

            return 0;
        });

    /// <summary>A duration as people write it: <c>90s</c>, <c>5m</c>, <c>1h</c>, or a number of seconds.</summary>
    internal static int Seconds(string option, string text)
    {
        var (digits, unit) = text.Length > 0 && char.IsAsciiLetter(text[^1]) ? (text[..^1], text[^1]) : (text, 's');
        var factor = unit switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        return factor > 0 && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 86_400
            ? number * factor
            : throw new UsageException($"invalid argument \"{text}\" for \"--{option}\" flag: write a duration such as 90s or 5m");
    }

    private static string Status(JsonNode release) => release.Text("status") switch
    {
        "WentBack" => "went back",
        "GoingBack" => "going back",
        var status => status.ToLowerInvariant(),
    };

    private static string Pairs(JsonNode? map) => string.Join('\n', (map as JsonObject ?? []).Select(pair => $"{pair.Key}: {pair.Value}"));

    private static Task<JsonObject> ReadAsync(CliContext context) => ProjectCommands.ReadAsync(context, "releases", _ => { });

    private static JsonNode Find(JsonObject view, string number) =>
        view.List("releases").FirstOrDefault(release => release.Text("number") == number) ?? throw new CliException(1, $"the project '{view.Text("project")}' has no release {number}; 'releases' lists them");

    private static Dictionary<string, string> Values(JsonNode release)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        Collect("images", release["images"]);
        Collect("", release["model"]);
        foreach (var (config, digest) in release["configs"] as JsonObject ?? [])
        {
            values[$"configs.{config}.holds"] = digest?.ToString() ?? "";
        }

        return values;

        void Collect(string path, JsonNode? node)
        {
            switch (node)
            {
                case JsonObject map:
                    foreach (var (key, value) in map)
                    {
                        Collect(path.Length == 0 ? key : $"{path}.{key}", value);
                    }

                    break;
                case JsonArray list:
                    for (var i = 0; i < list.Count; i++)
                    {
                        Collect(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), list[i]);
                    }

                    break;
                default:
                    values[path] = node?.ToString() ?? "";
                    break;
            }
        }
    }
}
