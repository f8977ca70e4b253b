using Berth.Engine.Errors;

namespace Berth.Engine.Containers;

/// <summary>What <c>--security-opt</c> says, as the client sends it on.</summary>
/// <param name="Seccomp">The profile's text, <c>unconfined</c>, or empty for the default.</param>
/// <param name="AppArmor">A profile's name, <c>unconfined</c>, or empty.</param>
internal sealed record SecurityOptions(bool NoNewPrivileges, string Seccomp, string AppArmor, bool WritableCgroups)
{
    /// <exception cref="BerthException">An option that is none, or that this host cannot give.</exception>
    /// <param name="noNewPrivileges">What holds where the options do not say.</param>
    internal static SecurityOptions Parse(IReadOnlyList<string>? options, bool noNewPrivileges = false)
    {
        var result = new SecurityOptions(noNewPrivileges, "", "", false);
        foreach (var option in options ?? [])
        {
            // NAME, NAME=VALUE, or, as it was before, NAME:VALUE.
            var separator = option.IndexOfAny(['=', ':']);
            var (name, value) = separator < 0 ? (option, null) : (option[..separator], option[(separator + 1)..]);
            result = (name, value) switch
            {
                ("no-new-privileges", null) => result with { NoNewPrivileges = true },
                ("no-new-privileges", { } text) => result with { NoNewPrivileges = Flag(option, text) },
                ("writable-cgroups", { } text) => result with { WritableCgroups = Flag(option, text) },
                ("seccomp", "builtin") => result with { Seccomp = "" },
                ("seccomp", { Length: > 0 } profile) => result with { Seccomp = profile },
                ("apparmor", { Length: > 0 } profile) => result with { AppArmor = profile },
                ("label", _) when !Directory.Exists("/sys/fs/selinux") => result, // labels are SELinux's: without it nothing has one
                ("label", "disable") => result,
                ("label", _) => throw new BerthException(ErrorKind.NotSupported, $"Berth sets no SELinux labels, as '{option}' asks; leave the option away, or use label=disable."),
                _ => throw BerthException.Invalid($"invalid --security-opt {(value is null ? 1 : 2)}: \"{option}\""),
            };
        }

        if (result.AppArmor is not ("" or "unconfined" or "docker-default") && !Runtime.AppArmor.IsInKernel)
        {
            throw BerthException.Invalid($"the AppArmor profile \"{result.AppArmor}\" cannot be applied: this host's kernel has no AppArmor");
        }

        return result;
    }

    private static bool Flag(string option, string text) => bool.TryParse(text, out var flag) ? flag : throw BerthException.Invalid($"invalid --security-opt 2: \"{option}\"");
}
