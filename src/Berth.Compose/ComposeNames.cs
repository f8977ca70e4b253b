using System.Text.RegularExpressions;

namespace Berth.Compose;

/// <summary>The names that a project's things have in the engine: Docker Compose's own.</summary>
public static partial class ComposeNames
{
    /// <summary>A network or volume: <c>PROJECT_KEY</c>.</summary>
    public static string Resource(string project, string key) => $"{project}_{key}";

    /// <summary>A container: <c>PROJECT-SERVICE-NUMBER</c>, numbers from one.</summary>
    public static string Container(string project, string service, int number) => $"{project}-{service}-{number}";

    /// <summary>The image of a service that is only built: <c>PROJECT-SERVICE</c>.</summary>
    public static string Image(string project, string service) => $"{project}-{service}";

    /// <summary>A folder's name as a project name: lower case, only letters, digits, <c>-</c> and <c>_</c>, beginning with a letter or digit.</summary>
    public static string Normalize(string folderName) =>
        NotInProjectName().Replace(folderName.ToLowerInvariant(), string.Empty).TrimStart('_', '-');

    public static bool IsProjectName(string name) => ProjectName().IsMatch(name);

    internal static bool IsContainerName(string name) => ContainerName().IsMatch(name);

    /// <summary>Whether a word can be the key of a service, network, volume, secret or config.</summary>
    internal static bool IsKey(string name) => Key().IsMatch(name);

    [GeneratedRegex("[^a-z0-9_-]")]
    private static partial Regex NotInProjectName();

    [GeneratedRegex("^[a-z0-9][a-z0-9_-]*$")]
    private static partial Regex ProjectName();

    [GeneratedRegex("^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")]
    private static partial Regex ContainerName();

    [GeneratedRegex("^[a-zA-Z0-9._-]+$")]
    private static partial Regex Key();
}
