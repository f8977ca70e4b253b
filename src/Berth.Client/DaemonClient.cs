using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Berth.Client;

/// <summary>
/// Talks HTTP/1.1 to a daemon, one connection for each request. Its own few lines instead of a general HTTP stack: that alone would
/// take longer to start than most commands take.
/// </summary>
public sealed class DaemonClient(DaemonAddress address)
{
    private const int HeadLimitBytes = 64 * 1024;

    public DaemonAddress Address { get; } = address;

    /// <summary>Sends a request and returns the answer, whatever its status; the body is still to be read.</summary>
    /// <param name="target">Path and query, escaped.</param>
    /// <param name="body">Sent in chunks; null for none.</param>
    public async Task<DaemonResponse> SendAsync(
        string method, string target, Stream? body = null, string contentType = "application/x-tar", IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default)
    {
        var stream = await Address.ConnectAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await stream.WriteAsync(Head(method, target, headers, body is null ? "Content-Length: 0\r\n" : $"Content-Type: {contentType}\r\nTransfer-Encoding: chunked\r\n"), cancellationToken).ConfigureAwait(false);
            if (body is not null)
            {
                await WriteChunksAsync(stream, body, cancellationToken).ConfigureAwait(false);
            }

            return await ReadHeadAsync(stream, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception) when (exception.InnerException is SocketException)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw new DaemonException(0, $"The daemon at {Address.Text} ended the connection.");
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As <see cref="SendAsync"/>, with a JSON body.</summary>
    public async Task<DaemonResponse> SendJsonAsync(string method, string target, JsonNode body, CancellationToken cancellationToken = default)
    {
        var stream = await Address.ConnectAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await WriteJsonAsync(stream, method, target, body, "", cancellationToken).ConfigureAwait(false);
            return await ReadHeadAsync(stream, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The JSON that a request answers with; null where it answers with nothing.</summary>
    /// <exception cref="DaemonException">The daemon refused.</exception>
    public async Task<JsonNode?> RequestAsync(string method, string target, JsonNode? body = null, CancellationToken cancellationToken = default)
    {
        await using var response = body is null
            ? await SendAsync(method, target, cancellationToken: cancellationToken).ConfigureAwait(false)
            : await SendJsonAsync(method, target, body, cancellationToken).ConfigureAwait(false);
        await response.EnsureSuccessAsync(cancellationToken).ConfigureAwait(false);
        return await response.ReadJsonAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks for a raw connection in both directions (attach, exec).</summary>
    /// <exception cref="DaemonException">The daemon refused.</exception>
    public async Task<HijackedConnection> HijackAsync(string target, JsonNode? body = null, CancellationToken cancellationToken = default)
    {
        var stream = await Address.ConnectAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            const string upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
            await (body is null
                ? stream.WriteAsync(Head("POST", target, null, upgrade), cancellationToken).AsTask() // what follows the head is the program's input already
                : WriteJsonAsync(stream, "POST", target, body, upgrade, cancellationToken)).ConfigureAwait(false);
            var response = await ReadHeadAsync(stream, cancellationToken).ConfigureAwait(false);
            if (response.Status is 101 or 200)
            {
                return new(stream, response.Raw);
            }

            await using (response)
            {
                await response.EnsureSuccessAsync(cancellationToken).ConfigureAwait(false);
                throw new DaemonException(response.Status, $"the daemon answered {response.Status} where it should have handed over the connection");
            }
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Lines of JSON as they come.</summary>
    public static async IAsyncEnumerable<JsonObject> ReadLinesAsync(
        DaemonResponse response, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(response.Body, Encoding.UTF8, false, 16 * 1024, leaveOpen: true);
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (line.Length > 0 && JsonNode.Parse(line) is JsonObject item)
            {
                yield return item;
            }
        }
    }

    private async Task WriteJsonAsync(Stream stream, string method, string target, JsonNode body, string more, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(content))
        {
            body.WriteTo(writer);
        }

        using var request = new MemoryStream();
        request.Write(Head(method, target, null, string.Create(CultureInfo.InvariantCulture, $"Content-Type: application/json\r\nContent-Length: {content.Length}\r\n{more}")));
        content.WriteTo(request);
        try
        {
            await stream.WriteAsync(request.GetBuffer().AsMemory(0, (int)request.Length), cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception) when (exception.InnerException is SocketException)
        {
            throw new DaemonException(0, $"The daemon at {Address.Text} ended the connection.");
        }
    }

    private byte[] Head(string method, string target, IReadOnlyDictionary<string, string>? headers, string more)
    {
        var head = new StringBuilder().Append(method).Append(' ').Append(target).Append(" HTTP/1.1\r\nHost: ").Append(Address.Host).Append("\r\nUser-Agent: berth\r\n");
        foreach (var (name, value) in headers ?? new Dictionary<string, string>())
        {
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        return Encoding.ASCII.GetBytes(head.Append(more).Append("\r\n").ToString());
    }

    private static async Task WriteChunksAsync(Stream stream, Stream body, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(read.ToString("x", CultureInfo.InvariantCulture) + "\r\n"), cancellationToken).ConfigureAwait(false);
            await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            await stream.WriteAsync("\r\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
        }

        await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
    }

    private async Task<DaemonResponse> ReadHeadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        var length = 0;
        int end;
        while ((end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, length < HeadLimitBytes ? length * 2 : throw new DaemonException(0, "the daemon's answer has an endless head"));
            }

            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            length += read > 0 ? read : throw new DaemonException(0, $"The daemon at {Address.Text} ended the connection.");
        }

        var lines = Encoding.Latin1.GetString(buffer, 0, end).Split("\r\n");
        var words = lines[0].Split(' ', 3);
        if (words.Length < 2 || !words[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || !int.TryParse(words[1], CultureInfo.InvariantCulture, out var status))
        {
            throw new DaemonException(0, $"What answers at {Address.Text} does not speak HTTP.");
        }

        if (status == 100)
        {
            throw new DaemonException(0, "the daemon answered 100 to a request that did not ask for it");
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
            {
                headers[line[..colon]] = line[(colon + 1)..].Trim();
            }
        }

        return new(status, headers, new PrefixedStream(buffer.AsMemory(end + 4, length - end - 4), stream));
    }
}
