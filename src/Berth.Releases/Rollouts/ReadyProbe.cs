using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Compose.Model;

namespace Berth.Releases.Rollouts;

/// <summary>
/// Asks a server, in its own protocol and without any right of access, whether it can serve. A program that listens may still be starting: MySQL's
/// first-run server, PostgreSQL in recovery, Redis while it loads.
/// </summary>
internal static class ReadyProbe
{
    private const int LongestAnswer = 4096;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>One question, one answer, one connection.</summary>
    /// <returns>Empty when it is ready, else what stood in the way, for people.</returns>
    internal static async Task<string> AskAsync(ReadyKind kind, IPEndPoint address, string path, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Patience);
        try
        {
            using var client = new TcpClient(AddressFamily.InterNetwork);
            await client.ConnectAsync(address, timeout.Token).ConfigureAwait(false);
            var stream = client.GetStream();
            await stream.WriteAsync(Question(kind, address, path), timeout.Token).ConfigureAwait(false);
            var buffer = new byte[LongestAnswer];
            var length = 0;
            while (length < buffer.Length)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(length), timeout.Token).ConfigureAwait(false);
                length += read;
                if (Judge(kind, buffer.AsSpan(0, length)) is { } verdict)
                {
                    return verdict;
                }

                if (read == 0)
                {
                    return "it closed the connection without an answer";
                }
            }

            return "its answer is not one of its protocol";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"it did not answer within {Patience.TotalSeconds:0} s";
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return exception.Message;
        }
    }

    /// <summary>What is sent; MySQL's server speaks first.</summary>
    internal static byte[] Question(ReadyKind kind, IPEndPoint address, string path) => kind switch
    {
        ReadyKind.Http => Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: berth\r\nConnection: close\r\n\r\n"),
        ReadyKind.Redis => "PING\r\n"u8.ToArray(),
        ReadyKind.Amqp => "AMQP\0\0\u0009\u0001"u8.ToArray(), // AMQP 0-9-1, 4.2.2 "Protocol Header"
        ReadyKind.PostgreSql => Startup(),
        _ => [],
    };

    /// <returns>Null while more must be read.</returns>
    internal static string? Judge(ReadyKind kind, ReadOnlySpan<byte> answer) => kind switch
    {
        ReadyKind.Http => Http(answer),
        ReadyKind.MySql => MySql(answer),
        ReadyKind.PostgreSql => PostgreSql(answer),
        ReadyKind.Redis => Redis(answer),
        ReadyKind.Amqp => Amqp(answer),
        _ => "",
    };

    // RFC 9112, 4: HTTP-version SP status-code SP
    private static string? Http(ReadOnlySpan<byte> answer)
    {
        if (answer.Length < 12)
        {
            return null;
        }

        var line = Encoding.ASCII.GetString(answer[..12]);
        return !line.StartsWith("HTTP/1.", StringComparison.Ordinal) || line[8] != ' ' ? "its answer is not HTTP"
            : line[9] is '2' or '3' ? ""
            : $"it answers with HTTP status {line[9..12]}";
    }

    // MySQL's client/server protocol, "Protocol::HandshakeV10" and "ERR_Packet": 3 bytes of length, a sequence number, then the first byte tells.
    private static string? MySql(ReadOnlySpan<byte> answer)
    {
        if (answer.Length < 5)
        {
            return null;
        }

        var length = answer[0] | (answer[1] << 8) | (answer[2] << 16);
        if (answer.Length < 4 + length && answer.Length < LongestAnswer)
        {
            return null;
        }

        return answer[4] switch
        {
            10 => "",
            0xff => "it refuses connections: " + Text(answer[4..][Math.Min(3, answer.Length - 4)..]),
            _ => "its answer is not MySQL's",
        };
    }

    // PostgreSQL, "Message Formats", StartupMessage: length, protocol 3.0, parameters.
    private static byte[] Startup()
    {
        var parameters = "user\0berth\0\0"u8;
        var message = new byte[8 + parameters.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), 3 << 16);
        parameters.CopyTo(message.AsSpan(8));
        return message;
    }

    // Who asks for a password, or refuses this user, is ready; who is starting up, shutting down or recovering says 57P03 (cannot_connect_now).
    private static string? PostgreSql(ReadOnlySpan<byte> answer)
    {
        if (answer.Length < 5)
        {
            return null;
        }

        if (answer[0] is (byte)'R')
        {
            return "";
        }

        if (answer[0] is not (byte)'E')
        {
            return "its answer is not PostgreSQL's";
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(answer[1..]);
        if (answer.Length < 1 + length && answer.Length < LongestAnswer)
        {
            return null;
        }

        var text = Text(answer[5..]);
        return text.Contains("57P03", StringComparison.Ordinal) ? "it is starting, stopping or recovering" : "";
    }

    // Redis, "RESP protocol": -NOAUTH and -DENIED come from a server that serves.
    private static string? Redis(ReadOnlySpan<byte> answer)
    {
        if (!answer.Contains((byte)'\n'))
        {
            return null;
        }

        var line = Text(answer[..answer.IndexOf((byte)'\n')]).Trim();
        return line.StartsWith("+PONG", StringComparison.Ordinal) || line.StartsWith("-NOAUTH", StringComparison.Ordinal) || line.StartsWith("-DENIED", StringComparison.Ordinal) ? ""
            : line.StartsWith('-') ? "it says " + line[1..]
            : "its answer is not Redis's";
    }

    // AMQP 0-9-1, 2.3.5 "Frame Details": type 1 (method), channel 0, size, then class 10 method 10, connection.start.
    private static string? Amqp(ReadOnlySpan<byte> answer) => answer.Length < 11 ? null
        : answer[0] == 1 && answer[7] == 0 && answer[8] == 10 && answer[9] == 0 && answer[10] == 10 ? ""
        : "its answer is not AMQP 0-9-1's";

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        return new string([.. text.Select(letter => char.IsControl(letter) ? ' ' : letter)]).Trim();
    }
}
