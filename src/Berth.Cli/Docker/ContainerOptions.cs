using System.Globalization;
using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Cli.Projects;

namespace Berth.Cli.Docker;

/// <summary>The options of <c>run</c> and <c>create</c>, and what they make of a container's configuration. Docker Engine API, "ContainerCreate".</summary>
internal static partial class ContainerOptions
{
    internal static IReadOnlyList<Option> Options { get; } =
    [
        Option.Flag("interactive", 'i', "With input"), Option.Flag("tty", 't', "With a terminal"), Option.Flag("rm", "Remove the container when it ends"), Option.Value("name", "NAME", "Name of the container"),
        Option.List("env", 'e', "NAME=VALUE", "Variable"), Option.List("env-file", "FILE", "Variables"), Option.List("label", 'l', "NAME=VALUE", "Label"),
        Option.List("publish", 'p', "[[ADDRESS:]HOST:]PORT[/udp]", "Publish a port"), Option.Flag("publish-all", 'P', "Publish all exposed ports"), Option.List("expose", "PORT", "Expose a port"),
        Option.List("volume", 'v', "SOURCE:TARGET[:ro]", "Mount a folder or volume"), Option.List("mount", "type=…,source=…,target=…", "Mount"), Option.List("tmpfs", "TARGET[:OPTIONS]", "Mount memory"),
        Option.List("network", "NETWORK", "Join a network, or name=NETWORK,alias=NAME,ip=ADDRESS,…"), Option.List("net", "NETWORK", "As --network"), Option.List("network-alias", "NAME", "One more name there"), Option.Value("ip", "ADDRESS", "Address there"), Option.Value("ip6", "ADDRESS", "IPv6 address there"),
        Option.Value("user", 'u', "USER", "As whom"), Option.Value("workdir", 'w', "FOLDER", "Where"), Option.Value("entrypoint", "PROGRAM", "Instead of the image's"),
        Option.Value("hostname", 'h', "NAME", "Host name"), Option.List("add-host", "NAME:ADDRESS", "Further host"), Option.List("dns", "ADDRESS", "DNS server"),
        Option.Value("restart", "POLICY", "no, always, unless-stopped, on-failure[:TIMES]"), Option.Value("memory", 'm', "BYTES", "Limit, such as 512m"), Option.Value("memory-swap", "BYTES", "Memory and swap together"),
        Option.Value("cpus", "NUMBER", "Limit, such as 1.5"), Option.Value("cpu-shares", 'c', "NUMBER", "Weight"), Option.Value("cpuset-cpus", "LIST", "Only these processors"), Option.Value("pids-limit", "NUMBER", "Limit"),
        Option.List("cap-add", "CAPABILITY", "Give"), Option.List("cap-drop", "CAPABILITY", "Take"), Option.Flag("privileged", "With all rights"), Option.Flag("read-only", "Without writing to the root file system"),
        Option.Flag("init", "With an init that reaps processes"), Option.Value("shm-size", "BYTES", "Of /dev/shm"), Option.List("ulimit", "NAME=SOFT[:HARD]", "Limit"), Option.List("sysctl", "NAME=VALUE", "Kernel parameter"),
        Option.List("device", "HOST[:TARGET[:rwm]]", "Device"), Option.List("security-opt", "OPTION", "no-new-privileges, seccomp=unconfined"), Option.List("group-add", "GROUP", "Further group"),
        Option.Value("pid", "MODE", "host or container:NAME"), Option.Value("ipc", "MODE", "host or container:NAME"),
        Option.Value("stop-signal", "SIGNAL", "Instead of the image's"), Option.Value("stop-timeout", "SECONDS", "Until it is killed"), Option.Value("log-driver", "NAME", "json-file, local or none"), Option.List("log-opt", "NAME=VALUE", "Option of the log"),
        .. FurtherOptions,
        Option.Value("health-cmd", "COMMAND", "How to tell that it works"), Option.Value("health-interval", "TIME", "Between checks"), Option.Value("health-timeout", "TIME", "Of one check"),
        Option.Value("health-retries", "NUMBER", "Failures until unhealthy"), Option.Value("health-start-period", "TIME", "In which failures do not count"), Option.Flag("no-healthcheck", "Without the image's check"),
        Option.Value("health-start-interval", "TIME", "Between checks while it starts"),
        Option.Value("pull", "WHEN", "always, missing or never"), Option.Value("platform", "PLATFORM", "Such as linux/arm64"), Option.Value("cidfile", "FILE", "Write the container's id there"), Option.Flag("quiet", 'q', "Fetch without progress"),
    ];

