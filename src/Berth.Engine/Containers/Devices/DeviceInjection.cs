using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Linux.Files;

namespace Berth.Engine.Containers.Devices;

/// <summary>Changes the spec of a container as the files of its devices say. Container Device Interface 1.1, SPEC.md, "OCI Edits".</summary>
internal static class DeviceInjection
{
    /// <summary>For the spec of a container that is about to start; one that asks for nothing keeps its spec.</summary>
    /// <param name="directories">Where devices are described.</param>
    /// <exception cref="BerthException">A device is not there, or wants something that Berth does not give.</exception>
    internal static RuntimeSpecModel Apply(RuntimeSpecModel model, IReadOnlyList<DeviceRequest>? requests, IReadOnlyList<string> directories)
    {
        if (requests is not { Count: > 0 })
        {
            return model;
        }

        var devices = CdiRegistry.Read(directories);
        return Apply(model, DeviceChoice.Names(requests, devices, directories).Select(name => (name, devices.Find(name)!)).ToList());
    }

    internal static RuntimeSpecModel Apply(RuntimeSpecModel model, IReadOnlyList<(string Name, CdiEntry Entry)> devices)
    {
        var files = new HashSet<CdiFile>(ReferenceEqualityComparer.Instance);
        foreach (var (name, entry) in devices)
        {
            if (files.Add(entry.File) && entry.File.ContainerEdits is { } common) // once, whichever of its devices are there
            {
                model = Apply(model, name, common);
            }

            if (entry.Device.ContainerEdits is { } own)
            {
                model = Apply(model, name, own);
            }
        }

        // A mount over another one's parent would hide it.
        return model with { Mounts = [.. model.Mounts.OrderBy(mount => mount.Destination.Split('/', StringSplitOptions.RemoveEmptyEntries).Length)] };
    }

    private static RuntimeSpecModel Apply(RuntimeSpecModel model, string name, CdiEdits edits)
    {
        if ((edits.IntelRdt is null ? edits.NetDevices is null ? null : "network devices" : "a class of Intel RDT") is { } wanted)
        {
            throw new BerthException(ErrorKind.NotSupported, $"Berth does not support {wanted}, which the device {name} wants for its container.");
        }

        var nodes = (edits.DeviceNodes ?? []).Select(node => Node(node, name, model.Process.User)).ToList();
        var mounts = (edits.Mounts ?? []).Select(Mount).ToList();
        return model with
        {
            Process = model.Process with
            {
                Env = ContainerCreation.MergeEnvironment(model.Process.Env, edits.Env ?? []),
                User = model.Process.User with { AdditionalGids = [.. model.Process.User.AdditionalGids.Concat(edits.AdditionalGids ?? []).Distinct()] },
            },
            Devices = [.. model.Devices.Where(device => nodes.TrueForAll(node => node.Path != device.PathInContainer))],
            InjectedDevices = [.. model.InjectedDevices.Where(device => nodes.TrueForAll(node => node.Path != device.Path)), .. nodes],
            Mounts = [.. model.Mounts.Where(mount => mounts.TrueForAll(one => one.Destination != mount.Destination)), .. mounts],
            Hooks = [.. model.Hooks, .. edits.Hooks ?? []],
        };
    }

    private static SpecDevice Node(CdiDeviceNode node, string name, ProcessUser user)
    {
        var (type, major, minor) = (node.Type ?? "", node.Major, node.Minor);
        if (type.Length == 0 || major == 0 && type != "p")
        {
            var path = node.HostPath ?? node.Path;
            using var directory = Directory.Exists(Path.GetDirectoryName(path)) ? DirectoryHandle.Open(Path.GetDirectoryName(path)!) : null;
            var status = directory is not null && directory.TryStat(Path.GetFileName(path), out var found) ? found : throw new BerthException(ErrorKind.Failed, $"CDI device injection failed: {path} of the device {name} is not there");
            var actual = status.Kind switch { FileKind.BlockDevice => "b", FileKind.CharacterDevice => "c", FileKind.Fifo => "p", _ => "" };
            if (actual.Length == 0 || type.Length > 0 && (type == "u" ? "c" : type) != actual)
            {
                throw new BerthException(ErrorKind.Failed, $"CDI device injection failed: {path} of the device {name} is no device{(type.Length > 0 ? $" of the type {type}" : "")}");
            }

            (type, major, minor) = (actual, actual == "p" ? 0 : status.DeviceMajor, actual == "p" ? 0 : status.DeviceMinor);
        }

        // Who is not root in the container is to reach what was given to them.
        return new SpecDevice(node.Path, type, major, minor, node.FileMode, node.Uid ?? (user.Uid > 0 ? user.Uid : null), node.Gid ?? (user.Gid > 0 ? user.Gid : null),
            node.Permissions is { Length: > 0 } permissions ? permissions : "rwm");
    }

    private static SpecMount Mount(CdiMount mount)
    {
        var (type, options) = (mount.Type is { Length: > 0 } given ? given : "bind", mount.Options ?? []);
        return new SpecMount(mount.ContainerPath, type, mount.HostPath, type == "bind" && !options.Contains("bind") && !options.Contains("rbind") ? ["rbind", .. options] : options);
    }
}
