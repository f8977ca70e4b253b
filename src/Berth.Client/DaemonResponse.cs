using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Berth.Client;

/// <summary>An answer whose head was read. Disposing it closes the connection.</summary>
public sealed class DaemonResponse : IAsyncDisposable
{
    internal DaemonResponse(int status, IReadOnlyDictionary<string, string> headers, PrefixedStream raw)
    {
        (Status, Headers, Raw) = (status, headers, raw);
        Body = status is 101 or 204 or 304 ? Stream.Null
            : headers.TryGetValue("Transfer-Encoding", out var coding) && coding.Equals("chunked", StringComparison.OrdinalIgnoreCase) ? new ChunkedStream(raw)
            : headers.TryGetValue("Content-Length", out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? new LengthStream(raw, length)
            : raw;
    }

    public int Status { get; }

    public IReadOnlyDictionary<string, string> Headers { get; }

    public Stream Body { get; }

    internal PrefixedStream Raw { get; }

    /// <exception cref="DaemonException">The status says that it failed; the message is the daemon's.</exception>
    public async Task EnsureSuccessAsync(CancellationToken cancellationToken)
    {
        if (Status is >= 200 and < 300 or 304)
        {
            return;
        }

        throw new DaemonException(Status, Message(await ReadTextAsync(cancellationToken).ConfigureAwait(false)));
    }

    public async Task<JsonNode?> ReadJsonAsync(CancellationToken cancellationToken)
    {
        var text = await ReadTextAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }
        catch (JsonException exception)
        {
            throw new DaemonException(Status, $"the daemon's answer is not JSON: {exception.Message}");
        }
    }

    public async Task<string> ReadTextAsync(CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(Body, Encoding.UTF8, false, 16 * 1024, leaveOpen: true);
        return await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => Raw.DisposeAsync();

    private string Message(string text)
    {
        try
        {
            if (JsonNode.Parse(text) is JsonObject error && error["message"] is JsonValue message)
            {
                return message.GetValue<string>();
            }
        }
        catch (JsonException)
        {
            return text.Trim(); // not every proxy in between speaks JSON
        }

        return text.Length > 0 ? text.Trim() : $"the daemon answered {Status}";
    }
}
