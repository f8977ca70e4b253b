namespace Berth.Conformance.Tests.Reference;

/// <summary>A line of <c>docs/reference/docker-api.txt</c>, which tells its form.</summary>
/// <param name="Group">What Docker's specification has it under.</param>
/// <param name="Name">A method and path, or a field.</param>
/// <param name="Flags">How Docker's command line asks for it.</param>
/// <param name="Words">How libraries do.</param>
/// <param name="Exception">Empty if it works; otherwise begins with <c>refused</c> or <c>no effect</c>.</param>
internal sealed record ApiEntry(string Group, string Name, IReadOnlyList<string> Flags, IReadOnlyList<string> Words, string Exception)
{
    private const string GroupMark = "== ";

    internal bool IsEndpoint => Name.Contains(' ', StringComparison.Ordinal);

    internal string Method => Name[..Name.IndexOf(' ', StringComparison.Ordinal)];

    internal string Path => Name[(Name.IndexOf(' ', StringComparison.Ordinal) + 1)..];

    /// <summary>The status and the beginning of the message that a refused endpoint answers with.</summary>
    internal (int Status, string Message)? Refusal => IsEndpoint && Exception.Split(' ', 3) is ["refused", var status, var message]
        ? (int.Parse(status, System.Globalization.CultureInfo.InvariantCulture), message) : null;

    internal static IReadOnlyList<ApiEntry> Read(string file)
    {
        var entries = new List<ApiEntry>();
        var group = "";
        foreach (var line in File.ReadLines(file))
        {
            if (line.StartsWith(GroupMark, StringComparison.Ordinal))
            {
                group = line[GroupMark.Length..];
            }
            else if (group.Length > 0 && line.Length > 0)
            {
                var parts = line.Split("::", StringSplitOptions.TrimEntries);
                string[] List(int at) => parts.Length > at ? parts[at].Split(", ", StringSplitOptions.RemoveEmptyEntries) : [];
                entries.Add(new(group, parts[0], List(1), List(2), parts.Length > 3 ? parts[3] : ""));
            }
        }

        return entries;
    }
}
