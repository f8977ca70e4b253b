using Berth.Engine.Errors;

namespace Berth.Engine.Containers;

/// <summary>Which file systems a container gets, from <c>-v</c>, <c>--mount</c>, <c>--tmpfs</c> and the image's volumes. Pure but for asking whether what is to be bound is there.</summary>
internal static class MountPlan
{
    private static readonly string[] Propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

    /// <summary>All mounts, parents before what is nested in them. Anonymous volumes have an empty name still.</summary>
    /// <exception cref="BerthException">A mount that cannot be; the message quotes it.</exception>
    /// <param name="taken">Of other containers (<c>--volumes-from</c>); what is asked for at the same place comes before them.</param>
    internal static IReadOnlyList<MountPoint> Build(ContainerConfig config, HostConfig host, IReadOnlyList<MountPoint> taken)
    {
        var mounts = new Dictionary<string, MountPoint>(StringComparer.Ordinal);
        foreach (var bind in host.Binds ?? [])
        {
            Add(mounts, ParseBind(bind));
        }

        foreach (var mount in host.Mounts ?? [])
        {
            Add(mounts, FromConfig(mount));
        }

        foreach (var (target, options) in host.Tmpfs ?? [])
        {
            Add(mounts, target.StartsWith('/')
                ? new MountPoint { Type = "tmpfs", Destination = Clean(target), Options = options }
                : throw BerthException.Invalid($"invalid mount path: '{target}' mount path must be absolute"));
        }

        foreach (var mount in taken)
        {
            mounts.TryAdd(mount.Destination, mount);
        }

        foreach (var target in config.Volumes?.Keys.ToList() ?? [])
        {
            var destination = Clean(target);
            if (!mounts.ContainsKey(destination))
            {
                mounts[destination] = new MountPoint { Type = "volume", Destination = destination, CopyUp = true, Anonymous = true };
            }
        }

        return [.. mounts.Values.OrderBy(mount => mount.Destination.Count(letter => letter == '/')).ThenBy(mount => mount.Destination, StringComparer.Ordinal)];
    }

    /// <summary><c>SOURCE:TARGET[:OPTIONS]</c>, <c>NAME:TARGET[:OPTIONS]</c> or <c>TARGET</c>.</summary>
    internal static MountPoint ParseBind(string text)
    {
        var parts = text.Split(':');
        if (parts.Length > 3 || parts.Any(part => part.Length == 0))
        {
            throw BerthException.Invalid($"invalid volume specification: '{text}'; write SOURCE:TARGET[:OPTIONS] or NAME:TARGET[:OPTIONS]");
        }

        var target = parts.Length == 1 ? parts[0] : parts[1];
        var isBind = parts.Length > 1 && parts[0].StartsWith('/');
        var kind = isBind ? "bind" : "volume";
        if (!target.StartsWith('/'))
        {
            throw BerthException.Invalid($"invalid volume specification: '{text}': invalid mount config for type \"{kind}\": invalid mount path: '{target}' mount path must be absolute");
        }

        if (Clean(target) == "/")
        {
            throw BerthException.Invalid($"invalid volume specification: '{text}': invalid mount config for type \"{kind}\": invalid specification: destination can't be '/'");
        }

        var mode = parts.Length == 3 ? parts[2] : "";
        var options = mode.Split(',', StringSplitOptions.RemoveEmptyEntries);
        var unknown = options.FirstOrDefault(option => option is not ("ro" or "rw" or "z" or "Z" or "nocopy" or "cached" or "delegated" or "consistent") && !Propagations.Contains(option));
        if (unknown is not null || (options.Contains("ro") && options.Contains("rw")))
        {
            throw BerthException.Invalid($"invalid mode: {mode}");
        }

        if (options.Any(option => option is "z" or "Z") && Directory.Exists("/sys/fs/selinux"))
        {
            throw new BerthException(ErrorKind.NotSupported, $"Berth does not relabel for SELinux, as '{text}' asks; leave the option '{(options.Contains("z") ? "z" : "Z")}' away.");
        }

        return new MountPoint
        {
            Type = isBind ? "bind" : "volume",
            Name = isBind || parts.Length == 1 ? "" : parts[0],
            Source = isBind ? Clean(parts[0]) : "",
            Destination = Clean(target),
            Mode = mode.Length > 0 || isBind || parts.Length == 1 ? mode : "z",
            ReadWrite = !options.Contains("ro"),
            Propagation = options.FirstOrDefault(Propagations.Contains) ?? (isBind ? "rprivate" : ""),
            CopyUp = !isBind && !options.Contains("nocopy"),
            Anonymous = parts.Length == 1,
            CreateSource = isBind,
        };
    }