    internal static JsonObject ToConfig(ParsedLine line, CliContext context, bool isDetached)
    {
        var ports = new JsonObject();
        var exposed = new JsonObject();
        foreach (var port in line.Values("publish"))
        {
            AddPort(port, ports, exposed);
        }

        foreach (var port in line.Values("expose"))
        {
            exposed[port.Contains('/', StringComparison.Ordinal) ? port : port + "/tcp"] = new JsonObject();
        }

        var hasInput = line.Flag("interactive");
        var streams = isDetached ? new() { HasOutput = false, HasErrors = false } : Streams(line);
        var config = new JsonObject
        {
            ["Image"] = line.Arguments[0],
            ["Cmd"] = line.Arguments.Count > 1 ? Json.Array(line.Arguments.Skip(1)) : null,
            ["Hostname"] = line.Value("hostname") ?? "",
            ["Domainname"] = line.Value("domainname") ?? "",
            ["User"] = line.Value("user") ?? "",
            ["Tty"] = line.Flag("tty"),
            ["OpenStdin"] = hasInput,
            ["StdinOnce"] = hasInput && !isDetached,
            ["AttachStdin"] = streams.HasInput,
            ["AttachStdout"] = streams.HasOutput,
            ["AttachStderr"] = streams.HasErrors,
            ["Env"] = Pairs.Environment(line.Values("env"), line.Values("env-file"), context),
            ["WorkingDir"] = line.Value("workdir") ?? "",
            ["Labels"] = Pairs.Labels([.. line.Values("label-file").SelectMany(File.ReadLines).Select(one => one.Trim()).Where(one => one.Length > 0 && one[0] != '#'), .. line.Values("label")]),
            ["ExposedPorts"] = exposed,
            ["HostConfig"] = Host(line, context, ports),
            ["NetworkingConfig"] = NetworkOptions.Networking(line),
        };
        Set(config, "Entrypoint", line.Value("entrypoint") is { } entrypoint ? new JsonArray(entrypoint) : null);
        Set(config, "StopSignal", line.Value("stop-signal"));
        Set(config, "StopTimeout", line.Number("stop-timeout"));
        Set(config, "Healthcheck", Health(line));
        return config;
    }

    /// <summary>Which of the container's streams the caller wants: those of <c>--attach</c>, else all, input only with <c>-i</c>.</summary>
    internal static RunStyle Streams(ParsedLine line)
    {
        var asked = line.Values("attach").Select(name => name.ToLowerInvariant()).ToList();
        if (asked.Find(name => name is not ("stdin" or "stdout" or "stderr")) is { } unknown)
        {
            throw new UsageException($"invalid argument \"{unknown}\" for \"-a, --attach\" flag: valid streams are STDIN, STDOUT and STDERR");
        }

        return new()
        {
            HasInput = line.Flag("interactive") && (asked.Count == 0 || asked.Contains("stdin")),
            HasOutput = asked.Count == 0 || asked.Contains("stdout"),
            HasErrors = asked.Count == 0 || asked.Contains("stderr"),
        };
    }

    private static void Set(JsonObject map, string name, JsonNode? value)
    {
        if (value is not null)
        {
            map[name] = value;
        }
    }

    private static JsonObject Host(ParsedLine line, CliContext context, JsonObject ports)
    {
        var host = BasicHost(line, context, ports);
        AddFurther(host, line);
        return host;
    }

