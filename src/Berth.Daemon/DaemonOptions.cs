using System.Globalization;
using System.Text.Json;
using Berth.Engine;
using Berth.Engine.Build;
using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Engine.Users;

namespace Berth.Daemon;

/// <summary>The daemon's settings, from its flags and <c>daemon.json</c>: dockerd's names, where dockerd has one. dockerd(8).</summary>
internal sealed record DaemonOptions
{
    internal const string Usage =
        """
        Usage: berthd [OPTIONS]

        The control plane of Berth: the Docker Engine API and the Berth API on a unix socket.
        It ends with 0 when it was told to stop, 75 when another daemon has its data root, and 1 for everything else.

          --config-file PATH             settings as JSON, dockerd's keys (default /etc/berth/daemon.json)
          --data-root PATH               images, volumes, state (default /var/lib/berth)
          --exec-root PATH               sockets, namespaces, bundles (default /run/berth)
          -H, --host URL                 listen here: unix:///PATH or tcp://ADDRESS:PORT, which needs --tlsverify (default unix:///run/berth/berth.sock)
          --tlsverify                    speak TLS over TCP, and only to clients whose certificate the authority has signed
          --tlscacert PATH               that authority (default /etc/berth/ca.pem)
          --tlscert PATH                 the daemon's certificate (default /etc/berth/cert.pem)
          --tlskey PATH                  its key (default /etc/berth/key.pem)
          -G, --group NAME               who may use the socket (default berth)
          -p, --pidfile PATH             write the process id here (default EXEC-ROOT/berthd.pid)
          -l, --log-level LEVEL          debug, info, warn or error (default info)
          --registry-mirror [REGISTRY=]URL   ask here before docker.io, or before that registry; may be repeated
          --insecure-registry HOST:PORT  may speak HTTP; may be repeated
          --default-address-pool base=CIDR,size=N   networks get their subnets from here; may be repeated
          --build-host-certificates WHEN auto, always or never: RUN steps of builds see the certificate authorities that this host
                                         trusts (default auto: when it trusts some that its distribution did not bring)
          --default-runtime NAME         crun, runc or a path (default: what works here)
          --bridge NAME                  link of the default network (default berth0)
          --bridge-prefix TEXT           first letters of other bridges (default br-)
          --cgroup-parent PATH           group above the containers' (default /berth)
          --cdi-spec-dir PATH            vendors of devices describe them here; may be repeated (default /etc/cdi and /var/run/cdi)
          --dns ADDRESS                  server for names that no container has; may be repeated
          --label KEY=VALUE              shown by info; may be repeated
          --mtu N                        of new links (default 1500)
          --nft-table NAME               the engine's nftables table (default berth)
          --no-bootstrap                 never build debian and ubuntu from their package mirror
          --restart-after-crash          have the data plane start this daemon again when it dies without having been told to; for
                                         daemons that no service manager looks after (default: not)
          --clean-up                     end the data plane and take away rules, links and cgroups, then exit; no container may run
          --purge                        with --clean-up: remove the data root and the exec root too
          --version                      print the version

        """;

    public EngineOptions Engine { get; init; } = new();

    public ImageStoreOptions Images { get; init; } = new();

    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>For TCP; null when nothing listens there.</summary>
    public ApiCertificates? Certificates { get; init; }

    public string Group { get; init; } = "berth";

    public string PidFile { get; init; } = "";

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    public bool ShowVersion { get; init; }

    public bool ShowHelp { get; init; }

    public bool CleanUp { get; init; }

    /// <summary>With <see cref="CleanUp"/>: data goes too.</summary>
    public bool Purge { get; init; }

    /// <summary>The data plane starts this daemon again when it dies without having been told to.</summary>
    public bool RestartAfterCrash { get; init; }

    public IReadOnlyList<string> Mirrors { get; init; } = [];

    /// <exception cref="FormatException">All mistakes, one a line.</exception>
    internal static DaemonOptions Parse(IReadOnlyList<string> arguments)
    {
        var settings = new Settings();
        var configFile = "/etc/berth/daemon.json";
        var hasConfigFile = false;
        for (var i = 0; i < arguments.Count; i++)
        {
            var (name, value) = Split(arguments[i]);
            if (name is "--help" or "-h")
            {
                return new DaemonOptions { ShowHelp = true };
            }

            if (name is "--version" or "-v")
            {
                return new DaemonOptions { ShowVersion = true };
            }

            if (TakesNoValue(name, settings))
            {
                continue;
            }

            if (!Settings.Names.TryGetValue(name, out var key) && name != "--config-file")
            {
                settings.Errors.Add($"unknown flag: {arguments[i]}; see berthd --help");
                continue;
            }

            if (value is null && ++i < arguments.Count)
            {
                value = arguments[i];
            }

            if (value is null)
            {
                settings.Errors.Add($"flag needs an argument: {name}");
            }
            else if (name == "--config-file")
            {
                (configFile, hasConfigFile) = (value, true);
            }
            else
            {
                settings.Set(key!, value, "flag " + name);
            }
        }

        if (hasConfigFile || File.Exists(configFile))
        {
            ReadFile(configFile, settings);
        }

        return settings.Build();
    }

