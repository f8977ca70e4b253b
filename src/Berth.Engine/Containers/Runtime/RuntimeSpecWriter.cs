using System.Text.Json;
using Berth.Engine.Containers.Devices;
using Berth.Linux.Files;
using Berth.Linux.Namespaces;

namespace Berth.Engine.Containers.Runtime;

/// <summary>Writes the OCI <c>config.json</c> of a container, and the process file of an exec. OCI Runtime Spec 1.1.</summary>
internal static class RuntimeSpecWriter
{
    internal static byte[] Container(RuntimeSpecModel model)
    {
        using var buffer = new MemoryStream(16 * 1024);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("ociVersion", "1.0.2");
            WriteProcess(writer, "process", model.Process);
            writer.WriteStartObject("root");
            writer.WriteString("path", model.RootPath);
            writer.WriteBoolean("readonly", model.ReadonlyRoot);
            writer.WriteEndObject();
            writer.WriteString("hostname", model.Hostname);
            if (model.Domainname.Length > 0)
            {
                writer.WriteString("domainname", model.Domainname);
            }

            WriteMounts(writer, model.Mounts);
            WriteMap(writer, "annotations", model.Annotations);
            WriteHooks(writer, model.Hooks);
            WriteLinux(writer, model);
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>Limits alone, as the runtime's <c>update</c> reads them.</summary>
    internal static byte[] Resources(ResourceModel resources)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            WriteLimits(writer, resources);
            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    internal static byte[] Process(ProcessModel process)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            WriteProcess(writer, null, process);
        }

