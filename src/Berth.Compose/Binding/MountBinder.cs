using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads a service's <c>volumes</c>.</summary>
/// <remarks>Compose Specification, 05-services.md, "volumes". What begins with <c>.</c>, <c>/</c> or <c>~</c> is a path, all else a name.</remarks>
internal sealed class MountBinder(ProjectPaths paths)
{
    /// <summary>The mapping that is called as the kind is there, empty or not.</summary>
    internal const string Details = "details";

    private static readonly string[] s_propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

    public IReadOnlyList<MountModel> Read(MapReader service)
    {
        var mounts = new List<MountModel>();
        var items = service.Items("volumes");
        for (var index = 0; index < items.Count; index++)
        {
            var path = $"{service.Path}.volumes[{index}]";
            var mount = items[index] switch
            {
                ScalarNode scalar => ReadShort(scalar, path, service.Diagnostics),
                MapNode map => ReadLong(new MapReader(map, path, service.Diagnostics)),
                _ => null,
            };
            if (mount is null)
            {
                continue;
            }

            if (!mount.Target.StartsWith('/'))
            {
                service.Diagnostics.Error(
                    items[index].Place,
                    $"{path}: the target '{mount.Target}' must be an absolute path in the container");
            }

            mounts.Add(mount);
        }

        ReportDuplicates(service, mounts);
        return mounts;
    }

    private static void ReportDuplicates(MapReader service, List<MountModel> mounts)
    {
        foreach (var target in mounts.GroupBy(mount => mount.Target).Where(group => group.Count() > 1))
        {
            service.Error("volumes", $"the target '{target.Key}' is given twice");
        }
    }

    private MountModel? ReadShort(ScalarNode scalar, string path, DiagnosticBag diagnostics)
    {
        var parts = scalar.Text.Split(':');
        if (parts.Length > 3 || parts.Any(part => part.Length == 0))
        {
            diagnostics.Error(scalar.Place, $"{path}: '{scalar.Text}' must have the form [SOURCE:]TARGET[:MODE]");
            return null;
        }

        var source = parts.Length == 1 ? null : parts[0];
        var target = Trim(parts.Length == 1 ? parts[0] : parts[1]);
        var isBind = source is not null && source[0] is '.' or '/' or '~';
        var mount = isBind
            ? new MountModel(MountKind.Bind, paths.Resolve(source!), target, false, CreatesHostPath: true) { Written = new() { { Details, true }, { "create_host_path", true } } }
            : new MountModel(MountKind.Volume, source, target, false) { Written = new() { { Details, true } } };
        foreach (var option in parts.Length == 3 ? parts[2].Split(',') : [])
        {
            mount = Apply(mount, option, scalar, path, diagnostics);
        }

        return mount;
    }

    private static MountModel Apply(MountModel mount, string option, ScalarNode scalar, string path, DiagnosticBag diagnostics)
    {
        switch (option)
        {
            case "ro":
                return mount with { ReadOnly = true };
            case "rw":
                return mount;
            case "nocopy":
                return mount with { NoCopy = true };
            case "z" or "Z":
                diagnostics.Warning(scalar.Place, $"{path}: '{option}' asks for an SELinux label; Berth sets none");
                return mount with { Written = [.. mount.Written, new("selinux", option)] };
            case "cached" or "delegated" or "consistent":
                return mount; // speed hints for Docker Desktop; without meaning on Linux
            case var _ when s_propagations.Contains(option) && mount.Kind == MountKind.Bind:
                return mount with { Propagation = option };
            default:
                diagnostics.Error(
                    scalar.Place,
                    $"{path}: '{option}' is not a mount mode; ro, rw, nocopy and the propagation modes of a bind are");
                return mount;
        }
    }

