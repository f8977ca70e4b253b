using System.Globalization;
using Berth.Engine.Errors;
using Berth.Engine.Networks;

namespace Berth.Engine.Containers;

/// <summary>
/// Another container under a name of its own: <c>--link NAME[:ALIAS]</c>. Its address comes into <c>/etc/hosts</c>, what it exposes into the environment. Docker documentation,
/// "Legacy container links". An address is kept for a container's life, so neither ever has to change.
/// </summary>
/// <param name="ContainerId">The other one.</param>
public sealed record ContainerLink(string ContainerId, string Alias)
{
    /// <exception cref="BerthException">No such container, or it shares the host's network.</exception>
    internal static ContainerLink Parse(string text, Func<string, Container> resolve)
    {
        var parts = text.Split(':');
        if (parts.Length > 2 || parts.Any(part => part.Length == 0))
        {
            throw BerthException.Invalid($"bad format for links: {text}");
        }

        Container other;
        try
        {
            other = resolve(parts[0]);
        }
        catch (BerthException exception) when (exception.Kind == ErrorKind.NotFound)
        {
            throw BerthException.Invalid($"could not get container for {parts[0]}: {exception.Message}");
        }

        if (other.Record.HostConfig.NetworkMode == "host")
        {
            throw BerthException.Invalid("conflicting options: host type networking can't be used with links. This would result in undefined behavior");
        }

        return new(other.Id, Path.GetFileName(parts[^1])); // Docker's own form is /NAME:/ALIAS
    }

    /// <summary>The address under which the other container is reached from one with these endpoints; null when they share no network.</summary>
    internal static string? AddressOf(ContainerRecord other, IReadOnlyList<EndpointRecord> mine) =>
        other.Endpoints.FirstOrDefault(endpoint => endpoint.Address.Length > 0 && mine.Any(own => own.NetworkId == endpoint.NetworkId))?.Address;

    /// <summary>The variables of Docker's links: <c>ALIAS_PORT_80_TCP_ADDR</c> and so on.</summary>
    internal IEnumerable<string> Variables(string ownName, ContainerRecord other, string address)
    {
        var prefix = Alias.ToUpperInvariant().Replace('-', '_');
        var ports = (other.Config.ExposedPorts?.Keys.ToList() ?? []).Select(PortAllocation.ParsePort).OrderBy(port => port.Protocol == "tcp" ? 0 : 1).ThenBy(port => port.Port).ToList();
        if (ports is [var first, ..])
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{prefix}_PORT={first.Protocol}://{address}:{first.Port}");
        }

        yield return $"{prefix}_NAME=/{ownName}/{Alias}";
        foreach (var (port, protocol) in ports)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{prefix}_PORT_{port}_{protocol.ToUpperInvariant()}");
            yield return string.Create(CultureInfo.InvariantCulture, $"{name}={protocol}://{address}:{port}");
            yield return $"{name}_ADDR={address}";
            yield return string.Create(CultureInfo.InvariantCulture, $"{name}_PORT={port}");
            yield return $"{name}_PROTO={protocol}";
        }

        foreach (var variable in (other.Config.Env ?? []).Where(variable => !variable.StartsWith("HOME=", StringComparison.Ordinal) && !variable.StartsWith("PATH=", StringComparison.Ordinal)))
        {
            yield return $"{prefix}_ENV_{variable}";
        }
    }
}
