namespace Berth.Engine;

/// <summary>Where an engine lives and what it may use. Two engines with different values run side by side.</summary>
public sealed record EngineOptions
{
    /// <summary>Images, layers, containers, volumes, state. Survives a reboot. Default /var/lib/berth.</summary>
    public string DataRoot { get; init; } = "/var/lib/berth";

    /// <summary>Sockets, namespaces, bundles. Default /run/berth; gone after a reboot.</summary>
    public string ExecRoot { get; init; } = "/run/berth";

    /// <summary>Name of the nftables table, and the stem of link and cgroup names.</summary>
    public string Name { get; init; } = "berth";

    /// <summary>First letters of bridge names. At most 4, so that a link name fits 15.</summary>
    public string BridgePrefix { get; init; } = "br-";

    /// <summary>The default network's bridge.</summary>
    public string DefaultBridge { get; init; } = "berth0";

    /// <summary>Where new networks take their subnets from, each with the prefix length of a subnet.</summary>
    public IReadOnlyList<AddressPool> AddressPools { get; init; } = AddressPool.Default;

    /// <summary><c>crun</c>, <c>runc</c> or a path; null chooses what works here.</summary>
    public string? Runtime { get; init; }

    /// <summary>The group under which containers' cgroups stand.</summary>
    public string CgroupParent { get; init; } = "/berth";

    /// <summary>Name of a container's own group.</summary>
    public string CgroupOf(Containers.ContainerRecord record) => $"{(record.HostConfig.CgroupParent.Length > 0 ? record.HostConfig.CgroupParent : CgroupParent)}/{record.Id}";

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>DNS servers for containers; empty for the host's own.</summary>
    public IReadOnlyList<string> Dns { get; init; } = [];

    /// <summary>The program of the data plane; null starts none (tests of parts that need no names).</summary>
    public string? EdgePath { get; init; }

    public int Mtu { get; init; } = 1500;

    /// <summary>Where vendors describe their devices; of two files that describe the same one, that of the later directory counts. Container Device Interface, SPEC.md; dockerd(8), <c>--cdi-spec-dir</c>.</summary>
    public IReadOnlyList<string> CdiDirectories { get; init; } = ["/etc/cdi", "/var/run/cdi"];

    /// <summary>Programs in containers gain no privileges by programs that change their user, unless their container asks for it (<c>no-new-privileges=false</c>). dockerd(8).</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary>The AppArmor profile of containers that ask for none; null where there is no AppArmor. Set at the start of the engine.</summary>
    public string? AppArmorProfile { get; init; }

    /// <summary>The AppArmor profile that a container has; empty for none.</summary>
    public string AppArmorProfileOf(Containers.HostConfig host) =>
        Containers.Runtime.AppArmor.ProfileOf(this, Containers.SecurityOptions.Parse(host.SecurityOpt).AppArmor, host.Privileged);

    /// <summary>The ids of this host that containers have for their own (<c>userns-remap</c>, dockerd(8)); null: theirs are the host's.</summary>
    public Berth.Linux.Namespaces.IdMap? Users { get; init; }

    /// <summary>Of one container: <c>--userns=host</c> has the host's ids whatever the daemon's setting.</summary>
    public Berth.Linux.Namespaces.IdMap? UsersOf(Containers.HostConfig host) => host.UsernsMode == "host" ? null : Users;

    public Build.BuilderOptions Builder { get; init; } = new();

    /// <summary>False: containers whose restart policy wants them to run are left alone at start-up. For cleaning up.</summary>
    public bool StartsContainers { get; init; } = true;
}

/// <summary>A range that networks are cut from: <c>base=172.17.0.0/12,size=16</c>.</summary>
public sealed record AddressPool(string Base, int Size)
{
    /// <summary>Private ranges away from those that Docker takes by default, so that both can run on one host.</summary>
    public static IReadOnlyList<AddressPool> Default { get; } = [new("10.210.0.0/16", 24), new("10.211.0.0/16", 24)];
}
