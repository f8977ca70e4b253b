using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;

namespace Berth.Engine.Volumes;

/// <summary>Options of the local driver: <c>type</c>, <c>o</c> and <c>device</c>, which go to mount(8) as they are. Docker documentation, "docker volume create", "Driver-specific options".</summary>
internal static class VolumeMount
{
    private const string Program = "/bin/mount";
    private static readonly string[] s_known = ["type", "o", "device"];

    /// <exception cref="BerthException">An option that is none, or one is missing.</exception>
    internal static void Validate(string name, IReadOnlyDictionary<string, string> options)
    {
        if (options.Keys.FirstOrDefault(key => !s_known.Contains(key)) is { } unknown)
        {
            throw BerthException.Invalid(unknown == "size"
                ? options[unknown] is [>= '0' and <= '9', ..] ? $"create {name}: quota size requested but no quota support" : $"create {name}: invalid size: '{options[unknown]}'"
                : $"create {name}: invalid option: \"{unknown}\"");
        }

        foreach (var required in new[] { "device", "type" })
        {
            if (!options.TryGetValue(required, out var value) || value.Length == 0)
            {
                throw BerthException.Invalid($"create {name}: missing required option: \"{required}\"");
            }
        }
    }

    /// <exception cref="BerthException">mount(8) refused.</exception>
    internal static async Task MountAsync(VolumeRecord volume, string target, CommandRunner commands)
    {
        IReadOnlyList<string> options = volume.Options.GetValueOrDefault("o") is { Length: > 0 } text ? ["-o", text] : [];
        var result = await commands.RunAsync(Program, ["-n", "-t", volume.Options["type"], .. options, "--source", volume.Options["device"], "--target", target]).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw new BerthException(
                ErrorKind.Failed,
                $"error while mounting volume '{target}': failed to mount local volume: mount {volume.Options["device"]}:{target}, data: {volume.Options.GetValueOrDefault("o", "")}: {result.Error.Trim()}");
        }
    }
}
