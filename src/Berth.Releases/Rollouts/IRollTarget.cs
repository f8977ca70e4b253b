namespace Berth.Releases.Rollouts;

/// <summary>What a rollout does to containers. Each call is whole or not at all, and can be repeated: what is asked for is an outcome.</summary>
internal interface IRollTarget
{
    /// <summary>Makes the slot's new copy, out of service, ready to be started. Returns its id.</summary>
    Task<string> MakeAsync(RollSlot slot);

    /// <summary>Does what can be done of the copy's start while another one still serves, so that the start itself is short.</summary>
    Task PrepareAsync(string id);

    /// <summary>Starts a copy, new or stopped; whether it is in service stays as it is.</summary>
    Task StartAsync(string id);

    /// <summary>Returns once the copy can serve.</summary>
    /// <exception cref="Engine.Errors.BerthException">It never will: it ended, its check failed, or its time is over.</exception>
    Task WaitUntilReadyAsync(string id, CancellationToken cancellationToken);

    /// <summary>Puts copies into service and others out of it, together: clients see one or the other, never neither.</summary>
    Task SwitchAsync(IReadOnlyList<RollSwitch> switches);

    /// <summary>Lets a copy that is out of service end what it was asked, and stops it. It can be started again.</summary>
    Task CoolAsync(string id, TimeSpan drain);

    /// <summary>Stops a copy that serves; who connects to the service from now on waits until another one serves, for a while.</summary>
    Task StopHeldAsync(string id);

    /// <summary>Stops a copy at once, if it runs, and removes it.</summary>
    Task RemoveAsync(string id);
}

/// <summary>One container's turn: the old copy, and the new one that takes over from it.</summary>
/// <param name="Name">Of the copy that serves.</param>
/// <param name="Number">Compose's number of the container.</param>
/// <param name="OldId">Null for a container that comes on top.</param>
internal sealed record RollSlot(string Service, string Name, int Number, string? OldId)
{
    /// <summary>Name of the new copy until it serves.</summary>
    internal string NextName => Name + "-next";

    /// <summary>Name of the old copy after that.</summary>
    internal string PreviousName => Name + "-previous";
}

/// <param name="Name">From then on.</param>
internal sealed record RollSwitch(string Id, bool InService, string Name);
