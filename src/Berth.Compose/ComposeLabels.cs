using System.Globalization;
using Berth.Compose.Model;
using Berth.Compose.Output;

namespace Berth.Compose;

/// <summary>The labels by which Docker Compose, and every tool that knows it, recognises what belongs to a project.</summary>
public static class ComposeLabels
{
    public const string Project = "com.docker.compose.project";
    public const string Service = "com.docker.compose.service";
    public const string ContainerNumber = "com.docker.compose.container-number";
    public const string OneOff = "com.docker.compose.oneoff";
    public const string ConfigHash = "com.docker.compose.config-hash";
    public const string WorkingDirectory = "com.docker.compose.project.working_dir";
    public const string ConfigFiles = "com.docker.compose.project.config_files";
    public const string DependsOn = "com.docker.compose.depends_on";
    public const string Network = "com.docker.compose.network";
    public const string Volume = "com.docker.compose.volume";
    public const string Image = "com.docker.compose.image";
    public const string Version = "com.docker.compose.version";

    /// <summary>The Compose release whose behaviour and labels these are; tools read it to know what to expect.</summary>
    public const string CompatibleVersion = "2.40.0";

    /// <summary>All labels of a service's container: the user's own, then Compose's.</summary>
    /// <param name="number">From one.</param>
    /// <param name="imageId">Digest of the image it is created from.</param>
    /// <param name="isOneOff">It was made by <c>run</c>, and is not a replica.</param>
    public static IReadOnlyDictionary<string, string> ForContainer(
        ProjectModel project, ServiceModel service, int number, string imageId, bool isOneOff = false) =>
        new SortedDictionary<string, string>(service.Labels.ToDictionary(pair => pair.Key, pair => pair.Value), StringComparer.Ordinal)
        {
            [Project] = project.Name,
            [Service] = service.Name,
            [ContainerNumber] = number.ToString(CultureInfo.InvariantCulture),
            [OneOff] = isOneOff ? "True" : "False",
            [ConfigHash] = ServiceHash.Compute(service),
            [WorkingDirectory] = project.WorkingDirectory,
            [ConfigFiles] = string.Join(',', project.Files),
            [DependsOn] = Dependencies(service),
            [Image] = imageId,
            [Version] = CompatibleVersion,
        };

    public static IReadOnlyDictionary<string, string> ForNetwork(ProjectModel project, NetworkModel network) =>
        new SortedDictionary<string, string>(network.Labels.ToDictionary(pair => pair.Key, pair => pair.Value), StringComparer.Ordinal)
        {
            [Project] = project.Name,
            [Network] = network.Key,
            [ConfigHash] = ServiceHash.Compute(network),
            [Version] = CompatibleVersion,
        };

    public static IReadOnlyDictionary<string, string> ForVolume(ProjectModel project, VolumeModel volume) =>
        new SortedDictionary<string, string>(volume.Labels.ToDictionary(pair => pair.Key, pair => pair.Value), StringComparer.Ordinal)
        {
            [Project] = project.Name,
            [Volume] = volume.Key,
            [ConfigHash] = ServiceHash.Compute(volume),
            [Version] = CompatibleVersion,
        };

    /// <summary>Whether a container whose <see cref="DependsOn"/> label that is has to be restarted with a service.</summary>
    public static bool IsRestartedWith(string dependsOn, string service) => dependsOn.Split(',').Any(entry => entry.Split(':') is [var name, _, "true"] && name == service);

    /// <summary>What a container whose <see cref="DependsOn"/> label that is waits for; what cannot be read is left out.</summary>
    public static IEnumerable<(string Service, DependencyCondition Condition)> Conditions(string dependsOn) => dependsOn.Split(',').Select(entry => entry.Split(':')).Where(parts => parts.Length == 3)
        .SelectMany(parts => Enum.GetValues<DependencyCondition>().Where(condition => ModelTree.Condition(condition) == parts[1]).Select(condition => (parts[0], condition)));

    /// <summary><c>db:service_healthy:false,cache:service_started:true</c>; the last part says whether to restart with it.</summary>
    private static string Dependencies(ServiceModel service) => string.Join(
        ',',
        service.DependsOn.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => $"{pair.Key}:{ModelTree.Condition(pair.Value.Condition)}:{(pair.Value.Restart ? "true" : "false")}"));
}
