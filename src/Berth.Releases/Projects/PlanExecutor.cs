using System.Collections.Concurrent;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Health;
using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Berth.Releases.Ledger;
using Berth.Releases.Planning;
using Berth.Releases.Rollouts;

namespace Berth.Releases.Projects;

/// <summary>
/// Carries out a plan. Networks and volumes come first, in order; then every service is a task of its own that begins when those it
/// needs are done. After a failure or a cancellation no further action begins; what was made has its labels, so <c>down</c> removes it.
/// </summary>
/// <param name="renewsVolumes">New containers do not get the anonymous volumes of those that they replace.</param>
/// <param name="goesOnFrom">When the release began that an earlier daemon has left half done: what it had started, or this one starts, is waited for until it serves. Else null.</param>
internal sealed partial class PlanExecutor(
    EngineHost engine, ProjectReader reader, ProjectModel project, ProjectProgress progress, int? stopTimeoutSeconds, DateTimeOffset? goesOnFrom = null, bool renewsVolumes = false)
{
    private readonly ProjectWait _wait = new(engine, reader, progress);
    private readonly ConcurrentDictionary<string, string> _containerOfService = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<Container> _touched = [];
    private readonly ConcurrentQueue<Rollout> _rollouts = [];
    private readonly ConcurrentQueue<Rollout> _begun = [];
    private IReadOnlyDictionary<string, string> _files = new Dictionary<string, string>();

    /// <summary>The containers that the plan made, started, or left running.</summary>
    internal IReadOnlyCollection<Container> Containers => _touched;

    /// <summary>What the jobs of the release phase did, by service.</summary>
    internal ConcurrentDictionary<string, JobResult> Jobs { get; } = new(StringComparer.Ordinal);

    /// <summary>The rollouts whose new copies serve, in the order in which they were done. Their old copies are still there.</summary>
    internal IReadOnlyList<Rollout> Rollouts => [.. _rollouts];

    /// <summary>All rollouts, those too that were cancelled on the way.</summary>
    internal IReadOnlyList<Rollout> Begun => [.. _begun];

    internal async Task RunAsync(IReadOnlyList<PlanAction> actions, IReadOnlyDictionary<string, string> files, CancellationToken cancellationToken)
    {
        _files = files;
        RefuseTakenNames(actions);
        var ofServices = actions.Select(action => (Service: ServiceOf(action), Action: action)).ToLookup(one => one.Service, one => one.Action);
        foreach (var action in ofServices[null])
        {
            cancellationToken.ThrowIfCancellationRequested();
            await RunAsync(action, cancellationToken).ConfigureAwait(false);
        }

        await RunServicesAsync(ofServices, cancellationToken).ConfigureAwait(false);
    }

    private async Task RunServicesAsync(ILookup<string?, PlanAction> ofServices, CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var jobs = new ReleaseJobs(project);
        var tasks = new Dictionary<string, Task>(StringComparer.Ordinal);
        foreach (var service in ServiceOrder.Sort(project.Services).Where(service => ofServices.Contains(service.Name)).OrderBy(service => jobs.Precede(service.Name)))
        {
            var actions = ofServices[service.Name].ToList();
            var waitsForJobs = jobs.Precede(service.Name) && actions.Any(action => action is RollService || action.Effects.HasFlag(PlanEffects.Interrupts));
            Task[] before = [.. ServiceOrder.Prerequisites(service).Concat(waitsForJobs ? jobs.Names : []).Where(tasks.ContainsKey).Select(name => tasks[name])];
            tasks[service.Name] = RunServiceAsync(actions, before, failed, jobs.Contains(service.Name), name => jobs.MustSucceed(name, ofServices.Contains));
        }

        var all = Task.WhenAll(tasks.Values);
        await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        var failures = (all.Exception?.InnerExceptions ?? []).ToList();
        if (failures.Find(one => one is not BerthException) is { } unforeseen)
        {
            throw new AggregateException(unforeseen);
        }

        if (failures.Count > 0)
        {
            throw new BerthException(((BerthException)failures[0]).Kind, string.Join('\n', failures.Select(one => one.Message).Distinct()));
        }
    }

    private async Task RunServiceAsync(IReadOnlyList<PlanAction> actions, IReadOnlyList<Task> before, CancellationTokenSource failed, bool isJob, Func<string, bool> mustSucceed)
    {
        await Task.Yield();
        await Task.WhenAll(before).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (before.Any(task => !task.IsCompletedSuccessfully))
        {
            return; // what it needs has failed and says so itself
        }

        try
        {
            foreach (var action in actions)
            {
                failed.Token.ThrowIfCancellationRequested();
                await RunAsync(action, failed.Token).ConfigureAwait(false);
            }

            if (isJob && actions.Any(action => action is CreateContainer { Start: true } or ReplaceContainer { Start: true } or RollService or StartContainer or RestartContainer))
            {
                await FinishJobAsync(actions, mustSucceed, failed.Token).ConfigureAwait(false);
            }

            if (goesOnFrom is { } began && !isJob && project.Services.TryGetValue(ServiceOf(actions[0])!, out var service))
            {
                await ServeAsync(service, began, failed.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            await failed.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private Task ServeAsync(ServiceModel service, DateTimeOffset began, CancellationToken cancellationToken)
    {
        var readiness = new CopyReadiness(engine);
        return Task.WhenAll(_touched
            .Where(container => container.Record.Label(ComposeLabels.Service) == service.Name && container.Record is { OutOfService: false, StoppedByRequest: false } && container.Record.StartedAt >= began)
            .Where(container => container.Health is not null || service.Extension?.Ready is not null || ListeningPorts.HasPublished(container))
            .Select(container => readiness.WaitAsync(container, service.Extension?.Ready, predecessor: null, cancellationToken)));
    }

    // What it has printed is kept with the release, whether it ended well or not.
    private async Task FinishJobAsync(IReadOnlyList<PlanAction> actions, Func<string, bool> mustSucceed, CancellationToken cancellationToken)
    {
        var service = actions.Select(ServiceOf).First(name => name is not null)!;
        var started = engine.Time.GetTimestamp();
        try
        {
            await _wait.DependencyAsync(project.Name, service, DependencyCondition.CompletedSuccessfully, cancellationToken).ConfigureAwait(false);
        }
        catch (BerthException exception) when (!mustSucceed(service))
        {
            progress(new(ProjectEventKind.Warning, service, exception.Message)); // those that wait for it go on without it
        }
        finally
        {
            foreach (var container in _touched.Where(container => container.Record.Label(ComposeLabels.Service) == service))
            {
                Jobs[service] = new(engine.Time.GetElapsedTime(started).TotalSeconds, await JobOutput.ReadAsync(engine, container).ConfigureAwait(false));
            }
        }
    }

    /// <summary>Null for what comes before all services.</summary>
    private string? ServiceOf(PlanAction action) => action switch
    {
        CreateContainer create => create.Service.Name,
        RefreshVolume refresh => refresh.Service.Name,
        ReplaceContainer replace => replace.Service.Name,
        StartContainer start => start.Service.Name,
        RollService roll => roll.Service.Name,
        RestartContainer restart => restart.Service.Name,
        UpdateContainer update => update.Service.Name,
        LeaveContainer leave => leave.Service.Name,
        WaitForDependency wait => wait.Service,
        RemoveContainer remove when project.Services.ContainsKey(remove.Existing.Service) && !remove.Existing.IsOneOff => remove.Existing.Service,
        _ => null,
    };

    private Task RunAsync(PlanAction action, CancellationToken cancellationToken) => action switch
    {
        CreateNetwork create => CreateAsync(create.Network),
        RecreateNetwork recreate => RecreateAsync(recreate),
        RemoveNetwork remove => StepAsync(ProjectEventKind.Network, remove.Name, "Removing", "Removed", () => RemoveNetworkAsync(remove.Name)),
        CreateVolume create => StepAsync(ProjectEventKind.Volume, create.Volume.Name, "Creating", "Created", () => engine.Volumes.CreateAsync(
            create.Volume.Name, create.Volume.Driver, ComposeLabels.ForVolume(project, create.Volume), create.Volume.DriverOptions)),
        RemoveVolume remove => StepAsync(ProjectEventKind.Volume, remove.Name, "Removing", "Removed", () => RemoveVolumeAsync(remove.Name)),
        RefreshVolume refresh => RefreshAsync(refresh),
        RemoveImage remove => RemoveImageAsync(remove, cancellationToken),
        CreateContainer create => CreateAsync(create),
        ReplaceContainer replace => ReplaceAsync(replace),
        RollService roll => RollAsync(roll, cancellationToken),
        StartContainer start => StartAsync(start),
        RestartContainer restart => RestartAsync(restart),
        UpdateContainer update => UpdateAsync(update),
        LeaveContainer leave => LeaveAsync(leave),
        RemoveContainer remove => RemoveAsync(remove, isHandedOver: true),
        WaitForDependency wait => WaitAsync(wait, cancellationToken),
        _ => throw new InvalidOperationException($"{action.GetType().Name} cannot be carried out here"),
    };

    private Task StepAsync(ProjectEventKind kind, string name, string doing, string done, Func<Task> act, string? reason = null) =>
        progress.StepAsync(engine.Time, kind, name, doing, done, act, reason);

    private Task StepAsync(string container, string doing, string done, Func<Task> act, string? reason = null) =>
        StepAsync(ProjectEventKind.Container, container, doing, done, act, reason);

    private Task CreateAsync(NetworkModel network) => StepAsync(ProjectEventKind.Network, network.Name, "Creating", "Created", () =>
    {
        return engine.Networks.CreateAsync(new()
        {
            Name = network.Name,
            Driver = network.Driver,
            Pools = [.. network.Pools.Select(pool => new PoolConfig { Subnet = pool.Subnet, Gateway = pool.Gateway, IpRange = pool.IpRange, AuxAddresses = pool.Reserved ?? new Dictionary<string, string>() })],
            EnableIpv4 = network.EnableIpv4 != false,
            EnableIpv6 = network.EnableIpv6 == true,
            Internal = network.IsInternal,
            Attachable = network.IsAttachable,
            Labels = ComposeLabels.ForNetwork(project, network),
            Options = network.DriverOptions,
        });
    });

    private async Task RecreateAsync(RecreateNetwork recreate)
    {
        var network = engine.Networks.Resolve(recreate.Existing.Id);
        foreach (var container in engine.Containers.All.Where(container => container.Record.Endpoints.Any(endpoint => endpoint.NetworkId == network.Id)).ToList())
        {
            if (recreate.Attached.All(attached => attached.Id != container.Id))
            {
                throw BerthException.Conflict($"network '{network.Name}' must be made anew ({recreate.Reason}), but container {container.Name}, which is no part of the project, is on it; disconnect that first");
            }

            await StopAsync(container).ConfigureAwait(false);
            await engine.Containers.DisconnectAsync(container, network).ConfigureAwait(false);
        }

        await StepAsync(ProjectEventKind.Network, network.Name, "Removing", "Removed", () => RemoveNetworkAsync(network.Name), recreate.Reason).ConfigureAwait(false);
        await CreateAsync(recreate.Network).ConfigureAwait(false);
    }

    private Task RemoveVolumeAsync(string name) => engine.Volumes.RemoveAsync(name, force: true, () => engine.Containers.All);

    private async Task RemoveNetworkAsync(string name)
    {
        if (engine.Networks.All.Any(network => network.Name == name))
        {
            await engine.Networks.RemoveAsync(name, () => engine.Containers.All).ConfigureAwait(false);
        }
    }

    /// <summary>Brings the image's files into a volume that several services share.</summary>
    internal Task RefreshAsync(RefreshVolume refresh)
    {
        var image = engine.Images.Resolve(ImagePlanner.ImageOf(project, refresh.Service));
        return StepAsync(
            ProjectEventKind.Volume, refresh.Name, "Refreshing", "Refreshed", () => engine.VolumeRefresh.RunAsync(refresh.Name, engine.Images.LowerDirectories(image), refresh.Target));
    }

    private async Task RemoveImageAsync(RemoveImage remove, CancellationToken cancellationToken)
    {
        if (engine.Images.TryResolve(remove.Image) is null)
        {
            return;
        }

        await StepAsync(ProjectEventKind.Image, remove.Image, "Removing", "Removed", async () =>
        {
            try
            {
                await engine.Images.RemoveAsync(
                    remove.Image, force: false, id => engine.Containers.All.Any(container => container.Id == id && container.Record.IsRunning), cancellationToken).ConfigureAwait(false);
            }
            catch (BerthException exception) when (exception.Kind == ErrorKind.Conflict)
            {
                progress(new(ProjectEventKind.Warning, remove.Image, exception.Message)); // others use it; the project is down nevertheless
            }
        }).ConfigureAwait(false);
    }

    private async Task CreateAsync(CreateContainer create)
    {
        Container? container = null;
        await StepAsync(create.Name, "Creating", "Created", async () => container = await MakeAsync(create.Service, create.Number, create.Name, create.Name, replaced: null).ConfigureAwait(false), create.Reason)
            .ConfigureAwait(false);
        await StartIfAskedAsync(container!, create.Start).ConfigureAwait(false);
    }

    // The new container is made under a passing name while the old one serves; where both cannot be, the old one goes first.
    private async Task ReplaceAsync(ReplaceContainer replace)
    {
        var old = engine.Containers.Resolve(replace.Existing.Id);
        Container? container = null;
        await StepAsync(replace.Name, "Recreate", "Recreated", async () =>
        {
            var hasFixedAddress = replace.Service.Networks.Values.Any(network => network.Ipv4Address is not null);
            var passingName = $"{old.Id[..12]}_{replace.Name}";
            if (hasFixedAddress)
            {
                await StopHeldAsync(old, replace.Start).ConfigureAwait(false);
                var record = old.Record;
                await engine.Containers.RemoveAsync(old, force: true, withAnonymousVolumes: false).ConfigureAwait(false);
                container = await MakeAsync(replace.Service, replace.Existing.Number, replace.Name, replace.Name, record).ConfigureAwait(false);
                return;
            }

            container = await MakeAsync(replace.Service, replace.Existing.Number, replace.Name, passingName, old.Record).ConfigureAwait(false);
            await StopHeldAsync(old, replace.Start).ConfigureAwait(false);
            await engine.Containers.RemoveAsync(old, force: true, withAnonymousVolumes: false).ConfigureAwait(false);
            await engine.Containers.RenameAsync(container, replace.Name).ConfigureAwait(false);
        }, replace.Reason).ConfigureAwait(false);
        await StartIfAskedAsync(container!, replace.Start).ConfigureAwait(false);
    }

    // The caller ends the rollout: it goes back, or takes the old copies away.
    private async Task RollAsync(RollService roll, CancellationToken cancellationToken)
    {
        var replaced = roll.Replacements.ToDictionary(replace => replace.Existing.Id, StringComparer.Ordinal);
        List<RollSlot> slots =
        [
            .. roll.Replacements.Select(replace => new RollSlot(roll.Service.Name, replace.Name, replace.Existing.Number, replace.Existing.Id)),
            .. roll.Additions.Select(create => new RollSlot(roll.Service.Name, create.Name, create.Number, null)),
        ];
        var target = new EngineRollTarget(
            engine, roll.Service,
            slot => MakeAsync(roll.Service, slot.Number, slot.Name, slot.NextName, slot.OldId is { } old ? engine.Containers.Resolve(old).Record : null, outOfService: true),
            stopTimeoutSeconds, progress);
        var rollout = new Rollout(roll.Settings, slots, target, engine.Time);
        _begun.Enqueue(rollout);
        await StepAsync(ProjectEventKind.Container, roll.Service.Name, "Rolling", "Rolled", () => rollout.RunAsync(cancellationToken), roll.Reason).ConfigureAwait(false);
        _rollouts.Enqueue(rollout);
        foreach (var id in rollout.Serving.Values)
        {
            Touch(engine.Containers.Resolve(id));
        }
    }

    private Task StopHeldAsync(Container old, bool isFollowed) =>
        isFollowed && old.Record.IsRunning ? HeldStop.RunAsync(engine, old, stopTimeoutSeconds, progress) : StopAsync(old);

    private async Task<Container> MakeAsync(ServiceModel service, int number, string name, string nameNow, ContainerRecord? replaced, bool outOfService = false)
    {
        var image = ImagePlanner.ImageOf(project, service);
        var inputs = new ServiceContainerInputs(
            number, name, image, engine.Images.Resolve(image).Id.ToString(), _files, replaced is null || renewsVolumes ? new Dictionary<string, string>() : AnonymousVolumes(replaced), ContainerOf);
        var made = ServiceContainer.Describe(project, service, inputs);
        return await engine.Containers.CreateAsync(nameNow, made.Config, made.Host, made.Networking, outOfService).ConfigureAwait(false);
    }

    private static Dictionary<string, string> AnonymousVolumes(ContainerRecord replaced) => replaced.Mounts
        .Where(mount => mount is { Type: "volume" } && (mount.Anonymous || ContainerFacts.IsMadeUp(mount.Name)))
        .ToDictionary(mount => mount.Destination, mount => mount.Name, StringComparer.Ordinal);

    private string ContainerOf(string service) => _containerOfService.TryGetValue(service, out var id) ? id
        : reader.Containers(project.Name).FirstOrDefault(container => container.Record.Label(ComposeLabels.Service) == service && !ProjectReader.Actual(container).IsOneOff)?.Id
        ?? throw BerthException.NotFound($"service '{service}', whose namespace another service shares, has no container");

    private async Task StartIfAskedAsync(Container container, bool start)
    {
        if (start)
        {
            await StepAsync(container.Name, "Starting", "Started", () => ContainerActions.StartAsync(engine, container)).ConfigureAwait(false);
            await HoldIfHalfDoneAsync(container).ConfigureAwait(false);
        }

        Touch(container);
    }

    // Nobody serves beside it, and it does not listen yet.
    private Task HoldIfHalfDoneAsync(Container container) =>
        goesOnFrom is not null && !container.Record.OutOfService ? engine.Containers.HoldConnectionsAsync(container, HeldStop.AfterEnd) : Task.CompletedTask;

    private void Touch(Container container)
    {
        _touched.Add(container);
        _containerOfService[container.Record.Label(ComposeLabels.Service)] = container.Id;
    }

    private async Task StartAsync(StartContainer start)
    {
        var container = engine.Containers.Resolve(start.Existing.Id);
        await StepAsync(container.Name, "Starting", "Started", () => container.Record.Status == ContainerStatus.Paused
            ? engine.Containers.PauseAsync(container, pause: false)
            : ContainerActions.StartAsync(engine, container), start.Reason).ConfigureAwait(false);
        await HoldIfHalfDoneAsync(container).ConfigureAwait(false);
        Touch(container);
    }

    private async Task RestartAsync(RestartContainer restart)
    {
        var container = engine.Containers.Resolve(restart.Existing.Id);
        await StepAsync(container.Name, "Restarting", "Started", () => ContainerActions.RestartAsync(engine, container, stopTimeoutSeconds, progress), restart.Reason).ConfigureAwait(false);
        Touch(container);
    }

    private async Task UpdateAsync(UpdateContainer update)
    {
        const string network = "networks.";
        var container = engine.Containers.Resolve(update.Existing.Id);
        await StepAsync(container.Name, "Updating", "Updated", async () =>
        {
            var made = reader.Describe(project, update.Service, update.Existing, _files) ?? throw BerthException.NotFound($"the image of '{update.Service.Name}' is not here");
            await engine.Containers.ChangeAsync(container, engine.Containers.Preview(made.Name, made.Config, made.Host, made.Networking)).ConfigureAwait(false);
            foreach (var change in update.Changes.Where(change => change.Field.StartsWith(network, StringComparison.Ordinal)).OrderBy(change => change.New is null))
            {
                var name = change.Field[network.Length..];
                await (change.New is null
                    ? engine.Containers.DisconnectAsync(container, engine.Networks.Resolve(name))
                    : engine.Containers.ConnectAsync(container, engine.Networks.Resolve(name), made.Networking.EndpointsConfig![name]!)).ConfigureAwait(false);
            }
        }, update.Reason).ConfigureAwait(false);
        Touch(container);
    }

    private async Task LeaveAsync(LeaveContainer leave)
    {
        var container = engine.Containers.Resolve(leave.Existing.Id);
        if (goesOnFrom is { } began && container.Record is { Status: ContainerStatus.Running } record && record.StartedAt >= began)
        {
            await ContainerHooks.StartedAsync(engine, container).ConfigureAwait(false); // nobody knows how far the earlier daemon had got with them
        }

        progress(new(ProjectEventKind.Container, container.Name, container.Record.IsRunning ? "Running" : "Unchanged"));
        Touch(container);
    }

    /// <param name="isHandedOver">Whether other replicas take its clients first.</param>
    private async Task RemoveAsync(RemoveContainer remove, bool isHandedOver)
    {
        var container = engine.Containers.All.FirstOrDefault(one => one.Id == remove.Existing.Id);
        if (container is null)
        {
            return; // --rm, or somebody else, was faster
        }

        if (isHandedOver && container.Record is { IsRunning: true, OutOfService: false } && project.Services.TryGetValue(remove.Existing.Service, out var service) && !remove.Existing.IsOneOff)
        {
            await engine.Containers.SwitchAsync([new(container, InService: false)]).ConfigureAwait(false); // the other replicas take its clients
            await CopyDrain.RunAsync(engine, container, service.Extension?.Roll?.Drain ?? RollSettings.DefaultDrain, progress).ConfigureAwait(false);
        }

        await StopAsync(container).ConfigureAwait(false);
        await StepAsync(container.Name, "Removing", "Removed", async () =>
        {
            var volumes = AnonymousVolumes(container.Record).Values.ToList();
            if (engine.Containers.All.Contains(container))
            {
                await engine.Containers.RemoveAsync(container, force: true, remove.WithVolumes).ConfigureAwait(false);
            }

            foreach (var volume in remove.WithVolumes ? volumes : [])
            {
                if (!engine.Containers.All.Any(one => one.Record.Mounts.Any(mount => mount.Name == volume)))
                {
                    await engine.Volumes.RemoveAsync(volume, force: true, () => engine.Containers.All).ConfigureAwait(false);
                }
            }
        }, remove.Reason).ConfigureAwait(false);
    }

    private async Task StopAsync(Container container)
    {
        if (container.Record.Status is not (ContainerStatus.Running or ContainerStatus.Paused or ContainerStatus.Restarting))
        {
            return;
        }

        await StepAsync(container.Name, "Stopping", "Stopped", () => ContainerActions.StopAsync(engine, container, stopTimeoutSeconds, progress)).ConfigureAwait(false);
    }

    private async Task WaitAsync(WaitForDependency wait, CancellationToken cancellationToken)
    {
        try
        {
            await _wait.DependencyAsync(project.Name, wait.Dependency, wait.Condition, cancellationToken).ConfigureAwait(false);
        }
        catch (BerthException exception) when (!wait.Required)
        {
            progress(new(ProjectEventKind.Warning, wait.Service, $"optional dependency '{wait.Dependency}': {exception.Message}"));
        }
        catch (BerthException exception)
        {
            throw new BerthException(exception.Kind, $"dependency failed to start: {exception.Message}", exception);
        }
    }

    private void RefuseTakenNames(IReadOnlyList<PlanAction> actions)
    {
        var taken = actions.OfType<CreateContainer>()
            .Select(create => (create, Holder: engine.Containers.All.FirstOrDefault(container => container.Name == create.Name)))
            .Where(pair => pair.Holder is not null && actions.OfType<RemoveContainer>().All(remove => remove.Existing.Id != pair.Holder.Id))
            .Select(pair => $"service '{pair.create.Service.Name}': the name '{pair.create.Name}' is in use by container {pair.Holder!.Record.ShortId}"
                + (pair.Holder.Record.Label(ComposeLabels.Project) is { Length: > 0 } other ? $" of the project '{other}' ('berth -p {other} down' removes it)" : $" ('berth rm -f {pair.create.Name}' removes it)"))
            .ToList();
        if (taken.Count > 0)
        {
            throw BerthException.Conflict(string.Join('\n', taken));
        }
    }
}