    private static JsonObject BasicHost(ParsedLine line, CliContext context, JsonObject ports) => new()
    {
        ["Binds"] = Json.Array(line.Values("volume").Select(volume => RunVerbs.AbsoluteMount(volume, context))),
        ["Mounts"] = new JsonArray([.. line.Values("mount").Select(mount => (JsonNode)Mount(mount, context))]),
        ["Tmpfs"] = Tmpfs(line.Values("tmpfs")),
        ["PortBindings"] = ports,
        ["PublishAllPorts"] = line.Flag("publish-all"),
        ["NetworkMode"] = NetworkOptions.Mode(line),
        ["AutoRemove"] = line.Flag("rm"),
        ["RestartPolicy"] = Restart(line.Value("restart") ?? "no"),
        ["ExtraHosts"] = Json.Array(line.Values("add-host")),
        ["Dns"] = Json.Array(line.Values("dns")),
        ["Memory"] = Bytes(line, "memory"),
        ["MemorySwap"] = line.Value("memory-swap") == "-1" ? -1 : Bytes(line, "memory-swap"),
        ["NanoCpus"] = Cpus(line.Value("cpus")),
        ["CpuShares"] = line.Number("cpu-shares") ?? 0,
        ["CpusetCpus"] = line.Value("cpuset-cpus") ?? "",
        ["PidsLimit"] = line.Number("pids-limit") ?? 0,
        ["CapAdd"] = Json.Array(line.Values("cap-add")),
        ["CapDrop"] = Json.Array(line.Values("cap-drop")),
        ["Privileged"] = line.Flag("privileged"),
        ["ReadonlyRootfs"] = line.Flag("read-only"),
        ["Init"] = line.Flag("init"),
        ["ShmSize"] = Bytes(line, "shm-size"),
        ["Ulimits"] = Ulimits(line),
        ["Sysctls"] = Pairs.Labels(line.Values("sysctl")),
        ["Devices"] = new JsonArray([.. line.Values("device").Where(device => !DeviceOptions.IsName(device)).Select(device => (JsonNode)Device(device))]),
        ["SecurityOpt"] = Json.Array(line.Values("security-opt")),
        ["GroupAdd"] = Json.Array(line.Values("group-add")),
        ["PidMode"] = line.Value("pid") ?? "",
        ["IpcMode"] = line.Value("ipc") ?? "",
        ["LogConfig"] = new JsonObject { ["Type"] = line.Value("log-driver") ?? "", ["Config"] = Pairs.Labels(line.Values("log-opt")) },
    };

    /// <summary><c>[[ADDRESS:]HOST:]PORT[/PROTOCOL]</c>; host and port may be ranges of the same length.</summary>
    internal static void AddPort(string text, JsonObject bindings, JsonObject exposed)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var (address, protocol) = slash < 0 ? (text, "tcp") : (text[..slash], text[(slash + 1)..]);
        var last = address.LastIndexOf(':');
        var (target, rest) = last < 0 ? (address, "") : (address[(last + 1)..], address[..last]);
        var split = rest.LastIndexOf(':');
        var (ip, published) = split < 0 ? ("", rest) : (rest[..split].Trim('[', ']'), rest[(split + 1)..]);
        var (first, end) = Range(target, text);
        var (publishedFirst, publishedEnd) = published.Length == 0 ? (0, 0) : Range(published, text);
        if (published.Length > 0 && first != end && publishedEnd - publishedFirst != end - first)
        {
            throw new UsageException($"invalid ranges specified for container and host Ports: {target} and {published}");
        }

