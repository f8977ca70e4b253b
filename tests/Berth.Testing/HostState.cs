using System.Globalization;
using Berth.Linux.Mounts;

namespace Berth.Testing;

/// <summary>
/// What exists on this machine at one moment, of every kind that the engine creates. Two of them, taken before and after, show
/// what was left behind; nothing is filtered.
/// </summary>
public sealed class HostState
{
    private readonly HashSet<string> _things = new(StringComparer.Ordinal);

    private HostState()
    {
    }

    /// <param name="folders">Whose files are compared too, with everything below them.</param>
    public static async Task<HostState> CaptureAsync(params IReadOnlyList<string> folders)
    {
        var state = new HostState();
        state.Add("mount", MountTable.MountPoints());
        state.Add("link", Directory.GetFileSystemEntries("/sys/class/net").Select(path => Path.GetFileName(path)!));
        state.Add("cgroup", Directory.GetDirectories("/sys/fs/cgroup", "*", new EnumerationOptions { RecurseSubdirectories = true }));
        state.Add("nft rule", await NftRulesAsync());
        foreach (var pid in Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            state.AddProcess(pid);
        }

        state.Add("network namespace", NamespaceMounts());
        foreach (var folder in folders.Where(Directory.Exists))
        {
            state.Add("file", Directory.EnumerateFileSystemEntries(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }));
        }

        return state;
    }

    /// <summary>What exists now and did not in <paramref name="before"/>, each as <c>KIND: NAME</c>, sorted.</summary>
    public IReadOnlyList<string> AddedSince(HostState before) => [.. _things.Except(before._things).Order(StringComparer.Ordinal)];

    /// <summary>What existed in <paramref name="before"/> and doesn't any more.</summary>
    public IReadOnlyList<string> MissingSince(HostState before) => before.AddedSince(this);

    /// <summary>What is left over, of what <paramref name="concerns"/> the caller. The kernel takes some things away a little later: that is waited for.</summary>
    /// <param name="concerns">Everything, unless something else is at work on this machine.</param>
    public static async Task<IReadOnlyList<string>> LeftSinceAsync(
        HostState before, Func<string, bool> concerns, TimeSpan patience, params IReadOnlyList<string> folders)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            var left = (await CaptureAsync(folders)).AddedSince(before).Where(concerns).ToList();
            if (left.Count == 0 || waited.Elapsed > patience)
            {
                return left;
            }

            await Task.Delay(100);
        }
    }

    private void Add(string kind, IEnumerable<string> names) => _things.UnionWith(names.Select(name => $"{kind}: {name}"));

    private void AddProcess(string folder)
    {
        try
        {
            // A process is its id and its start time (field 22 of stat; the second field is in parentheses and may contain blanks).
            var stat = File.ReadAllText(folder + "/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            var arguments = File.ReadAllText(folder + "/cmdline").Replace('\0', ' ').Trim();
            var name = arguments.Length > 0 ? arguments : stat[stat.IndexOf('(', StringComparison.Ordinal)..(stat.LastIndexOf(')') + 1)];
            Add("process", [string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(folder)} since {fields[19]} {name}")]);
            Add("network namespace", [new FileInfo(folder + "/ns/net").LinkTarget ?? "none"]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It ended while it was read.
        }
    }

    /// <summary>Namespaces that are held by a mount, in the form in which a process's own is shown: <c>net:[4026531840]</c>.</summary>
    private static IEnumerable<string> NamespaceMounts() =>
        File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[3]).Where(root => root.StartsWith("net:[", StringComparison.Ordinal));

    /// <summary>Every rule with the table and chain it stands in, without counters.</summary>
    private static async Task<List<string>> NftRulesAsync()
    {
        var ruleset = (await new Command("nft", "--stateless", "list", "ruleset").RunAsync(CancellationToken.None)).EnsureSuccess().Output;
        var (rules, path) = (new List<string>(), new Stack<string>());
        foreach (var line in ruleset.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line == "}")
            {
                path.Pop();
                continue;
            }

            rules.Add(string.Join(" / ", path.Reverse().Append(line.TrimEnd('{', ' '))));
            if (line.EndsWith('{'))
            {
                path.Push(line.TrimEnd('{', ' '));
            }
        }

        return rules;
    }
}
