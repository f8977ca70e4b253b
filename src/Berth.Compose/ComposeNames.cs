using System.Text.RegularExpressions;
using Berth.Compose.Model;

namespace Berth.Compose;

/// <summary>The names that a project's things have in the engine: Docker Compose's own.</summary>
public static partial class ComposeNames
{
    /// <summary>A network or volume: <c>PROJECT_KEY</c>.</summary>
    public static string Resource(string project, string key) => $"{project}_{key}";

    /// <summary>What stands between the parts of a name.</summary>
    public const string Separator = "-";

    /// <summary>The same in the names of Docker Compose 1, and with <c>--compatibility</c>.</summary>
    public const string FormerSeparator = "_";

    /// <summary>A container: <c>PROJECT-SERVICE-NUMBER</c>, numbers from one.</summary>
    public static string Container(ProjectModel project, string service, int number) => string.Join(project.Separator, project.Name, service, number);

    /// <summary>The image of a service that is only built: <c>PROJECT-SERVICE</c>.</summary>
    public static string Image(ProjectModel project, string service) => project.Name + project.Separator + service;

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