        for (var port = first; port <= end; port++)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"{port}/{protocol}");
            exposed[key] = new JsonObject();
            if (bindings[key] is not JsonArray list)
            {
                bindings[key] = list = [];
            }

            var host = published.Length == 0 ? "" : first == end ? published : (publishedFirst + port - first).ToString(CultureInfo.InvariantCulture);
            list.Add((JsonNode)new JsonObject { ["HostIp"] = ip, ["HostPort"] = host });
        }
    }

    private static (int First, int Last) Range(string text, string whole)
    {
        var parts = text.Split('-');
        return parts.Length <= 2 && int.TryParse(parts[0], CultureInfo.InvariantCulture, out var first) && int.TryParse(parts[^1], CultureInfo.InvariantCulture, out var last) && first is > 0 and < 65536 && last < 65536 && first <= last
            ? (first, last)
            : throw new UsageException($"invalid containerPort: {text} in -p {whole}: ports are 1–65535");
    }

    private static JsonObject Mount(string text, CliContext context)
    {
        var mount = new JsonObject { ["Type"] = "volume" };
        foreach (var field in Pairs.CommaFields(text))
        {
            var parts = field.Split('=', 2);
            var value = parts.Length == 2 ? parts[1] : "true";
            switch (parts[0])
            {
                case "type":
                    mount["Type"] = value;
                    break;
                case "source" or "src":
                    mount["Source"] = value;
                    break;
                case "target" or "destination" or "dst":
                    mount["Target"] = value;
                    break;
                case "readonly" or "ro":
                    mount["ReadOnly"] = value is "true" or "1";
                    break;
                case "bind-propagation":
                    Part(mount, "BindOptions")["Propagation"] = value;
                    break;
                case "bind-create-mountpoint":
                    Part(mount, "BindOptions")["CreateMountpoint"] = value is "true" or "1";
                    break;
                case "bind-recursive":
                    Recursive(Part(mount, "BindOptions"), value);
                    break;
                case "volume-nocopy":
                    Part(mount, "VolumeOptions")["NoCopy"] = value is "true" or "1";
                    break;
                case "volume-subpath":
                    Part(mount, "VolumeOptions")["Subpath"] = value;
                    break;
                case "volume-label":
                    Add(Part(Part(mount, "VolumeOptions"), "Labels"), value);
                    break;
                case "volume-driver":
                    Part(Part(mount, "VolumeOptions"), "DriverConfig")["Name"] = value;
                    break;
                case "volume-opt":
                    Add(Part(Part(Part(mount, "VolumeOptions"), "DriverConfig"), "Options"), value);
                    break;
                case "image-subpath":
                    Part(mount, "ImageOptions")["Subpath"] = value;
                    break;
                case "tmpfs-size":
                    Part(mount, "TmpfsOptions")["SizeBytes"] = ByteCount(value, "tmpfs-size");
                    break;
                case "tmpfs-mode":
                    Part(mount, "TmpfsOptions")["Mode"] = Convert.ToInt32(value, 8);
                    break;
                default:
                    throw new UsageException($"unexpected key '{parts[0]}' in '{field}' of --mount");
            }
        }

        if (mount.Text("Type") == "bind" && mount.Text("Source").StartsWith('.'))
        {
            mount["Source"] = Path.GetFullPath(mount.Text("Source"), context.CurrentFolder);
        }

        return mount;
    }

    private static JsonObject Part(JsonObject map, string name)
    {
        if (map[name] is not JsonObject part)
        {
            map[name] = part = [];
        }

        return part;
    }

    private static void Add(JsonObject map, string pair)
    {
        var parts = pair.Split('=', 2);
        map[parts[0]] = parts.Length == 2 ? parts[1] : "";
    }

    private static void Recursive(JsonObject bind, string value)
    {
        switch (value)
        {
            case "enabled":
                break;
            case "disabled":
                bind["NonRecursive"] = true;
                break;
            case "writable":
                bind["ReadOnlyNonRecursive"] = true;
                break;
            case "readonly":
                bind["ReadOnlyForceRecursive"] = true;
                break;
            default:
                throw new UsageException($"invalid value for bind-recursive: {value} (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")");
        }
    }

    private static JsonObject Tmpfs(IReadOnlyList<string> values)
    {
        var result = new JsonObject();
        foreach (var value in values)
        {
            var parts = value.Split(':', 2);
            result[parts[0]] = parts.Length == 2 ? parts[1] : "";
        }

        return result;
    }

    private static JsonObject Restart(string text)
    {
        var parts = text.Split(':', 2);
        var times = 0;
        return parts.Length == 1 || int.TryParse(parts[1], CultureInfo.InvariantCulture, out times)
            ? new() { ["Name"] = parts[0], ["MaximumRetryCount"] = times }
            : throw new UsageException($"invalid restart policy format: maximum retry count must be an integer: {text}");
    }

    internal static JsonArray Ulimits(ParsedLine line) => new([.. line.Values("ulimit").Select(limit => (JsonNode)Ulimit(limit))]);

    private static JsonObject Ulimit(string text)
    {
        var parts = text.Split('=', 2);
        var limits = parts.Length == 2 ? parts[1].Split(':') : [];
        long hard = 0;
        return limits.Length is 1 or 2 && long.TryParse(limits[0], CultureInfo.InvariantCulture, out var soft) && long.TryParse(limits[^1], CultureInfo.InvariantCulture, out hard)
            ? new() { ["Name"] = parts[0], ["Soft"] = soft, ["Hard"] = hard }
            : throw new UsageException($"invalid ulimit argument: {text}; write NAME=SOFT[:HARD]");
    }

    private static JsonObject Device(string text)
    {
        var parts = text.Split(':');
        return new()
        {
            ["PathOnHost"] = parts[0],
            ["PathInContainer"] = parts.Length > 1 && parts[1].StartsWith('/') ? parts[1] : parts[0],
            ["CgroupPermissions"] = parts.Length > 2 ? parts[2] : parts.Length == 2 && !parts[1].StartsWith('/') ? parts[1] : "rwm",
        };
    }

    private static JsonObject? Health(ParsedLine line)
    {
        if (line.Flag("no-healthcheck"))
        {
            return new() { ["Test"] = new JsonArray("NONE") };
        }

        if (new[] { "health-cmd", "health-interval", "health-timeout", "health-retries", "health-start-period", "health-start-interval" }.All(name => !line.Has(name)))
        {
            return null;
        }

        var health = new JsonObject { ["Interval"] = Nanoseconds(line, "health-interval"), ["Timeout"] = Nanoseconds(line, "health-timeout"), ["StartPeriod"] = Nanoseconds(line, "health-start-period"), ["StartInterval"] = Nanoseconds(line, "health-start-interval"), ["Retries"] = line.Number("health-retries") ?? 0 };
        Set(health, "Test", line.Value("health-cmd") is { } command ? new JsonArray("CMD-SHELL", command) : null);
        return health;
    }

    private static long Nanoseconds(ParsedLine line, string name) => line.Value(name) is not { } text ? 0
        : DurationText.TryParse(text, out var time) ? time.Ticks * TimeSpan.NanosecondsPerTick
        : throw new UsageException($"invalid argument \"{text}\" for \"--{name}\" flag: write a duration such as 30s or 1m30s");

    private static long Cpus(string? text) => text is null ? 0
        : decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var cpus) ? (long)(cpus * 1_000_000_000)
        : throw new UsageException($"invalid argument \"{text}\" for \"--cpus\" flag: write a number such as 1.5");

    private static long Bytes(ParsedLine line, string name) => line.Value(name) is { } text ? ByteCount(text, name) : 0;

    /// <summary><c>512m</c>, <c>1.5g</c>, <c>1GiB</c>: powers of 1024.</summary>
    internal static long ByteCount(string text, string option)
    {
        var lower = text.ToLowerInvariant();
        var end = lower.AsSpan().IndexOfAnyExcept(DurationText.NumberLetters);
        var (number, unit) = end < 0 ? (lower, "") : (lower[..end], lower[end..].Trim());
        var shift = unit switch { "" or "b" => 0, "k" or "kb" or "kib" => 10, "m" or "mb" or "mib" => 20, "g" or "gb" or "gib" => 30, "t" or "tb" or "tib" => 40, _ => -1 };
        return shift >= 0 && decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value <= long.MaxValue >> 40
            ? (long)(value * (1L << shift))
            : throw new UsageException($"invalid argument \"{text}\" for \"--{option}\" flag: invalid size: '{text}'");
    }
}
