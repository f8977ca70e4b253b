using System.Net;

namespace Berth.Oci.Registry;

/// <summary>One place where a registry's images may be had: a mirror, or the registry itself.</summary>
public sealed record RegistryEndpoint(Uri BaseAddress, bool IsMirror, bool AllowsUnverified)
{
    private const string DockerHubHost = "registry-1.docker.io";

    /// <summary>All endpoints of <paramref name="registry"/>, in the order in which they are asked.</summary>
    public static IReadOnlyList<RegistryEndpoint> For(string registry, RegistryOptions options)
    {
        var endpoints = new List<RegistryEndpoint>();
        foreach (var mirror in options.Mirrors.GetValueOrDefault(registry) ?? [])
        {
            var address = new Uri(mirror.Contains("://", StringComparison.Ordinal) ? mirror : $"https://{mirror}");
            endpoints.Add(new(address, IsMirror: true, IsInsecure(address.Authority, options)));
        }

        var host = registry == ImageReference.DockerHub ? DockerHubHost : registry;
        var insecure = IsInsecure(host, options);
        endpoints.Add(new(new($"https://{host}"), IsMirror: false, insecure));
        if (insecure)
        {
            endpoints.Add(new(new($"http://{host}"), IsMirror: false, AllowsUnverified: true));
        }

        return endpoints;
    }

    private static bool IsInsecure(string authority, RegistryOptions options)
    {
        var host = new Uri($"https://{authority}").Host.Trim('[', ']');
        return options.InsecureRegistries.Contains(authority) || options.InsecureRegistries.Contains(host) || host == "localhost"
            || (IPAddress.TryParse(host, out var address) && (IPAddress.IsLoopback(address) || IsInRange(address, options)));
    }

    // daemon.json allows whole networks: "10.0.0.0/8".
    private static bool IsInRange(IPAddress address, RegistryOptions options) =>
        options.InsecureRegistries.Any(range => IPNetwork.TryParse(range, out var network) && network.Contains(address));
}
