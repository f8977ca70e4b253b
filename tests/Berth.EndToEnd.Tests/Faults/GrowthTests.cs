using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Faults;

/// <summary>What many containers cost: no more for each than few do.</summary>
[Collection(AloneCollection.Name)]
public sealed class GrowthTests
{
    private const int AtOnce = 4;
    private const int Rounds = 7;
    private const double Noise = 2.5; // how much more than in proportion a measurement may take; squares would be far above it
    private const long BytesEach = 100_000;
    private const long BytesOfNoise = 16 << 20; // a heap grows in steps

    [Theory]
    [Trait("Speed", "long")]
    [InlineData(30, 120)]
    public Task A_hundred(int few, int many) => GrowAsync(few, many);

    [Theory]
    [Trait("Speed", "long")]
    [InlineData(100, 500)]
    public Task Five_hundred(int few, int many) => GrowAsync(few, many);

    private static async Task GrowAsync(int few, int many)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(cancellationToken);
        await BoxImage.BuildAsync(daemon, cancellationToken);
        using (var made = await daemon.Api.PostAsJsonAsync("networks/create", new { Name = "wide", IPAM = new { Config = new[] { new { Subnet = "10.247.0.0/20" } } } }, cancellationToken))
        {
            made.EnsureSuccessStatusCode();
        }

        var less = await MeasureAsync(daemon, 0, few, cancellationToken);
        var more = await MeasureAsync(daemon, few, many, cancellationToken);
        Tell($"containers  start each  list       recovery   health round  memory of the daemon");
        Tell($"{few,10}  {less}");
        Tell($"{many,10}  {more}");
        var factor = (double)many / few;
        Assert.InRange(more.StartEach / less.StartEach, 0, Noise);
        Assert.InRange(more.List / less.List, 0, factor * Noise);
        Assert.InRange(more.Recovery / less.Recovery, 0, factor * Noise);
        Assert.InRange(more.Health / less.Health, 0, factor * Noise);
        Assert.InRange(more.Memory - less.Memory, long.MinValue, ((many - few) * BytesEach) + BytesOfNoise);
    }

    private static async Task<Figures> MeasureAsync(TestDaemon daemon, int from, int to, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        await Parallel.ForAsync(from, to, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (number, token) => await RunAsync(daemon, number, token));
        var start = watch.Elapsed / (to - from);
        var list = await FastestAsync(async () =>
        {
            var listed = (await daemon.Api.GetFromJsonAsync<JsonArray>("containers/json", cancellationToken))!;
            Assert.Equal(to, listed.Count);
        });
        await daemon.KillAsync();
        watch.Restart();
        await daemon.RestartAsync(cancellationToken);
        var recovery = watch.Elapsed;
        Assert.Equal(to, (await daemon.Api.GetFromJsonAsync<JsonArray>("containers/json", cancellationToken))!.Count);

        // The next daemon asks each whether it is well once: that begins now, and has ended when all have been asked.
        watch.Restart();
        JsonArray healthy;
        do
        {
            await Task.Delay(20, cancellationToken); // the daemon is to work meanwhile, not to answer us
            healthy = (await daemon.Api.GetFromJsonAsync<JsonArray>("containers/json?filters={\"health\":[\"healthy\"]}", cancellationToken))!;
        }
        while (healthy.Count < to && watch.Elapsed < TimeSpan.FromMinutes(3));
        Assert.Equal(to, healthy.Count);
        return new(start, list, recovery, watch.Elapsed, MemoryOf(daemon.ProcessId!.Value));
    }

    private static async Task RunAsync(TestDaemon daemon, int number, CancellationToken cancellationToken)
    {
        using var created = await daemon.Api.PostAsJsonAsync($"containers/create?name=many{number}", new
        {
            Image = "box", Cmd = new[] { "sleep", "100000" }, HostConfig = new { NetworkMode = "wide" },
            Healthcheck = new { Test = new[] { "CMD", "true" }, Interval = 60_000_000_000, StartPeriod = 1_000_000_000, StartInterval = 500_000_000 },
        }, cancellationToken);
        created.EnsureSuccessStatusCode();
        using var started = await daemon.Api.PostAsync($"containers/many{number}/start", null, cancellationToken);
        Assert.True(started.IsSuccessStatusCode, await started.Content.ReadAsStringAsync(cancellationToken));
    }

    private static async Task<TimeSpan> FastestAsync(Func<Task> act)
    {
        var fastest = TimeSpan.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            await act();
            fastest = watch.Elapsed < fastest ? watch.Elapsed : fastest;
        }

        return fastest;
    }

    // proc_pid_smaps(5): what is this process's alone, in kB.
    private static long MemoryOf(int process) => File.ReadLines($"/proc/{process}/smaps_rollup").Where(line => line.StartsWith("Private_", StringComparison.Ordinal))
        .Sum(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture)) * 1024;

    private static void Tell(string what) => TestContext.Current.TestOutputHelper?.WriteLine(what);

    private sealed record Figures(TimeSpan StartEach, TimeSpan List, TimeSpan Recovery, TimeSpan Health, long Memory)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture, $"{StartEach.TotalMilliseconds,7:0.0} ms  {List.TotalMilliseconds,6:0.0} ms  {Recovery.TotalMilliseconds,6:0} ms  {Health.TotalMilliseconds,9:0} ms  {Memory / 1048576.0,6:0.0} MiB");
    }
}
