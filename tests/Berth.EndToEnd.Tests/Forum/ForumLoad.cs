using System.Collections.Concurrent;
using System.Diagnostics;

namespace Berth.EndToEnd.Tests.Forum;

/// <summary>A steady load on one page, from clients with fresh and with kept-alive connections. Every answer that is not whole and 200 is kept.</summary>
internal sealed class ForumLoad(Uri page, int requestsPerSecond)
{
    private const int Clients = 16;
    private int _answered;

    public int Answered => _answered;

    public ConcurrentQueue<string> Failures { get; } = [];

    /// <summary>Runs until the token fires; each client has one request at a time.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, Clients).Select(client => RunClientAsync(keepAlive: client % 2 == 0, stop)));

    private async Task RunClientAsync(bool keepAlive, CancellationToken stop)
    {
        using var handler = new SocketsHttpHandler { PooledConnectionLifetime = keepAlive ? Timeout.InfiniteTimeSpan : TimeSpan.Zero };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(10) };
        var pause = TimeSpan.FromSeconds((double)Clients / requestsPerSecond);
        while (!stop.IsCancellationRequested)
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                using var answer = await client.GetAsync(page, CancellationToken.None);
                var body = await answer.Content.ReadAsStringAsync(CancellationToken.None);
                if ((int)answer.StatusCode == 200 && body.TrimEnd().EndsWith('}'))
                {
                    Interlocked.Increment(ref _answered);
                }
                else
                {
                    Failures.Enqueue($"{(int)answer.StatusCode}: {body}");
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                Failures.Enqueue(exception.Message);
            }

            var rest = pause - Stopwatch.GetElapsedTime(started);
            if (rest > TimeSpan.Zero)
            {
                await Task.Delay(rest, CancellationToken.None);
            }
        }
    }
}
