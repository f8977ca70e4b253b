using Berth.Engine.Errors;
using Berth.Releases.Rollouts;

namespace Berth.Releases.Tests.Rollouts;

/// <summary>Containers in memory: which run, which serve, and under which names. It checks with each step what must hold at any time.</summary>
internal sealed class FakeTarget : IRollTarget
{
    private readonly Lock _gate = new();
    private int _made;

    /// <summary>Old copies, <c>old1</c> and so on, that run and serve.</summary>
    public FakeTarget(int old)
    {
        for (var number = 1; number <= old; number++)
        {
            Copies[$"old{number}"] = new($"app-{number}", IsRunning: true, InService: true);
        }
    }

    public sealed record Copy(string Name, bool IsRunning, bool InService);

    public SortedDictionary<string, Copy> Copies { get; } = new(StringComparer.Ordinal);

    public List<string> Log { get; } = [];

    /// <summary>Names of slots whose new copies never get ready.</summary>
    public HashSet<string> Sick { get; } = [];

    /// <summary>What preparing a copy ends with; null when it works.</summary>
    public Exception? PrepareFailure { get; set; }

    /// <summary>Completes when new copies may become ready.</summary>
    public Task Readiness { get; set; } = Task.CompletedTask;

    /// <summary>The most copies that ran, and the fewest that ran and served, at any time.</summary>
    public int MostRunning { get; private set; }

    public int FewestServing { get; private set; } = int.MaxValue;

    public string State => string.Join(' ', Copies.OrderBy(pair => pair.Value.Name, StringComparer.Ordinal)
        .Select(pair => $"{pair.Value.Name}={pair.Key}{(pair.Value.InService ? "" : " aside")}{(pair.Value.IsRunning ? "" : " stopped")}".Replace(' ', '/')));

    public Task<string> MakeAsync(RollSlot slot)
    {
        var id = $"new{Interlocked.Increment(ref _made)}";
        Set(id, new(slot.NextName, IsRunning: false, InService: false), $"make {slot.NextName}");
        return Task.FromResult(id);
    }

    public Task PrepareAsync(string id)
    {
        Assert.False(Copies[id].IsRunning);
        return PrepareFailure is { } failure ? Task.FromException(failure) : Task.CompletedTask;
    }

    public Task StartAsync(string id)
    {
        Set(id, Copies[id] with { IsRunning = true }, $"start {id}");
        return Task.CompletedTask;
    }

    public async Task WaitUntilReadyAsync(string id, CancellationToken cancellationToken)
    {
        await Readiness.WaitAsync(cancellationToken);
        if (id.StartsWith("new", StringComparison.Ordinal) && Sick.Contains(Copies[id].Name.Replace("-next", "", StringComparison.Ordinal)))
        {
            throw new BerthException(ErrorKind.Failed, $"{Copies[id].Name} is sick");
        }
    }

    public Task SwitchAsync(IReadOnlyList<RollSwitch> switches)
    {
        lock (_gate)
        {
            foreach (var one in switches)
            {
                Copies[one.Id] = Copies[one.Id] with { InService = one.InService, Name = one.Name };
            }

            Assert.Equal(Copies.Count, Copies.Values.Select(copy => copy.Name).Distinct().Count());
            Note(switches.Count == 0 ? null : "switch " + string.Join(' ', switches.Select(one => $"{(one.InService ? "+" : "-")}{one.Id}")));
        }

        return Task.CompletedTask;
    }

    public Task CoolAsync(string id, TimeSpan drain)
    {
        Assert.False(Copies[id] is { InService: true, IsRunning: true }, $"{id} is stopped while it serves");
        Set(id, Copies[id] with { IsRunning = false }, $"cool {id}");
        return Task.CompletedTask;
    }

    public Task StopHeldAsync(string id)
    {
        Set(id, Copies[id] with { IsRunning = false }, $"stop {id}");
        return Task.CompletedTask;
    }

    public Task RemoveAsync(string id)
    {
        lock (_gate)
        {
            Copies.Remove(id);
            Note($"remove {id}");
        }

        return Task.CompletedTask;
    }

    private void Set(string id, Copy copy, string what)
    {
        lock (_gate)
        {
            Copies[id] = copy;
            Note(what);
        }
    }

    private void Note(string? what)
    {
        if (what is not null)
        {
            Log.Add(what);
        }

        MostRunning = Math.Max(MostRunning, Copies.Values.Count(copy => copy.IsRunning));
        FewestServing = Math.Min(FewestServing, Copies.Values.Count(copy => copy is { IsRunning: true, InService: true }));
    }
}