    private static bool TakesNoValue(string name, Settings settings)
    {
        switch (name)
        {
            case "--clean-up":
                return settings.CleanUp = true;
            case "--purge":
                return settings.Purge = true;
            case "--restart-after-crash":
                return settings.RestartAfterCrash = true;
            case "--tlsverify":
                return settings.VerifiesClients = true;
            case "--no-new-privileges":
                return settings.NoNewPrivileges = true;
            case "--no-bootstrap":
                settings.Bootstrap = false;
                return true;
            default:
                return false;
        }
    }

    private static (string Name, string? Value) Split(string argument)
    {
        var separator = argument.StartsWith("--", StringComparison.Ordinal) ? argument.IndexOf('=', StringComparison.Ordinal) : -1;
        return separator < 0 ? (argument, null) : (argument[..separator], argument[(separator + 1)..]);
    }

    private static void ReadFile(string path, Settings settings)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name == "bootstrap")
                {
                    settings.Bootstrap = property.Value.GetBoolean();
                }
                else if (property.Name == "tlsverify")
                {
                    settings.VerifiesClients |= property.Value.GetBoolean();
                }
                else if (property.Name == "no-new-privileges")
                {
                    settings.NoNewPrivileges |= property.Value.GetBoolean();
                }
                else if (property.Name == "default-address-pools")
                {
                    foreach (var pool in property.Value.EnumerateArray())
                    {
                        settings.Set("default-address-pool", $"base={pool.GetProperty("base").GetString()},size={pool.GetProperty("size").GetInt32()}", path);
                    }
                }
                else if (property is { Name: "registry-mirrors", Value.ValueKind: JsonValueKind.Object })
                {
                    // {"REGISTRY": [URL, …]}: dockerd knows mirrors of docker.io only, as a list.
                    foreach (var registry in property.Value.EnumerateObject())
                    {
                        foreach (var url in registry.Value.EnumerateArray())
                        {
                            settings.Set("registry-mirror", $"{registry.Name}={url.GetString()}", $"{path}: registry-mirrors");
                        }
                    }
                }
                else if (Settings.FileKeys.TryGetValue(property.Name, out var key))
                {
                    foreach (var value in property.Value.ValueKind == JsonValueKind.Array ? [.. property.Value.EnumerateArray()] : new[] { property.Value })
                    {
                        settings.Set(key, value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(), $"{path}: {property.Name}");
                    }
                }
                else
                {
                    settings.Errors.Add($"{path}: the key \"{property.Name}\" is not known; known are {string.Join(", ", Settings.FileKeys.Keys)}");
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or IOException or InvalidOperationException or KeyNotFoundException)
        {
            settings.Errors.Add($"{path} cannot be used: {exception.Message}");
        }
    }

    private sealed class Settings
    {
        internal static readonly Dictionary<string, string> Names = new(StringComparer.Ordinal)
        {
            ["--data-root"] = "data-root", ["--exec-root"] = "exec-root", ["--host"] = "host", ["-H"] = "host", ["--group"] = "group", ["-G"] = "group",
            ["--pidfile"] = "pidfile", ["-p"] = "pidfile", ["--log-level"] = "log-level", ["-l"] = "log-level", ["--registry-mirror"] = "registry-mirror",
            ["--insecure-registry"] = "insecure-registry", ["--default-address-pool"] = "default-address-pool", ["--default-runtime"] = "default-runtime",
            ["--bridge"] = "bridge", ["--bridge-prefix"] = "bridge-prefix", ["--cgroup-parent"] = "cgroup-parent", ["--cdi-spec-dir"] = "cdi-spec-dir", ["--dns"] = "dns", ["--label"] = "label",
            ["--mtu"] = "mtu", ["--userns-remap"] = "userns-remap", ["--nft-table"] = "nft-table", ["--build-host-certificates"] = "build-host-certificates",
            ["--tlscacert"] = "tlscacert", ["--tlscert"] = "tlscert", ["--tlskey"] = "tlskey",
        };

        // daemon.json writes lists in the plural.
        internal static readonly Dictionary<string, string> FileKeys = new(StringComparer.Ordinal)
        {
            ["data-root"] = "data-root", ["exec-root"] = "exec-root", ["hosts"] = "host", ["group"] = "group", ["pidfile"] = "pidfile", ["log-level"] = "log-level",
            ["registry-mirrors"] = "registry-mirror", ["insecure-registries"] = "insecure-registry", ["default-address-pools"] = "default-address-pool",
            ["default-runtime"] = "default-runtime", ["bridge"] = "bridge", ["bridge-prefix"] = "bridge-prefix", ["cgroup-parent"] = "cgroup-parent", ["cdi-spec-dirs"] = "cdi-spec-dir", ["dns"] = "dns",
            ["labels"] = "label", ["mtu"] = "mtu", ["nft-table"] = "nft-table", ["bootstrap"] = "bootstrap", ["build-host-certificates"] = "build-host-certificates",
            ["no-new-privileges"] = "no-new-privileges", ["userns-remap"] = "userns-remap", ["tlsverify"] = "tlsverify", ["tlscacert"] = "tlscacert", ["tlscert"] = "tlscert", ["tlskey"] = "tlskey",
        };

        private static readonly HashSet<string> Lists = ["host", "registry-mirror", "insecure-registry", "default-address-pool", "cdi-spec-dir", "dns", "label"];
        private readonly Dictionary<string, List<(string Value, string Source)>> _values = new(StringComparer.Ordinal);

        internal List<string> Errors { get; } = [];

        internal bool Bootstrap { get; set; } = true;

        internal bool VerifiesClients { get; set; }

        internal bool NoNewPrivileges { get; set; }

        internal bool CleanUp { get; set; }

        internal bool Purge { get; set; }

        internal bool RestartAfterCrash { get; set; }

        internal void Set(string key, string value, string source)
        {
            if (!_values.TryGetValue(key, out var values))
            {
                _values[key] = values = [];
            }

            if (values.Count > 0 && !Lists.Contains(key))
            {
                // As in dockerd: a flag and the file may not both say it.
                if (values[0].Value != value)
                {
                    Errors.Add($"{key} is set twice: {values[0].Source} says \"{values[0].Value}\", {source} says \"{value}\"");
                }

                return;
            }

            values.Add((value, source));
        }

        internal DaemonOptions Build()
        {
            var defaults = new EngineOptions();
            var execRoot = Absolute("exec-root", defaults.ExecRoot);
            var images = new ImageStoreOptions { AllowBootstrap = Bootstrap };
            var mirrors = Mirrors();
            foreach (var registry in mirrors)
            {
                images.Registry.Mirrors[registry.Key] = [.. registry];
            }

            foreach (var registry in All("insecure-registry"))
            {
                images.Registry.InsecureRegistries.Add(registry);
            }

            var prefix = One("bridge-prefix", defaults.BridgePrefix);
            if (prefix.Length is 0 or > 4)
            {
                Errors.Add($"bridge-prefix \"{prefix}\" must have 1 to 4 letters, so that a link's name fits 15");
            }

            if (Purge && !CleanUp)
            {
                Errors.Add("--purge is for --clean-up only");
            }

            List<string> hosts = All("host") is { Count: > 0 } named ? named : [$"unix://{execRoot}/berth.sock"];
            if (!VerifiesClients && hosts.Find(host => host.StartsWith("tcp://", StringComparison.Ordinal)) is { } open)
            {
                Errors.Add($"host {open}: whoever reaches the API is root, so over TCP it is served with mutual TLS only. Give --tlsverify with --tlscacert, --tlscert and --tlskey, or use an SSH tunnel to the unix socket");
            }

            var options = new DaemonOptions
            {
                Engine = defaults with
                {
                    DataRoot = Absolute("data-root", defaults.DataRoot),
                    ExecRoot = execRoot,
                    Name = Identifier("nft-table", defaults.Name),
                    Runtime = _values.ContainsKey("default-runtime") ? One("default-runtime", "") : null,
                    DefaultBridge = Identifier("bridge", defaults.DefaultBridge),
                    BridgePrefix = prefix,
                    CgroupParent = "/" + One("cgroup-parent", defaults.CgroupParent).Trim('/'),
                    CdiDirectories = Directories("cdi-spec-dir") is { Count: > 0 } directories ? directories : defaults.CdiDirectories,
                    Dns = All("dns"),
                    Labels = All("label").Select(label => label.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts.Length > 1 ? parts[1] : ""),
                    AddressPools = Pools(defaults.AddressPools),
                    Mtu = Number("mtu", defaults.Mtu),
                    NoNewPrivileges = NoNewPrivileges,
                    Users = Users(),
                    Builder = new() { HostCertificates = Certificates() },
                },
                Images = images,
                Mirrors = [.. mirrors["docker.io"]],
                Hosts = hosts,
                Certificates = VerifiesClients
                    ? new(Absolute("tlscacert", "/etc/berth/ca.pem"), Absolute("tlscert", "/etc/berth/cert.pem"), Absolute("tlskey", "/etc/berth/key.pem"))
                    : null,
                Group = One("group", "berth"),
                PidFile = One("pidfile", execRoot + "/berthd.pid"),
                LogLevel = Level(),
                CleanUp = CleanUp,
                Purge = Purge,
                RestartAfterCrash = RestartAfterCrash,
            };
            return Errors.Count == 0 ? options : throw new FormatException(string.Join('\n', Errors));
        }

        private ILookup<string, string> Mirrors()
        {
            var mirrors = new List<(string Registry, string Url)>();
            foreach (var text in All("registry-mirror"))
            {
                var scheme = text.IndexOf("://", StringComparison.Ordinal);
                var separator = scheme < 0 ? -1 : text.LastIndexOf('=', scheme);
                var (registry, url) = separator > 0 ? (text[..separator], text[(separator + 1)..]) : ("docker.io", text);
                if (Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed is { Scheme: "http" or "https", Query: "", Fragment: "", UserInfo: "" })
                {
                    mirrors.Add((registry, url));
                }
                else
                {
                    Errors.Add($"registry-mirror \"{text}\" is not URL or REGISTRY=URL, such as https://mirror.example.com or ghcr.io=https://mirror.example.com");
                }
            }

            return mirrors.ToLookup(mirror => mirror.Registry, mirror => mirror.Url);
        }

        private Berth.Linux.Namespaces.IdMap? Users()
        {
            if (One("userns-remap", "") is not { Length: > 0 } setting)
            {
                return null;
            }

            try
            {
                return SubordinateIds.Read(setting);
            }
            catch (BerthException exception)
            {
                Errors.Add(exception.Message);
                return null;
            }
        }

        private HostCertificates Certificates()
        {
            var text = One("build-host-certificates", "auto");
            switch (text)
            {
                case "auto": return HostCertificates.Auto;
                case "always": return HostCertificates.Always;
                case "never": return HostCertificates.Never;
                default:
                    Errors.Add($"build-host-certificates \"{text}\" is not one of auto, always, never");
                    return HostCertificates.Auto;
            }
        }

        private List<string> All(string key) => _values.TryGetValue(key, out var values) ? [.. values.Select(value => value.Value)] : [];

        private string One(string key, string fallback) => _values.TryGetValue(key, out var values) ? values[0].Value : fallback;

        private List<string> Directories(string key)
        {
            var directories = All(key);
            Errors.AddRange(directories.Where(path => !path.StartsWith('/')).Select(path => $"{key} \"{path}\" must be an absolute path"));
            return directories;
        }

        private string Absolute(string key, string fallback)
        {
            var path = One(key, fallback);
            if (path.AsSpan().IndexOfAny(',', ':', '\\') >= 0)
            {
                Errors.Add($"{key} \"{path}\" may not have ',', ':' or '\\' in it: overlay mounts separate their options with them");
            }

            return Path.GetFullPath(path).TrimEnd('/');
        }

        private string Identifier(string key, string fallback)
        {
            var name = One(key, fallback);
            if (name.Length is 0 or > 15 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-'))
            {
                Errors.Add($"{key} \"{name}\" must have 1 to 15 letters, digits, '-' or '_'");
            }

            return name;
        }

        private int Number(string key, int fallback)
        {
            var text = One(key, fallback.ToString(CultureInfo.InvariantCulture));
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 68 and <= 65535)
            {
                return number;
            }

            Errors.Add($"{key} \"{text}\" is not a number from 68 to 65535");
            return fallback;
        }

        private IReadOnlyList<AddressPool> Pools(IReadOnlyList<AddressPool> fallback)
        {
            var pools = new List<AddressPool>();
            foreach (var text in All("default-address-pool"))
            {
                var parts = text.Split(',').Select(part => part.Split('=', 2)).Where(part => part.Length == 2).ToDictionary(part => part[0].Trim(), part => part[1].Trim());
                if (parts.TryGetValue("base", out var range) && System.Net.IPNetwork.TryParse(range, out var network)
                    && network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
                    && parts.TryGetValue("size", out var sizeText) && int.TryParse(sizeText, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
                    && size >= network.PrefixLength && size is >= 8 and <= 29)
                {
                    pools.Add(new AddressPool(range, size));
                }
                else
                {
                    Errors.Add($"default-address-pool \"{text}\" is not base=CIDR,size=N, with N from the prefix of the base to 29");
                }
            }

            return pools.Count > 0 ? pools : fallback;
        }

        private LogLevel Level()
        {
            var text = One("log-level", "info");
            switch (text)
            {
                case "debug": return LogLevel.Debug;
                case "info": return LogLevel.Information;
                case "warn": return LogLevel.Warning;
                case "error" or "fatal": return LogLevel.Error;
                default:
                    Errors.Add($"log-level \"{text}\" is not one of debug, info, warn, error");
                    return LogLevel.Information;
            }
        }
    }
}
