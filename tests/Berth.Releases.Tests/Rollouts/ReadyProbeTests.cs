using System.Text;
using Berth.Compose.Model;
using Berth.Releases.Rollouts;

namespace Berth.Releases.Tests.Rollouts;

/// <summary>Answers as the servers give them, byte by byte.</summary>
public sealed class ReadyProbeTests
{
    [Theory]
    [InlineData(ReadyKind.Http, "HTTP/1.1 200 OK\r\n", "")]
    [InlineData(ReadyKind.Http, "HTTP/1.0 302 Found\r\n", "")]
    [InlineData(ReadyKind.Http, "HTTP/1.1 503 Service Unavailable\r\n", "it answers with HTTP status 503")]
    [InlineData(ReadyKind.Http, "HTTP/1.", null)]
    [InlineData(ReadyKind.Http, "220 mail.example ESMTP\r\n", "its answer is not HTTP")]
    [InlineData(ReadyKind.Redis, "+PONG\r\n", "")]
    [InlineData(ReadyKind.Redis, "-NOAUTH Authentication required.\r\n", "")]
    [InlineData(ReadyKind.Redis, "-LOADING Redis is loading the dataset in memory\r\n", "it says LOADING Redis is loading the dataset in memory")]
    [InlineData(ReadyKind.Redis, "+PON", null)]
    [InlineData(ReadyKind.MySql, "\u0006\0\0\0\u000a5.5.5", "")]
    [InlineData(ReadyKind.MySql, "\u0006\0\0\0\u000a5.5", null)]
    [InlineData(ReadyKind.MySql, "\u0010\0\0\0\u00ff\u0010\u0004Too many conn", "it refuses connections: Too many conn")]
    [InlineData(ReadyKind.PostgreSql, "R\0\0\0\u0017", "")]
    [InlineData(ReadyKind.PostgreSql, "E\0\0\0\u0013SFATAL\0C57P03\0\0", "it is starting, stopping or recovering")]
    [InlineData(ReadyKind.PostgreSql, "E\0\0\0\u0013SFATAL\0C28000\0\0", "")]
    [InlineData(ReadyKind.PostgreSql, "HTTP/1.1", "its answer is not PostgreSQL's")]
    [InlineData(ReadyKind.Amqp, "\u0001\0\0\0\0\u0001\u00f0\0\u000a\0\u000a", "")]
    [InlineData(ReadyKind.Amqp, "AMQP\0\0\u0009\u0001xxx", "its answer is not AMQP 0-9-1's")]
    public void An_answer_says_whether_a_server_can_serve(ReadyKind kind, string answer, string? verdict) =>
        Assert.Equal(verdict, ReadyProbe.Judge(kind, Encoding.Latin1.GetBytes(answer)));
}
