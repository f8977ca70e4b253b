using System.Globalization;
using Berth.Linux.Cgroups;

namespace Berth.Cli.Doctor;

/// <summary>What there is on a machine, as far as Berth depends on it.</summary>
internal sealed record MachineFacts
{
    private const string AppArmorSwitch = "/sys/module/apparmor/parameters/enabled";

    /// <summary>Of the kernel: major and minor.</summary>
    public required Version Kernel { get; init; }

    /// <summary>Kernel modules, and file systems, that are there or can be loaded; null where that cannot be told, as of a kernel without modules. proc_filesystems(5), modules.builtin.</summary>
    public required IReadOnlySet<string>? Modules { get; init; }

    /// <summary>Names of programs that were found on the path.</summary>
    public required IReadOnlySet<string> Programs { get; init; }

    public required CgroupMode Cgroups { get; init; }

    public required IReadOnlySet<string> Controllers { get; init; }

    /// <summary>On a hybrid host, the v2 tree has controllers too.</summary>
    public bool HasV2ControllersBesideV1 { get; init; }

    /// <summary>The folder that will hold the data, or the nearest above it that exists.</summary>
    public required string DataRoot { get; init; }

    public required long FreeBytes { get; init; }

    /// <summary>Type of its file system, as in proc_mounts(5).</summary>
    public required string FileSystem { get; init; }

    /// <summary>fs.inotify.max_user_instances.</summary>
    public required long InotifyInstances { get; init; }

    /// <summary>The kernel confines programs by AppArmor's profiles.</summary>
    public bool HasAppArmor { get; init; }

    /// <summary>Why the daemon does not answer; null when it does.</summary>
    public string? DaemonTrouble { get; init; }

    internal static async Task<MachineFacts> LookAsync(CliContext context)
    {
        var cgroups = CgroupLayout.Detect();
        var release = (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease").ConfigureAwait(false)).Trim();
        var data = "/var/lib/berth";
        string? trouble = null;
        try
        {
            data = (await context.Client.RequestAsync("GET", "/info").ConfigureAwait(false)).Text("DockerRootDir");
        }
        catch (Exception exception) when (exception is Client.DaemonException or Client.DaemonUnreachableException)
        {
            trouble = exception.Message;
        }

        while (!Directory.Exists(data))
        {
            data = Path.GetDirectoryName(data) ?? "/";
        }

        var drive = new DriveInfo(data);
        return new()
        {
            Kernel = VersionOf(release),
            Modules = ModulesOf(release),
            Programs = (Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin").Split(':').Concat(["/usr/sbin", "/sbin"]).Where(Directory.Exists)
                .SelectMany(Directory.EnumerateFiles).Select(file => Path.GetFileName(file)!).ToHashSet(StringComparer.Ordinal),
            Cgroups = cgroups.Mode,
            Controllers = cgroups.Mode == CgroupMode.Unified
                ? (await File.ReadAllTextAsync(CgroupLayout.Root + "/cgroup.controllers").ConfigureAwait(false)).Split(' ', StringSplitOptions.TrimEntries).ToHashSet(StringComparer.Ordinal)
                : cgroups.Hierarchies.Keys.ToHashSet(StringComparer.Ordinal),
            HasV2ControllersBesideV1 = cgroups.HasV2ControllersBesideV1,
            DataRoot = data,
            FreeBytes = drive.AvailableFreeSpace,
            FileSystem = drive.DriveFormat,
            InotifyInstances = long.Parse((await File.ReadAllTextAsync("/proc/sys/fs/inotify/max_user_instances").ConfigureAwait(false)).Trim(), CultureInfo.InvariantCulture),
            HasAppArmor = File.Exists(AppArmorSwitch) && (await File.ReadAllTextAsync(AppArmorSwitch).ConfigureAwait(false)).StartsWith('Y'),
            DaemonTrouble = trouble,
        };
    }

    /// <summary>The first two numbers of a kernel's name, such as <c>6.1.0-18-amd64</c>.</summary>
    internal static Version VersionOf(string release)
    {
        var numbers = release.Split('.', '-', '+').TakeWhile(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _)).Take(2).ToList();
        return numbers.Count == 2 ? Version.Parse(string.Join('.', numbers)) : new(0, 0);
    }

    private static HashSet<string>? ModulesOf(string release)
    {
        if (!Directory.Exists("/lib/modules/" + release))
        {
            return null;
        }

        var modules = File.ReadLines("/proc/filesystems").Select(line => line.Split('\t')[^1]).ToHashSet(StringComparer.Ordinal);
        modules.UnionWith(Directory.GetDirectories("/sys/module").Select(folder => Path.GetFileName(folder)!));
        foreach (var list in new[] { "modules.builtin", "modules.dep" }.Select(name => $"/lib/modules/{release}/{name}").Where(File.Exists))
        {
            modules.UnionWith(File.ReadLines(list).Select(line => Path.GetFileName(line.Split(':')[0]).Split('.')[0].Replace('-', '_')));
        }

        return modules;
    }
}