    private MountModel? ReadLong(MapReader mount)
    {
        var kind = mount.OneOf("type", "bind", "volume", "tmpfs", "image");
        var source = mount.Text("source");
        var target = mount.Text("target");
        var readOnly = mount.Bool("read_only") ?? false;
        _ = mount.OneOf("consistency", "cached", "delegated", "consistent");
        var bind = mount.Map("bind");
        var volume = mount.Map("volume");
        var tmpfs = mount.Map("tmpfs");
        var image = mount.Map("image");
        mount.Finish();
        if (!mount.Has("type") || !mount.Has("target"))
        {
            mount.Diagnostics.Error(mount.Place, $"{mount.Path}: 'type' and 'target' are needed");
        }

        if (kind is null || target is null)
        {
            return null;
        }

        RefuseOther(mount, kind, bind, volume, tmpfs, image);
        return kind switch
        {
            "bind" => ReadBind(mount, bind, source, Trim(target), readOnly),
            "volume" => ReadVolume(volume, source, Trim(target), readOnly),
            "image" => ReadImage(mount, image, source, Trim(target)),
            _ => ReadTmpfs(tmpfs, Trim(target), readOnly),
        };
    }

    private static void RefuseOther(MapReader mount, string kind, params MapReader?[] details)
    {
        foreach (var detail in details.OfType<MapReader>().Where(detail => !detail.Path.EndsWith("." + kind, StringComparison.Ordinal)))
        {
            mount.Diagnostics.Error(detail.Place, $"{detail.Path}: has no meaning for a mount of type {kind}");
        }
    }

    private MountModel ReadBind(MapReader mount, MapReader? bind, string? source, string target, bool readOnly)
    {
        if (string.IsNullOrEmpty(source))
        {
            mount.Diagnostics.Error(mount.Place, $"{mount.Path}: a bind mount needs a 'source'");
        }

        var propagation = bind?.OneOf("propagation", s_propagations);
        var creates = bind?.Bool("create_host_path") ?? true;
        var recursive = bind?.OneOf("recursive", "enabled", "disabled", "writable", "readonly");
        if (recursive is "writable" or "readonly" && !readOnly)
        {
            bind!.Error("recursive", $"'{recursive}' is for mounts that are read_only");
        }

        var label = bind?.OneOf("selinux", "z", "Z");
        if (bind is not null && label is not null)
        {
            bind.Diagnostics.Warning(bind.PlaceOf("selinux"), $"{bind.Path}: '{label}' asks for an SELinux label; Berth sets none");
        }

        bind?.Finish();
        return new MountModel(MountKind.Bind, paths.Resolve(source ?? "."), target, readOnly, creates, Propagation: propagation)
        {
            Recursive = recursive, Written = new() { { Details, Given(bind) }, { "create_host_path", bind?.Written("create_host_path") is null ? null : creates }, { "selinux", label } },
        };
    }

    private static MountModel ReadVolume(MapReader? volume, string? source, string target, bool readOnly)
    {
        var noCopy = volume?.Bool("nocopy") ?? false;
        var subpath = volume?.Text("subpath");
        var labels = volume?.TextMap("labels");
        volume?.Finish();
        return new MountModel(MountKind.Volume, source, target, readOnly, NoCopy: noCopy, Subpath: subpath) 
        {
            Labels = labels is { Count: > 0 } ? labels : null, Written = new() { { Details, Given(volume) } },
        };
    }

    private static MountModel ReadImage(MapReader mount, MapReader? image, string? source, string target)
    {
        if (string.IsNullOrEmpty(source))
        {
            mount.Diagnostics.Error(mount.Place, $"{mount.Path}: a mount of an image needs its name as 'source'");
        }

        var subpath = image?.Text("subpath");
        image?.Finish();
        return new MountModel(MountKind.Image, source, target, ReadOnly: true, Subpath: subpath) { Written = new() { { Details, Given(image) }, { "read_only", mount.Bool("read_only") } } };
    }

    private static MountModel ReadTmpfs(MapReader? tmpfs, string target, bool readOnly)
    {
        var size = tmpfs?.Bytes("size");
        var mode = tmpfs?.Mode("mode");
        tmpfs?.Finish();
        return new MountModel(MountKind.Tmpfs, null, target, readOnly, TmpfsSizeBytes: size, TmpfsMode: mode) { Written = new() { { Details, Given(tmpfs) } } };
    }

    private static object? Given(MapReader? details) => details is null ? null : true;

    private static string Trim(string target) => target.Length > 1 ? target.TrimEnd('/') : target;
}
