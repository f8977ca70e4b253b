using Berth.Compose.Model;

namespace Berth.Compose.Binding;

/// <summary>Reads how a service's image is built.</summary>
/// <param name="paths">Where relative paths start.</param>
/// <param name="resolve">Gives names without a value the caller's.</param>
/// <param name="agent">The socket of the caller's SSH agent; null without one.</param>
/// <remarks>Compose Specification, build.md.</remarks>
internal sealed class BuildBinder(ProjectPaths paths, Func<IReadOnlyDictionary<string, string?>, Dictionary<string, string?>> resolve, string? agent)
{
    private const string Insecure = "security.insecure";
    private static readonly string[] s_entitlements = [Insecure, "network.host"];

    public BuildModel? Read(MapReader service)
    {
        if (service.Map("build") is not { } build)
        {
            return null;
        }

        var context = build.Text("context") ?? ".";
        var isUrl = context.Contains("://", StringComparison.Ordinal) || context.StartsWith("git@", StringComparison.Ordinal);
        var model = new BuildModel(
            isUrl ? context : paths.Resolve(context),
            build.Text("dockerfile"),
            build.Text("dockerfile_inline"),
            resolve(build.OptionalTextMap("args")),
            build.Text("target"),
            build.TextMap("labels"))
        {
            AdditionalContexts = ReadContexts(build),
            ExtraHosts = ReferenceBinder.ReadExtraHosts(build),
            Network = build.Text("network"),
            NoCache = build.Bool("no_cache") ?? false,
            Pull = build.Bool("pull") ?? false,
            Platform = ReadBuildPlatform(build, service.Text("platform")),
            Secrets = ReferenceBinder.ReadReferences(build, "secrets", ""),
            ShmSizeBytes = build.Bytes("shm_size"),
            Ssh = ReadSsh(build),
            Entitlements = build.Texts("entitlements"),
            Privileged = build.Bool("privileged") ?? false,
            Tags = build.Texts("tags"),
            Ulimits = LimitBinder.ReadUlimits(build),
            Written = new()
            {
                { "cache_from", build.Written("cache_from") },
                { "cache_to", build.Written("cache_to") },
                { "isolation", build.Text("isolation") },
                { "platforms", build.Written("platforms") },
                { "provenance", build.Text("provenance") },
                { "sbom", build.Text("sbom") },
            },
        };
        if (model is { Dockerfile: not null, DockerfileInline: not null })
        {
            build.Error("dockerfile_inline", "cannot stand together with 'dockerfile'");
        }

        foreach (var unknown in model.Entitlements.Except(s_entitlements))
        {
            build.Error("entitlements", $"there is no entitlement '{unknown}'.{Nearest.Suggest(unknown, s_entitlements)}");
        }

        WarnAboutBuild(build);
        build.Finish();
        return model;
    }

    // A list of ID or ID=PATH, or a map.
    private List<SshAgent> ReadSsh(MapReader build)
    {
        var agents = new List<SshAgent>();
        foreach (var (id, path) in build.OptionalTextMap("ssh"))
        {
            if (string.IsNullOrEmpty(path) && id != "default")
            {
                build.Error("ssh", $"'{id}' needs a path, of an agent's socket or of a key: {id}=PATH; 'default' alone is the caller's agent");
            }

            agents.Add(new(id, string.IsNullOrEmpty(path) ? null : paths.Resolve(path), agent));
        }

        return agents;
    }

    private Dictionary<string, string> ReadContexts(MapReader build)
    {
        var contexts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (build.Map("additional_contexts") is { } map)
        {
            foreach (var name in map.Entries.Select(entry => entry.Key))
            {
                var value = map.Text(name) ?? "";
                if (value.Length == 0)
                {
                    map.Error(name, "has no value; it is a folder, service:NAME or docker-image://IMAGE");
                }
                else if (BuildContexts.IsFolder(value))
                {
                    contexts[name] = paths.Resolve(value);
                }
                else if (value.StartsWith(BuildContexts.Service, StringComparison.Ordinal) || value.StartsWith(BuildContexts.Image, StringComparison.Ordinal))
                {
                    contexts[name] = value;
                }
                else
                {
                    map.Error(name, $"'{value}' is not fetched; clone or unpack it and name the folder");
                }
            }
        }

        return contexts;
    }

    // What other builders do with them changes neither the image nor what it does.
    private static void WarnAboutBuild(MapReader build)
    {
        foreach (var (key, why) in new[]
        {
            ("cache_from", "Berth's own cache is used"), ("cache_to", "Berth's own cache is filled"), ("isolation", "it is for Windows"), ("provenance", "no attestation is made"), ("sbom", "no attestation is made"),
        })
        {
            if (build.Has(key))
            {
                build.Diagnostics.Warning(build.PlaceOf(key), $"{build.Path}.{key}: has no effect: {why}");
            }
        }
    }

    // Images here are for one platform each: the service's among those of the list, or the only one.
    private static string? ReadBuildPlatform(MapReader build, string? platform)
    {
        var platforms = build.Texts("platforms");
        if (platforms.Count > 0 && platform is not null && !platforms.Contains(platform))
        {
            build.Error("platforms", $"the service's platform '{platform}' is not among them");
        }
        else if (platforms.Count > 1)
        {
            build.Diagnostics.Warning(
                build.PlaceOf("platforms"), $"{build.Path}.platforms: an image is built for one platform, here {platform ?? "this machine's"}");
            return null;
        }

        return platforms.Count == 1 ? platforms[0] : null;
    }
}
