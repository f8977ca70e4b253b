using Berth.Oci.Registry;

namespace Berth.Engine.Images;

public sealed class ImageStoreOptions
{
    /// <summary>Mirrors, insecure registries and patience.</summary>
    public RegistryOptions Registry { get; set; } = new();

    /// <summary>Whether <c>debian</c> and <c>ubuntu</c> may be made from the distribution's packages when no registry can be reached. Default true.</summary>
    public bool AllowBootstrap { get; set; } = true;

    /// <summary>How long a registry that could not be reached is not asked again for an image that can be bootstrapped. Default 3 min.</summary>
    public TimeSpan UnreachableFor { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>Layers that are pulled at the same time. Default 3, as in Docker.</summary>
    public int ConcurrentDownloads { get; set; } = 3;

    /// <summary>Where the host's apt sources are. Default <c>/etc/apt</c>.</summary>
    public string AptDirectory { get; set; } = "/etc/apt";
}