    private static MountPoint FromConfig(MountConfig mount)
    {
        if (mount.Target.Length == 0)
        {
            throw BerthException.Invalid($"invalid mount config for type \"{mount.Type}\": field Target must not be empty");
        }

        if (!mount.Target.StartsWith('/'))
        {
            throw BerthException.Invalid($"invalid mount config for type \"{mount.Type}\": invalid mount path: '{mount.Target}' mount path must be absolute");
        }

        RequireOwnOptions(mount);
        return mount.Type switch
        {
            "bind" => new MountPoint
            {
                Type = "bind",
                Destination = Clean(mount.Target),
                ReadWrite = !mount.ReadOnly,
                Propagation = mount.BindOptions?.Propagation is { Length: > 0 } propagation
                    ? Propagations.Contains(propagation) ? propagation : throw BerthException.Invalid($"invalid mount config for type \"bind\": invalid propagation mode: {propagation}")
                    : "rprivate",
                Source = BindSource(mount),
                CreateSource = mount.BindOptions?.CreateMountpoint ?? false,
                NonRecursive = mount.BindOptions?.NonRecursive ?? false,
                ReadOnlyNonRecursive = mount.BindOptions?.ReadOnlyNonRecursive ?? false,
            },
            "volume" => new MountPoint
            {
                Type = "volume",
                Name = mount.Source,
                Destination = Clean(mount.Target),
                ReadWrite = !mount.ReadOnly,
                Mode = "z",
                CopyUp = !(mount.VolumeOptions?.NoCopy ?? false) && mount.VolumeOptions?.Subpath is not { Length: > 0 },
                Anonymous = mount.Source.Length == 0,
                Subpath = Subpath(mount.VolumeOptions?.Subpath, mount.Type),
            },
            "image" => new MountPoint
            {
                Type = "image",
                Name = mount.Source.Length > 0 ? mount.Source : throw BerthException.Invalid("invalid mount config for type \"image\": field Source must not be empty"),
                Destination = Clean(mount.Target),
                ReadWrite = false,
                Subpath = Subpath(mount.ImageOptions?.Subpath, mount.Type),
            },
            "tmpfs" => new MountPoint
            {
                Type = "tmpfs",
                Destination = Clean(mount.Target),
                ReadWrite = !mount.ReadOnly,
                Options = string.Join(',', TmpfsOptions(mount)),
            },
            _ => throw BerthException.Invalid($"invalid mount config for type \"{mount.Type}\": mount type unknown"),
        };
    }

    private static string BindSource(MountConfig mount)
    {
        var source = mount.Source.StartsWith('/') ? Clean(mount.Source)
            : throw BerthException.Invalid("invalid mount config for type \"bind\": " + (mount.Source.Length == 0 ? "field Source must not be empty" : $"invalid mount path: '{mount.Source}' mount path must be absolute"));
        return mount.BindOptions?.CreateMountpoint == true || Path.Exists(source)
            ? source
            : throw BerthException.Invalid($"invalid mount config for type \"bind\": bind source path does not exist: {source}");
    }

    // Options of another type than the mount's would have no effect.
    private static void RequireOwnOptions(MountConfig mount)
    {
        void Demand(bool condition, string message)
        {
            if (!condition)
            {
                throw BerthException.Invalid($"invalid mount config for type \"{mount.Type}\": {message}");
            }
        }

        void DemandNone(bool condition, string field)
        {
            if (!condition)
            {
                throw BerthException.Invalid($"{field} must not be specified on mount type \"{mount.Type}\"");
            }
        }

        if (mount.Type is not ("bind" or "volume" or "tmpfs" or "image"))
        {
            throw BerthException.Invalid($"invalid mount config for type \"{mount.Type}\": mount type unknown");
        }

        DemandNone(mount.BindOptions is null || mount.Type == "bind", "BindOptions");
        DemandNone(mount.VolumeOptions is null || mount.Type == "volume", "VolumeOptions");
        DemandNone(mount.TmpfsOptions is null || mount.Type == "tmpfs", "TmpfsOptions");
        DemandNone(mount.ImageOptions is null || mount.Type == "image", "ImageOptions");
        Demand(mount.Type != "tmpfs" || mount.Source.Length == 0, "field Source must not be specified");
        if (mount.BindOptions is { } bind)
        {
            Demand(mount.ReadOnly || !bind.ReadOnlyNonRecursive, "mount must be read-only to use ReadOnlyNonRecursive");
            Demand(mount.ReadOnly || !bind.ReadOnlyForceRecursive, "mount must be read-only to use ReadOnlyForceRecursive");
            Demand(!bind.ReadOnlyNonRecursive || !bind.ReadOnlyForceRecursive, "ReadOnlyNonRecursive and ReadOnlyForceRecursive exclude each other");
        }
    }

    private static string Subpath(string? text, string type)
    {
        if (text is not { Length: > 0 })
        {
            return "";
        }

        return text.StartsWith('/') || text.Split('/').Contains("..")
            ? throw BerthException.Invalid($"invalid mount config for type \"{type}\": subpath must be a relative path within the {type}")
            : string.Join('/', text.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != "."));
    }

    private static IEnumerable<string> TmpfsOptions(MountConfig mount)
    {
        if (mount.TmpfsOptions?.SizeBytes is > 0 and var size)
        {
            yield return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"size={size}");
        }

        if (mount.TmpfsOptions?.Mode is > 0 and var mode)
        {
            yield return "mode=" + Convert.ToString(mode, 8);
        }

        foreach (var option in mount.TmpfsOptions?.Options ?? [])
        {
            yield return option switch
            {
                ["exec" or "noexec"] => option[0],
                [var name, ..] and { Count: <= 2 } => throw BerthException.Invalid($"invalid mount config for type \"tmpfs\": invalid option: {name}; there are exec and noexec"),
                _ => throw BerthException.Invalid("invalid mount config for type \"tmpfs\": invalid option array length"),
            };
        }
    }

    private static void Add(Dictionary<string, MountPoint> mounts, MountPoint mount)
    {
        if (mount.Destination == "/")
        {
            throw BerthException.Invalid("invalid volume specification: destination can't be '/'");
        }

        if (!mounts.TryAdd(mount.Destination, mount))
        {
            throw BerthException.Invalid($"Duplicate mount point: {mount.Destination}");
        }
    }

    // The path without doubled slashes, "." and "..": what is compared and mounted is the same text.
    private static string Clean(string path) => Path.GetFullPath(path).TrimEnd('/') is { Length: > 0 } clean ? clean : "/";
}
