using Berth.Engine.Errors;
using Berth.Linux.Processes;

namespace Berth.Engine.Containers.Runtime;

/// <summary>
/// The profile of containers on kernels with AppArmor: programs may do what their capabilities and their seccomp filter let them, but neither mount nor reach what the
/// kernel shows of the host, nor programs outside the container. apparmor.d(5), apparmor_parser(8).
/// </summary>
internal static class AppArmor
{
    private const string Switch = "/sys/module/apparmor/parameters/enabled";

    /// <summary>Docker's name for its own profile: whoever asks for that means the default.</summary>
    private const string DockersProfile = "docker-default";

    /// <summary>The tool that gives profiles to the kernel; null when it is not installed.</summary>
    internal static string? Parser { get; } = new[] { "/usr/sbin/apparmor_parser", "/sbin/apparmor_parser" }.FirstOrDefault(File.Exists);

    internal static bool IsInKernel => File.Exists(Switch) && File.ReadAllText(Switch).StartsWith('Y');

    /// <summary>Gives the kernel the profile of an engine. Returns its name; null where the kernel has no AppArmor, or nothing to load profiles with.</summary>
    /// <exception cref="BerthException">The parser refuses it.</exception>
    internal static async Task<string?> LoadAsync(EngineOptions options)
    {
        if (!IsInKernel || Parser is null)
        {
            return null;
        }

        var name = options.Name + "-default";
        await RunAsync(options, name, "--replace", "--skip-cache").ConfigureAwait(false);
        return name;
    }

    /// <summary>Takes the profile out of the kernel again.</summary>
    internal static Task UnloadAsync(EngineOptions options) =>
        options.AppArmorProfile is { } name ? RunAsync(options, name, "--remove", "--skip-cache") : Task.CompletedTask;

    /// <summary>The profile of a process; empty for none.</summary>
    /// <param name="asked">What <c>--security-opt apparmor=…</c> says; empty without.</param>
    internal static string ProfileOf(EngineOptions options, string asked, bool isPrivileged) =>
        asked is not ("" or DockersProfile) ? asked : isPrivileged ? "" : options.AppArmorProfile ?? "";

    internal static string Text(string name) => $$"""
        profile {{name}} flags=(attach_disconnected,mediate_deleted) {
          file,
          network,
          capability,
          umount,
          signal (receive),
          signal (send) peer={{name}},
          ptrace (read, readby, trace, tracedby) peer={{name}},

          # File systems are mounted by whoever makes the container.
          deny mount,

          # The host's kernel: its settings, its memory and its devices.
          deny @{PROC}/sys/** w,
          deny @{PROC}/{sysrq-trigger,mem,kmem,kcore} rwklx,
          deny @{PROC}/{acpi,asound,bus,driver,fs,irq,scsi,tty}/** w,
          deny /sys/{block,bus,class,dev,devices,hypervisor,module,power}/** wklx,
          deny /sys/kernel/** wklx,
          deny /sys/fs/[^c]** wklx,
          deny /sys/firmware/** rwklx,
          deny /sys/kernel/security/** rwklx,
          deny /sys/devices/virtual/powercap/** rwklx,
        }

        """;

    private static async Task RunAsync(EngineOptions options, string name, params IReadOnlyList<string> arguments)
    {
        var path = options.ExecRoot + "/apparmor-profile";
        await File.WriteAllTextAsync(path, "#include <tunables/global>\n" + Text(name)).ConfigureAwait(false);
        using var exits = new ExitWatcher();
        var result = await new CommandRunner(exits).RunAsync(Parser!, [.. arguments, path]).ConfigureAwait(false);
        File.Delete(path);
        if (result.ExitCode != 0)
        {
            throw new BerthException(ErrorKind.Failed, $"The AppArmor profile of containers cannot be given to the kernel: {result.Error.Trim()}. apt-get install --reinstall apparmor brings what it needs.");
        }
    }
}
