namespace Berth.Releases.Projects;

/// <summary>Runs work on containers so that a service goes after all that depend on it; the rest side by side.</summary>
internal static class ReverseOrder
{
    internal static async Task RunAsync<T>(
        IReadOnlyList<T> items, Func<T, string> service, Func<T, IReadOnlyList<string>> needs, Func<T, CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        var groups = items.GroupBy(service, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.ToList(), StringComparer.Ordinal);
        var started = new Dictionary<string, Task>(StringComparer.Ordinal);
        await Task.WhenAll(groups.Keys.Select(name => Start(name, []))).ConfigureAwait(false);

        // Labels come from outside and might form a circle: whoever is already being looked at is not waited for.
        Task Start(string name, HashSet<string> path)
        {
            if (started.TryGetValue(name, out var task))
            {
                return task;
            }

            var dependents = groups.Where(group => group.Key != name && group.Value.Any(item => needs(item).Contains(name, StringComparer.Ordinal))).Select(group => group.Key);
            HashSet<string> further = [.. path, name];
            Task[] before = [.. dependents.Where(dependent => !further.Contains(dependent)).Select(dependent => Start(dependent, further))];
            return started[name] = RunGroupAsync(groups[name], before);
        }

        async Task RunGroupAsync(List<T> group, Task[] before)
        {
            await Task.WhenAll(before).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            await Task.WhenAll(group.Select(item => act(item, cancellationToken))).ConfigureAwait(false);
        }
    }
}
