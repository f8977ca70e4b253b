using Berth.Linux;
using Berth.Linux.Files;
using Microsoft.Extensions.Logging;

namespace Berth.Engine.Containers.Runtime;

/// <summary>
/// A null device of our own, which execs without an input read from, and all programs in user namespaces of their own. Neither crun nor runc replaces the host's /dev/null that conmon gives them by
/// the container's: root in the container could change its mode for everyone on the machine (fchmod(2) of descriptor 0), and crun (1.8 at
/// least) even gives it to the exec's user. null(4).
/// </summary>
internal static partial class NullDevice
{
    private const string Name = "null";
    private const string ReadFrom = "exec \"$@\" <\"$0\""; // sh(1): $0 is the device, the rest the command

    /// <summary>Makes it below the data root, if it is not there.</summary>
    /// <returns>Its path; null where the file system allows no devices, which is logged.</returns>
    internal static string? Prepare(string dataRoot, ILogger logger)
    {
        try
        {
            Directory.CreateDirectory(dataRoot);
            using var directory = DirectoryHandle.Open(dataRoot);
            if (!directory.TryStat(Name, out _))
            {
                directory.CreateDevice(Name, FileKind.CharacterDevice, major: 1, minor: 3);
            }

            directory.SetPermissions(Name, 0x1B6 /* 0666 */);
            directory.OpenFile(Name).Dispose();
            return $"{dataRoot}/{Name}";
        }
        catch (LinuxException exception) when (exception.Errno is Errno.EACCES or Errno.EPERM)
        {
            LogNoDevices(logger, dataRoot, exception.Message);
            return null;
        }
    }

    /// <summary>A command that reads from the device. Pure.</summary>
    internal static IReadOnlyList<string> InFrontOf(string device, IReadOnlyList<string> command) => ["/bin/sh", "-c", ReadFrom, device, .. command];

    [LoggerMessage(4007, LogLevel.Warning, "No device can be opened below {DataRoot} ({Reason}), so a program started by 'exec' is given this host's /dev/null and can change its mode. Mount the data root's file system without nodev.")]
    private static partial void LogNoDevices(ILogger logger, string dataRoot, string reason);
}
