using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Berth.Client;

/// <summary>Where a daemon listens: <c>unix:///PATH</c>, a bare path, or <c>tcp://HOST:PORT</c>.</summary>
public sealed record DaemonAddress
{
    /// <summary>Where a daemon listens when nobody says otherwise.</summary>
    public const string Default = "unix:///run/berth/berth.sock";

    private DaemonAddress(string text, string? path, string host, int port) => (Text, Path, Host, Port) = (text, path, host, port);

    public string Text { get; }

    /// <summary>Of a unix socket; null for TCP.</summary>
    public string? Path { get; }

    public string Host { get; }

    public int Port { get; }

    /// <summary>For TLS over TCP; null for plain connections.</summary>
    public DaemonCertificates? Certificates { get; init; }

    /// <exception cref="FormatException">Neither form.</exception>
    public static DaemonAddress Parse(string text)
    {
        if (text.StartsWith("unix://", StringComparison.Ordinal) && text.Length > "unix://".Length)
        {
            return new(text, text["unix://".Length..], "localhost", 0);
        }

        if (text.StartsWith('/'))
        {
            return new("unix://" + text, text, "localhost", 0);
        }

        if (text.StartsWith("tcp://", StringComparison.Ordinal))
        {
            var colon = text.LastIndexOf(':');
            if (colon > "tcp:".Length && int.TryParse(text.AsSpan(colon + 1).TrimEnd('/'), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536)
            {
                return new(text, null, text["tcp://".Length..colon].Trim('[', ']'), port);
            }
        }

        throw new FormatException($"'{text}' is not a daemon's address; write unix:///PATH or tcp://HOST:PORT");
    }

    /// <exception cref="DaemonUnreachableException">Nobody listens there, or the caller may not connect.</exception>
    /// <exception cref="DaemonException">TLS was not agreed upon.</exception>
    internal async Task<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var stream = new NetworkStream(await ConnectSocketAsync(cancellationToken).ConfigureAwait(false), ownsSocket: true);
        if (Path is not null || Certificates is null)
        {
            return stream;
        }

        try
        {
            return await Certificates.SecureAsync(stream, this, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<Socket> ConnectSocketAsync(CancellationToken cancellationToken)
    {
        var socket = Path is null
            ? new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            EndPoint end = Path is null ? new DnsEndPoint(Host, Port) : new UnixDomainSocketEndPoint(Path);
            await socket.ConnectAsync(end, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new DaemonUnreachableException(this, exception);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
