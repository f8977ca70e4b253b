using System.Text.RegularExpressions;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Compose.Output;
using Berth.Releases.Planning;

namespace Berth.Releases.Tests.Planning;

/// <summary>A project named <c>p</c>, and what the engine has of it.</summary>
internal sealed partial class World
{
    public World(string compose)
    {
        var result = ComposeLoader.Load(new ComposeLoadOptions
        {
            CurrentFolder = "/",
            ProjectName = "p",
            Files = ["-"],
            StandardInput = compose,
            Environment = new Dictionary<string, string>(),
        });
        Assert.Empty(result.Errors.Select(error => error.ToString()));
        Project = result.Project!;
    }

    public ProjectModel Project { get; }

    public List<ActualContainer> Containers { get; } = [];

    public List<ActualNetwork> Networks { get; } = [];

    public List<ActualVolume> Volumes { get; } = [];

    public Dictionary<string, ActualImage> Images { get; } = [];

    /// <summary>Everything is as the files say.</summary>
    public World Up()
    {
        foreach (var service in Project.Services.Values)
        {
            var image = service.Image ?? ComposeNames.Image(Project, service.Name);
            Images[image] = new($"sha256:{image}");
            for (var number = 1; number <= service.Scale; number++)
            {
                Add(service.Name, number);
            }
        }

        Networks.AddRange(Project.Networks.Values.Select(network => new ActualNetwork(network.Name, network.Name, network.Key, ServiceHash.Compute(network))));
        Volumes.AddRange(Project.Volumes.Values.Select(volume => new ActualVolume(volume.Name, volume.Key, ServiceHash.Compute(volume))));
        return this;
    }

    public World Add(string service, int number, ContainerState state = ContainerState.Running, bool isOneOff = false, string[]? dependsOn = null)
    {
        var model = Project.Services.GetValueOrDefault(service);
        var name = model?.ContainerName ?? $"p-{service}-{number}";
        var image = model?.Image ?? ComposeNames.Image(Project, service);
        Containers.Add(new ActualContainer(
            name, name, service, number, model is null ? "" : ServiceHash.Compute(model), $"sha256:{image}", state, isOneOff, dependsOn ?? []));
        return this;
    }

    public World Change(string name, Func<ActualContainer, ActualContainer> change)
    {
        var index = Containers.FindIndex(container => container.Name == name);
        Containers[index] = change(Containers[index]);
        return this;
    }

    public Plan Plan(PlanOptions? options = null) => Planner.Plan(Project, Actual, options ?? new PlanOptions());

    /// <summary>The plan's actions as one line each, with a leading word for its kind.</summary>
    public string[] Lines(PlanOptions? options = null) => [.. Plan(options).Actions.Select(Line)];

    public string[] Down(DownOptions? options = null, bool withoutFiles = false) =>
        [.. Planner.PlanDown(withoutFiles ? null : Project, Actual, options ?? new DownOptions()).Actions.Select(Line)];

    public static string Line(PlanAction action) => action switch
    {
        BuildImage one => $"build {one.Image}: {one.Reason}",
        PullImage one => $"pull {one.Image}: {one.Reason}",
        CreateNetwork one => $"network {one.Network.Name}",
        RecreateNetwork one => $"renew network {one.Network.Name} of {string.Join(' ', one.Attached.Select(container => container.Name))}",
        CreateVolume one => $"volume {one.Volume.Name}",
        CreateContainer one => $"{(one.Start ? "run" : "create")} {one.Name}: {one.Reason}",
        ReplaceContainer one => $"replace {one.Name}: {one.Reason}",
        RollService one => Decision().Replace(PlanText.Of(one), ""), // which RollTests are about
        StartContainer one => $"start {one.Existing.Name}: {one.Reason}",
        RestartContainer one => $"restart {one.Existing.Name}: {one.Reason}",
        UpdateContainer one => $"update {one.Existing.Name}: {one.Reason}",
        LeaveContainer one => $"leave {one.Existing.Name}: {one.Reason}",
        RemoveContainer one => $"remove {one.Existing.Name}: {one.Reason}",
        WaitForDependency one => $"wait for {one.Dependency} {one.Condition}",
        RemoveNetwork one => $"remove network {one.Name}",
        RemoveVolume one => $"remove volume {one.Name}",
        RemoveImage one => $"remove image {one.Image}",
        _ => throw new InvalidOperationException(action.ToString()),
    };

    public ActualProject Actual => new(Containers, Networks, Volumes, Images);

    [GeneratedRegex(@" \((start|stop)-first.*\)$")]
    private static partial Regex Decision();
}