        return buffer.ToArray();
    }

    private static void WriteProcess(Utf8JsonWriter writer, string? name, ProcessModel process)
    {
        if (name is null)
        {
            writer.WriteStartObject();
        }
        else
        {
            writer.WriteStartObject(name);
        }

        writer.WriteBoolean("terminal", process.Terminal);
        if (process.ConsoleSize is var (rows, columns))
        {
            writer.WriteStartObject("consoleSize");
            writer.WriteNumber("height", rows);
            writer.WriteNumber("width", columns);
            writer.WriteEndObject();
        }

        writer.WriteStartObject("user");
        writer.WriteNumber("uid", process.User.Uid);
        writer.WriteNumber("gid", process.User.Gid);
        writer.WriteStartArray("additionalGids");
        foreach (var gid in process.User.AdditionalGids)
        {
            writer.WriteNumberValue(gid);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        WriteStrings(writer, "args", process.Args);
        WriteStrings(writer, "env", process.Env);
        writer.WriteString("cwd", process.WorkingDirectory);
        writer.WriteStartObject("capabilities");
        var effective = process.User.Uid == 0 ? process.Capabilities : [];
        WriteStrings(writer, "bounding", process.Capabilities);
        WriteStrings(writer, "effective", effective);
        WriteStrings(writer, "permitted", effective);
        writer.WriteEndObject();
        writer.WriteStartArray("rlimits");
        foreach (var limit in process.Ulimits)
        {
            writer.WriteStartObject();
            writer.WriteString("type", "RLIMIT_" + limit.Name.ToUpperInvariant());
            writer.WriteNumber("hard", unchecked((ulong)limit.Hard)); // -1 is unlimited
            writer.WriteNumber("soft", unchecked((ulong)limit.Soft));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteBoolean("noNewPrivileges", process.NoNewPrivileges);
        if (process.AppArmorProfile.Length > 0)
        {
            writer.WriteString("apparmorProfile", process.AppArmorProfile);
        }

        writer.WriteNumber("oomScoreAdj", process.OomScoreAdj);
        writer.WriteEndObject();
    }

    private static void WriteMounts(Utf8JsonWriter writer, IReadOnlyList<SpecMount> mounts)
    {
        writer.WriteStartArray("mounts");
        foreach (var mount in mounts)
        {
            writer.WriteStartObject();
            writer.WriteString("destination", mount.Destination);
            writer.WriteString("type", mount.Type);
            writer.WriteString("source", mount.Source);
            WriteStrings(writer, "options", mount.Options);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteLinux(Utf8JsonWriter writer, RuntimeSpecModel model)
    {
        writer.WriteStartObject("linux");
        writer.WriteStartArray("namespaces");
        foreach (var (type, path) in model.Namespaces)
        {
            writer.WriteStartObject();
            writer.WriteString("type", type);
            if (path.Length > 0)
            {
                writer.WriteString("path", path);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (model.Users is { } users) // the namespace has them already; runc wants to be told
        {
            WriteIds(writer, "uidMappings", users.Users);
            WriteIds(writer, "gidMappings", users.Groups);
        }

        writer.WriteString("cgroupsPath", model.CgroupsPath);
        if (model.RootfsPropagation.Length > 0)
        {
            writer.WriteString("rootfsPropagation", model.RootfsPropagation);
        }

        WriteMap(writer, "sysctl", model.Sysctls);
        WriteStrings(writer, "maskedPaths", model.MaskedPaths);
        WriteStrings(writer, "readonlyPaths", model.ReadonlyPaths);
        var devices = model.Devices.Select(Resolved).Concat(model.InjectedDevices).ToList();
        WriteDevices(writer, devices);
        WriteResources(writer, model, devices);
        if (model.SeccompFile is { } profile && !model.Privileged)
        {
            writer.WritePropertyName("seccomp");
            profile.WriteTo(writer);
        }
        else if (!model.Privileged && !model.SeccompUnconfined)
        {
            SeccompProfile.Write(writer, model.Process.Capabilities.ToHashSet(StringComparer.Ordinal));
        }

        writer.WriteEndObject();
    }

    private static SpecDevice Resolved(DeviceMapping device)
    {
        var status = HostDevice(device.PathOnHost);
        return new(
            device.PathInContainer, status.Kind == FileKind.BlockDevice ? "b" : "c", status.DeviceMajor, status.DeviceMinor, status.Permissions, status.User, status.Group, device.CgroupPermissions);
    }

    private static void WriteHooks(Utf8JsonWriter writer, IReadOnlyList<CdiHook> hooks)
    {
        if (hooks.Count == 0)
        {
            return;
        }

        writer.WriteStartObject("hooks");
        foreach (var group in hooks.GroupBy(hook => hook.HookName))
        {
            writer.WriteStartArray(group.Key);
            foreach (var hook in group)
            {
                writer.WriteStartObject();
                writer.WriteString("path", hook.Path);
                WriteStrings(writer, "args", hook.Args ?? []);
                WriteStrings(writer, "env", hook.Env ?? []);
                if (hook.Timeout is { } seconds)
                {
                    writer.WriteNumber("timeout", seconds);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static FileStatus HostDevice(string path)
    {
        using var directory = DirectoryHandle.Open(Path.GetDirectoryName(path) ?? "/");
        return directory.TryStat(Path.GetFileName(path), out var status) && status.Kind is FileKind.CharacterDevice or FileKind.BlockDevice
            ? status
            : throw Errors.BerthException.Invalid($"error gathering device information while adding custom device \"{path}\": no such file or directory");
    }

    private static void WriteDevices(Utf8JsonWriter writer, List<SpecDevice> devices)
    {
        writer.WriteStartArray("devices");
        foreach (var device in devices)
        {
            writer.WriteStartObject();
            writer.WriteString("path", device.Path);
            writer.WriteString("type", device.Type);
            writer.WriteNumber("major", device.Major);
            writer.WriteNumber("minor", device.Minor);
            foreach (var (name, value) in new[] { ("fileMode", device.FileMode), ("uid", device.User), ("gid", device.Group) })
            {
                if (value is { } number)
                {
                    writer.WriteNumber(name, number);
                }
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteResources(Utf8JsonWriter writer, RuntimeSpecModel model, List<SpecDevice> devices)
    {
        writer.WriteStartObject("resources");
        writer.WriteStartArray("devices");
        if (model.Privileged)
        {
            WriteDeviceRule(writer, true, null, null, null, "rwm");
        }
        else
        {
            WriteDeviceRule(writer, false, null, null, null, "rwm");
            WriteDeviceRule(writer, true, "c", null, null, "m");
            WriteDeviceRule(writer, true, "b", null, null, "m");
            foreach (var (major, minor) in new[] { (1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2) })
            {
                WriteDeviceRule(writer, true, "c", major, minor, "rwm"); // null zero full random urandom tty console ptmx
            }

            WriteDeviceRule(writer, true, "c", 136, null, "rwm"); // pseudo-terminals
            foreach (var device in devices.Where(device => device.Type is "b" or "c"))
            {
                WriteDeviceRule(writer, true, device.Type, (int)device.Major, (int)device.Minor, device.Access);
            }
        }

        foreach (var rule in model.DeviceRules)
        {
            WriteDeviceRule(writer, true, rule.Type, rule.Major, rule.Minor, rule.Access);
        }

        writer.WriteEndArray();
        WriteLimits(writer, model.Resources);
        writer.WriteEndObject();
    }

    private static void WriteLimits(Utf8JsonWriter writer, ResourceModel resources)
    {
        if (resources.Memory > 0 || resources.MemoryReservation > 0 || resources.MemorySwappiness is not null || resources.OomKillDisable)
        {
            writer.WriteStartObject("memory");
            WriteLimit(writer, "limit", resources.Memory);
            WriteLimit(writer, "swap", resources.Memory > 0 ? resources.MemorySwap : 0);
            WriteLimit(writer, "reservation", resources.MemoryReservation);
            if (resources.MemorySwappiness is { } swappiness)
            {
                writer.WriteNumber("swappiness", swappiness);
            }

            if (resources.OomKillDisable)
            {
                writer.WriteBoolean("disableOOMKiller", true);
            }

            writer.WriteEndObject();
        }

        writer.WriteStartObject("cpu");
        WriteLimit(writer, "shares", resources.CpuShares);
        WriteLimit(writer, "quota", resources.CpuQuota);
        WriteLimit(writer, "period", resources.CpuPeriod);
        WriteLimit(writer, "realtimePeriod", resources.CpuRealtimePeriod);
        WriteLimit(writer, "realtimeRuntime", resources.CpuRealtimeRuntime);
        if (resources.CpusetCpus.Length > 0)
        {
            writer.WriteString("cpus", resources.CpusetCpus);
        }

        if (resources.CpusetMems.Length > 0)
        {
            writer.WriteString("mems", resources.CpusetMems);
        }

        writer.WriteEndObject();
        if (resources.PidsLimit > 0)
        {
            writer.WriteStartObject("pids");
            writer.WriteNumber("limit", resources.PidsLimit);
            writer.WriteEndObject();
        }

        WriteBlockLimits(writer, resources);
    }

    private static void WriteBlockLimits(Utf8JsonWriter writer, ResourceModel resources)
    {
        if (resources is { BlockWeight: 0, BlockWeights.Count: 0, BlockRates.Count: 0 })
        {
            return;
        }

        writer.WriteStartObject("blockIO");
        WriteLimit(writer, "weight", resources.BlockWeight);
        if (resources.BlockWeights.Count > 0)
        {
            writer.WriteStartArray("weightDevice");
            foreach (var one in resources.BlockWeights)
            {
                WriteBlockDevice(writer, one.Path);
                writer.WriteNumber("weight", one.Weight);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        foreach (var (name, rates) in resources.BlockRates)
        {
            writer.WriteStartArray(name);
            foreach (var one in rates)
            {
                WriteBlockDevice(writer, one.Path);
                writer.WriteNumber("rate", one.Rate);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteBlockDevice(Utf8JsonWriter writer, string path)
    {
        var status = HostDevice(path);
        writer.WriteStartObject();
        writer.WriteNumber("major", status.DeviceMajor);
        writer.WriteNumber("minor", status.DeviceMinor);
    }

    private static void WriteDeviceRule(Utf8JsonWriter writer, bool allow, string? type, int? major, int? minor, string access)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("allow", allow);
        if (type is not null)
        {
            writer.WriteString("type", type);
        }

        if (major is { } majorNumber)
        {
            writer.WriteNumber("major", majorNumber);
        }

        if (minor is { } minorNumber)
        {
            writer.WriteNumber("minor", minorNumber);
        }

        writer.WriteString("access", access);
        writer.WriteEndObject();
    }

    private static void WriteIds(Utf8JsonWriter writer, string name, IReadOnlyList<IdRange> ranges)
    {
        writer.WriteStartArray(name);
        foreach (var range in ranges)
        {
            writer.WriteStartObject();
            writer.WriteNumber("containerID", range.Inside);
            writer.WriteNumber("hostID", range.Outside);
            writer.WriteNumber("size", range.Count);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteLimit(Utf8JsonWriter writer, string name, long value)
    {
        if (value != 0)
        {
            writer.WriteNumber(name, value);
        }
    }

    private static void WriteMap(Utf8JsonWriter writer, string name, IReadOnlyDictionary<string, string> map)
    {
        writer.WriteStartObject(name);
        foreach (var (key, value) in map)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
