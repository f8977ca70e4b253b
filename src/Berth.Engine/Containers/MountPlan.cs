using Berth.Engine.Errors;

namespace Berth.Engine.Containers;

/// <summary>Which file systems a container gets, from <c>-v</c>, <c>--mount</c>, <c>--tmpfs</c> and the image's volumes. Pure.</summary>
internal static class MountPlan
{
    private static readonly string[] Propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

    /// <summary>All mounts, parents before what is nested in them. Anonymous volumes have an empty name still.</summary>
    /// <exception cref="BerthException">A mount that cannot be; the message quotes it.</exception>
    internal static IReadOnlyList<MountPoint> Build(ContainerConfig config, HostConfig host)
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
            Add(mounts, new MountPoint { Type = "tmpfs", Destination = Clean(target), Options = options });
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
        if (!target.StartsWith('/'))
        {
            throw BerthException.Invalid($"invalid volume specification: '{text}': invalid mount config: invalid mount path: '{target}' mount path must be absolute");
        }

        var mode = parts.Length == 3 ? parts[2] : "";
        var options = mode.Split(',', StringSplitOptions.RemoveEmptyEntries);
        var unknown = options.FirstOrDefault(option => option is not ("ro" or "rw" or "z" or "Z" or "nocopy" or "cached" or "delegated" or "consistent") && !Propagations.Contains(option));
        if (unknown is not null)
        {
            throw BerthException.Invalid($"invalid volume specification: '{text}': invalid mode: {unknown}");
        }

        if (options.Any(option => option is "z" or "Z") && Directory.Exists("/sys/fs/selinux"))
        {
            throw new BerthException(ErrorKind.NotSupported, $"Berth does not relabel for SELinux, as '{text}' asks; leave the option '{(options.Contains("z") ? "z" : "Z")}' away.");
        }

        var isBind = parts.Length > 1 && parts[0].StartsWith('/');
        return new MountPoint
        {
            Type = isBind ? "bind" : "volume",
            Name = isBind || parts.Length == 1 ? "" : parts[0],
            Source = isBind ? Clean(parts[0]) : "",
            Destination = Clean(target),
            Mode = mode,
            ReadWrite = !options.Contains("ro"),
            Propagation = options.FirstOrDefault(Propagations.Contains) ?? (isBind ? "rprivate" : ""),
            CopyUp = !isBind && !options.Contains("nocopy"),
            Anonymous = parts.Length == 1,
            CreateSource = isBind,
        };
    }

    private static MountPoint FromConfig(MountConfig mount)
    {
        if (!mount.Target.StartsWith('/'))
        {
            throw BerthException.Invalid($"invalid mount config for type \"{mount.Type}\": invalid mount path: '{mount.Target}' mount path must be absolute");
        }

        return mount.Type switch
        {
            "bind" => new MountPoint
            {
                Type = "bind",
                Source = mount.Source.StartsWith('/') ? Clean(mount.Source) : throw BerthException.Invalid($"invalid mount config for type \"bind\": invalid mount path: '{mount.Source}' mount path must be absolute"),
                Destination = Clean(mount.Target),
                ReadWrite = !mount.ReadOnly,
                Propagation = mount.BindOptions?.Propagation is { Length: > 0 } propagation ? propagation : "rprivate",
                CreateSource = mount.BindOptions?.CreateMountpoint ?? false,
            },
            "volume" => mount.VolumeOptions?.Subpath is { Length: > 0 }
                ? throw new BerthException(ErrorKind.NotSupported, $"Berth does not support volume-subpath ('{mount.VolumeOptions.Subpath}').")
                : new MountPoint
                {
                    Type = "volume",
                    Name = mount.Source,
                    Destination = Clean(mount.Target),
                    ReadWrite = !mount.ReadOnly,
                    Mode = "z",
                    CopyUp = !(mount.VolumeOptions?.NoCopy ?? false),
                    Anonymous = mount.Source.Length == 0,
                },
            "tmpfs" => new MountPoint
            {
                Type = "tmpfs",
                Destination = Clean(mount.Target),
                ReadWrite = !mount.ReadOnly,
                Options = string.Join(',', TmpfsOptions(mount)),
            },
            _ => throw BerthException.Invalid($"invalid mount config: mount type \"{mount.Type}\" unknown; known are bind, volume and tmpfs"),
        };
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
