using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Berth.EndToEnd.Tests.Releases;

/// <summary>
/// A steady load of GET, POST and long downloads, over fresh connections and kept ones, by clients that do what RFC 9112 lets them do and no more. A reset, a time-out, an answer
/// that is not 200, a short body and a wrong one all count as failed. Only a GET on a kept connection that the server closed before its first byte is sent again
/// (RFC 9112, 9.3.1), and counted apart.
/// </summary>
internal sealed class ReleaseLoad(IReadOnlyList<IPEndPoint> servers, int clientsPerServer, int requestsPerSecond)
{
    private const int Downloaded = 32 * 64 * 1024;
    private static readonly TimeSpan BetweenDownloads = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private int _answered;
    private int _sentAgain;

    public int Answered => _answered;

    /// <summary>GETs on kept connections that the server had closed.</summary>
    public int SentAgain => _sentAgain;

    public ConcurrentQueue<string> Failures { get; } = [];

    /// <summary>Of the requests that are no downloads.</summary>
    public ConcurrentQueue<(long At, TimeSpan Took)> Latencies { get; } = [];

    public ConcurrentDictionary<string, int> Releases { get; } = [];

    /// <summary>Runs until the token fires; each client has one request at a time.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(
        servers.SelectMany(server => Enumerable.Range(0, clientsPerServer).Select(number => Task.Run(() => RunClientAsync(server, number, stop), CancellationToken.None))));

    /// <summary>The given share of the requests took no longer.</summary>
    public TimeSpan Percentile(double share, Func<long, bool>? at = null)
    {
        var sorted = Latencies.Where(one => at?.Invoke(one.At) ?? true).Select(one => one.Took).Order().ToList();
        return sorted.Count == 0 ? TimeSpan.Zero : sorted[(int)Math.Min(sorted.Count - 1, sorted.Count * share)];
    }

    private async Task RunClientAsync(IPEndPoint server, int number, CancellationToken stop)
    {
        var (keeps, posts, downloads) = (number % 2 == 0, number % 4 < 2, number == clientsPerServer - 1);
        var pause = TimeSpan.FromSeconds((double)servers.Count * clientsPerServer / requestsPerSecond);
        var random = new Random(number);
        Socket? kept = null;
        while (!stop.IsCancellationRequested)
        {
            var started = Stopwatch.GetTimestamp();
            var name = $"{(downloads ? "download" : posts ? "POST" : "GET")} {(keeps ? "kept" : "fresh")} :{server.Port}";
            try
            {
                kept = await RequestAsync(server, kept, keeps, posts, downloads, random).WaitAsync(Patience, CancellationToken.None);
                Interlocked.Increment(ref _answered);
                if (!downloads)
                {
                    Latencies.Enqueue((started, Stopwatch.GetElapsedTime(started)));
                }
            }
            catch (Exception exception) when (exception is SocketException or IOException or TimeoutException or FormatException)
            {
                Failures.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{name} at {TimeProvider.System.GetUtcNow():HH:mm:ss.fff}: {exception.Message} after {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0} ms"));
                kept?.Dispose();
                kept = null;
            }

            var rest = downloads ? BetweenDownloads : pause - Stopwatch.GetElapsedTime(started);
            if (rest > TimeSpan.Zero)
            {
                await Task.Delay(rest, CancellationToken.None);
            }
        }

        kept?.Dispose();
    }

    /// <returns>The connection, if it may be used again.</returns>
    private async Task<Socket?> RequestAsync(IPEndPoint server, Socket? kept, bool keeps, bool posts, bool downloads, Random random)
    {
        if (kept is not null && kept.Poll(0, SelectMode.SelectRead)) // the server has closed it: seen before anything is sent
        {
            kept.Dispose();
            kept = null;
        }

        var body = new byte[posts && !downloads ? random.Next(1, 8192) : 0];
        random.NextBytes(body);
        var head = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"{(body.Length > 0 ? "POST /echo" : downloads ? "GET /download" : "GET /")} HTTP/1.1\r\nHost: {server}\r\nConnection: {(keeps ? "keep-alive" : "close")}\r\n{(body.Length > 0 ? $"Content-Length: {body.Length}\r\n" : "")}\r\n"));
        byte[] request = [.. head, .. body];
        if (kept is not null)
        {
            try
            {
                return await ExchangeAsync(kept, request, body, downloads);
            }
            catch (Exception exception) when (body.Length == 0 && exception is ClosedBeforeAnswerException)
            {
                Interlocked.Increment(ref _sentAgain);
                kept.Dispose();
            }
        }

        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(server);
            var next = await ExchangeAsync(socket, request, body, downloads);
            if (keeps && next is not null)
            {
                return next;
            }

            socket.Dispose();
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<Socket?> ExchangeAsync(Socket socket, byte[] request, byte[] body, bool downloads)
    {
        var buffer = new byte[64 * 1024];
        var length = 0;
        var end = -1;
        try
        {
            await socket.SendAsync(request);
            while (end < 0)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(length));
                if (read == 0)
                {
                    throw length == 0 ? new ClosedBeforeAnswerException("the connection was closed before an answer") : new IOException("the connection was closed within the head of an answer");
                }

                length += read;
                end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
            }
        }
        catch (SocketException exception) when (length == 0)
        {
            throw new ClosedBeforeAnswerException(exception.Message);
        }

        var head = Encoding.ASCII.GetString(buffer, 0, end);
        if (!head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
        {
            throw new FormatException(head.Split('\r')[0]);
        }

        var fields = head.Split("\r\n").Skip(1).Select(line => line.Split(':', 2)).ToDictionary(parts => parts[0].ToLowerInvariant(), parts => parts[1].Trim());
        var expected = int.Parse(fields["content-length"], CultureInfo.InvariantCulture);
        using var content = new MemoryStream();
        content.Write(buffer, end + 4, length - end - 4);
        while (content.Length < expected)
        {
            var read = await socket.ReceiveAsync(buffer);
            if (read == 0)
            {
                throw new IOException($"the body ended after {content.Length} of {expected} bytes");
            }

            content.Write(buffer, 0, read);
        }

        Check(content.ToArray(), body, downloads);
        return fields.GetValueOrDefault("connection", "keep-alive").Equals("close", StringComparison.OrdinalIgnoreCase) ? null : socket;
    }

    private void Check(byte[] content, byte[] body, bool downloads)
    {
        if (downloads)
        {
            if (content.Length != Downloaded)
            {
                throw new FormatException($"{content.Length} bytes were downloaded");
            }

            return;
        }

        var words = Encoding.ASCII.GetString(content).TrimEnd().Split(' ');
        if (body.Length > 0 && (words[2] != body.Length.ToString(CultureInfo.InvariantCulture) || words[3] != Convert.ToHexStringLower(SHA256.HashData(body))))
        {
            throw new FormatException("the server received another body");
        }

        Releases.AddOrUpdate(words[0], 1, (_, count) => count + 1);
    }

    private sealed class ClosedBeforeAnswerException(string message) : IOException(message);
}
