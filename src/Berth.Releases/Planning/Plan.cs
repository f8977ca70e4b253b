using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>What would be done, in order, and why. Making a plan changes nothing.</summary>
/// <param name="Images">
/// Builds and pulls, done before anything else. What they bring is not known yet, so afterwards the plan is made anew with
/// <see cref="PlanOptions.ImagesAreReady"/>.
/// </param>
/// <param name="Problems">Why it cannot be carried out; none when it can.</param>
public sealed record Plan(
    IReadOnlyList<PlanAction> Images,
    IReadOnlyList<PlanAction> Actions,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<string> Problems)
{
    /// <summary>Whether anything at all would change.</summary>
    public bool HasChanges => Images.Count > 0 || Actions.Any(action => action is not (LeaveContainer or WaitForDependency));
}

/// <summary>What an action costs those who use the project.</summary>
[Flags]
public enum PlanEffects
{
    None = 0,

    /// <summary>A running container is stopped.</summary>
    Interrupts = 1,

    /// <summary>Data that is nowhere else is deleted.</summary>
    LosesData = 2,
}

/// <param name="Reason">For people, to stand after the action's own words.</param>
public abstract record PlanAction(string Reason)
{
    public virtual PlanEffects Effects => PlanEffects.None;

    /// <summary>What becomes other by it, where that is known.</summary>
    public IReadOnlyList<FieldChange> Changes { get; init; } = [];
}

/// <param name="Image">The reference its result gets.</param>
public sealed record BuildImage(ServiceModel Service, string Image, string Reason) : PlanAction(Reason);

/// <param name="Platform">Null for the machine's own.</param>
public sealed record PullImage(string Image, string? Platform, string Reason) : PlanAction(Reason);

public sealed record CreateNetwork(NetworkModel Network, string Reason) : PlanAction(Reason);

/// <summary>Its settings changed: stop and detach the containers, remove it, make it anew. The containers are replaced later in the plan.</summary>
public sealed record RecreateNetwork(NetworkModel Network, ActualNetwork Existing, IReadOnlyList<ActualContainer> Attached, string Reason)
    : PlanAction(Reason)
{
    public override PlanEffects Effects => PlanEffects.Interrupts;
}

public sealed record CreateVolume(VolumeModel Volume, string Reason) : PlanAction(Reason);

/// <summary>The image's files are brought into a named volume of the service, before its new containers start.</summary>
/// <param name="Target">Where the service mounts it.</param>
public sealed record RefreshVolume(ServiceModel Service, string Name, string Target, string Reason) : PlanAction(Reason);

public sealed record CreateContainer(ServiceModel Service, int Number, string Name, bool Start, string Reason) : PlanAction(Reason);

/// <summary>Anonymous volumes move from the old container to the new one.</summary>
/// <param name="Name">Of the new container, once the old one is gone.</param>
public sealed record ReplaceContainer(ServiceModel Service, ActualContainer Existing, string Name, bool Start, string Reason) : PlanAction(Reason)
{
    public override PlanEffects Effects => Existing.State is ContainerState.Running or ContainerState.Restarting or ContainerState.Paused
        ? PlanEffects.Interrupts
        : PlanEffects.None;
}

/// <summary>The service's containers take over one after the other, while it serves.</summary>
/// <param name="Replacements">In the order of their turns.</param>
/// <param name="Additions">More containers, which begin to serve once they are ready.</param>
public sealed record RollService(
    ServiceModel Service, IReadOnlyList<ReplaceContainer> Replacements, IReadOnlyList<CreateContainer> Additions, RollSettings Settings, string Reason) : PlanAction(Reason)
{
    public override PlanEffects Effects => Settings.Order == RollOrder.Alone && Replacements.Count > 0 ? PlanEffects.Interrupts : PlanEffects.None;
}

/// <summary>Starts a container that is not running; a paused one is resumed.</summary>
public sealed record StartContainer(ServiceModel Service, ActualContainer Existing, string Reason) : PlanAction(Reason);

/// <summary>Restarts a container because one it depends on was replaced.</summary>
public sealed record RestartContainer(ServiceModel Service, ActualContainer Existing, string Reason) : PlanAction(Reason)
{
    public override PlanEffects Effects => PlanEffects.Interrupts;
}

/// <summary>Makes the <see cref="PlanAction.Changes"/> of a container that runs, and goes on running.</summary>
public sealed record UpdateContainer(ServiceModel Service, ActualContainer Existing, string Reason) : PlanAction(Reason);

public sealed record LeaveContainer(ServiceModel Service, ActualContainer Existing, string Reason) : PlanAction(Reason);

/// <summary>Stops a container, if it runs, and removes it.</summary>
/// <param name="WithVolumes">Its anonymous volumes too.</param>
public sealed record RemoveContainer(ActualContainer Existing, bool WithVolumes, string Reason) : PlanAction(Reason)
{
    public override PlanEffects Effects => (Existing.State == ContainerState.Running ? PlanEffects.Interrupts : PlanEffects.None)
        | (WithVolumes ? PlanEffects.LosesData : PlanEffects.None);
}

/// <summary>Nothing further happens to <paramref name="Service"/> until the dependency is as the condition says.</summary>
/// <param name="Required">False: if it never is, that is only a warning.</param>
public sealed record WaitForDependency(string Service, string Dependency, DependencyCondition Condition, bool Required, string Reason)
    : PlanAction(Reason);

public sealed record RemoveNetwork(string Name, string Reason) : PlanAction(Reason);

public sealed record RemoveVolume(string Name, string Reason) : PlanAction(Reason)
{
    public override PlanEffects Effects => PlanEffects.LosesData;
}

public sealed record RemoveImage(string Image, string Reason) : PlanAction(Reason);
