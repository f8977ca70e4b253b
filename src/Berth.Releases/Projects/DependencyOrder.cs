namespace Berth.Releases.Projects;

/// <summary>Runs work on containers in the order of their services' dependencies; the rest side by side.</summary>
internal static class DependencyOrder
{
    /// <summary>A service comes after those that it needs. When one fails, those that need it are left out.</summary>
    internal static Task NeededFirstAsync<T>(
        IReadOnlyList<T> items, Func<T, string> service, Func<T, IReadOnlyList<string>> needs, Func<T, CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        var groups = Group(items, service);
        return RunAsync(groups, name => groups[name].SelectMany(needs).Where(groups.ContainsKey), act, cancellationToken);
    }

    /// <summary>A service goes after all that need it. When one fails, those that it needs are left out.</summary>
    internal static Task NeededLastAsync<T>(
        IReadOnlyList<T> items, Func<T, string> service, Func<T, IReadOnlyList<string>> needs, Func<T, CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        var groups = Group(items, service);
        return RunAsync(groups, name => groups.Where(group => group.Value.Any(item => needs(item).Contains(name, StringComparer.Ordinal))).Select(group => group.Key), act, cancellationToken);
    }

    private static Dictionary<string, List<T>> Group<T>(IReadOnlyList<T> items, Func<T, string> service) =>
        items.GroupBy(service, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.ToList(), StringComparer.Ordinal);

    private static async Task RunAsync<T>(Dictionary<string, List<T>> groups, Func<string, IEnumerable<string>> before, Func<T, CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        var started = new Dictionary<string, Task>(StringComparer.Ordinal);
        await Task.WhenAll(groups.Keys.Select(name => Start(name, []))).ConfigureAwait(false);

        // Labels come from outside and might form a circle: whoever is already being looked at is not waited for.
        Task Start(string name, HashSet<string> path)
        {
            if (started.TryGetValue(name, out var task))
            {
                return task;
            }

            HashSet<string> further = [.. path, name];
            Task[] earlier = [.. before(name).Distinct().Where(other => !further.Contains(other)).Select(other => Start(other, further))];
            return started[name] = RunGroupAsync(groups[name], earlier);
        }

        async Task RunGroupAsync(List<T> group, Task[] earlier)
        {
            await Task.WhenAll(earlier).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            await Task.WhenAll(group.Select(item => act(item, cancellationToken))).ConfigureAwait(false);
        }
    }
}
