using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Berth.Dockerfile;

/// <summary>The ports of <c>EXPOSE</c>.</summary>
public static class ExposedPorts
{
    /// <summary>Whether <see cref="TryParse"/> can read it. A range of all ports costs nothing here.</summary>
    public static bool IsValid(string text) => TryRange(text, out _, out _, out _);

    /// <summary>Reads <c>80</c>, <c>53/udp</c> or <c>7000-7010/tcp</c> into <c>80/tcp</c> and so on, as an image's configuration lists them.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out IReadOnlyList<string>? ports)
    {
        if (!TryRange(text, out var first, out var last, out var protocol))
        {
            ports = null;
            return false;
        }

        ports = [.. Enumerable.Range(first, last - first + 1).Select(port => $"{port}/{protocol}")];
        return true;
    }

    private static bool TryRange(string text, out int first, out int last, out string protocol)
    {
        (first, last) = (0, 0);
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        protocol = slash < 0 ? "tcp" : text[(slash + 1)..].ToLowerInvariant();
        var range = (slash < 0 ? text : text[..slash]).Split('-');
        return protocol is "tcp" or "udp" or "sctp" && range.Length <= 2 && TryPort(range[0], out first) && TryPort(range[^1], out last) && last >= first;
    }

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;
}
