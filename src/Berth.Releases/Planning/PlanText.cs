namespace Berth.Releases.Planning;

/// <summary>A plan's actions in words, a line each.</summary>
public static class PlanText
{
    public static string Of(PlanAction action) => action switch
    {
        BuildImage build => $"build {build.Image}: {build.Reason}",
        PullImage pull => $"pull {pull.Image}: {pull.Reason}",
        CreateNetwork create => $"create network {create.Network.Name}: {create.Reason}",
        RecreateNetwork recreate => $"recreate network {recreate.Network.Name}: {recreate.Reason}",
        RemoveNetwork remove => $"remove network {remove.Name}: {remove.Reason}",
        CreateVolume create => $"create volume {create.Volume.Name}: {create.Reason}",
        RefreshVolume refresh => $"refresh volume {refresh.Name}: {refresh.Reason}",
        RemoveVolume remove => $"remove volume {remove.Name}: {remove.Reason}",
        CreateContainer create => $"create {create.Name}: {create.Reason}",
        ReplaceContainer replace => $"replace {replace.Name}: {replace.Reason}",
        RollService roll => $"{(roll.Settings.Order == RollOrder.Alone ? "replace" : "roll")} {string.Join(", ", roll.Replacements.Select(one => one.Name).Concat(roll.Additions.Select(one => one.Name)))}: {roll.Reason}",
        StartContainer start => $"start {start.Existing.Name}: {start.Reason}",
        RestartContainer restart => $"restart {restart.Existing.Name}: {restart.Reason}",
        UpdateContainer update => $"update {update.Existing.Name}: {update.Reason}",
        LeaveContainer leave => $"leave {leave.Existing.Name}: {leave.Reason}",
        RemoveContainer remove => $"remove {remove.Existing.Name}: {remove.Reason}",
        WaitForDependency wait => $"wait for {wait.Dependency}: {wait.Reason}",
        RemoveImage remove => $"remove image {remove.Image}: {remove.Reason}",
        _ => throw new InvalidOperationException($"{action.GetType().Name} has no words"),
    };
}
