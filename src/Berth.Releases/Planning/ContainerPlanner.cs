using System.Globalization;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Compose.Output;

namespace Berth.Releases.Planning;

/// <summary>What happens to each container, service by service in the order of their dependencies.</summary>
internal sealed class ContainerPlanner(
    ProjectModel project,
    ActualProject actual,
    PlanOptions options,
    PlanScope scope,
    IReadOnlySet<string> recreatedNetworks,
    IReadOnlyList<PlanAction> images,
    PlanFindings findings)
{
    private readonly ReleaseJobs _jobs = new(project);
    private readonly HashSet<string> _replaced = new(StringComparer.Ordinal); // services with a new container
    private readonly List<PlanAction> _actions = [];
    private readonly Dictionary<string, string> _hashes = new(StringComparer.Ordinal); // by service

    public IReadOnlyList<PlanAction> Plan()
    {
        foreach (var name in options.Scale.Keys.Where(name => !project.Services.ContainsKey(name)))
        {
            findings.Problems.Add($"--scale: no such service: {name}");
        }

        foreach (var service in scope.Services)
        {
            PlanService(service);
        }

        return _actions;
    }

    private void PlanService(ServiceModel service)
    {
        var wanted = Wanted(service);
        if (wanted > 1 && service.ContainerName is not null)
        {
            findings.Problems.Add(
                $"service '{service.Name}' has the fixed container name '{service.ContainerName}' and cannot have {wanted} containers");
            return;
        }

        if (wanted > 1 && DataPaths.Find(service, ImagePlanner.ImageOf(project, service)) is var (path, database))
        {
            findings.Problems.Add($"service '{service.Name}' cannot have {wanted} containers: they would all be servers on the {database} data in {path}, which destroys it");
            return;
        }

        foreach (var left in actual.Containers.Where(container => container.Service == service.Name && container.OutOfService))
        {
            _actions.Add(new RemoveContainer(left, WithVolumes: false, "an earlier release left it"));
        }

        var existing = actual.Containers.Where(container => container.Service == service.Name && container is { IsOneOff: false, OutOfService: false }).ToList();
        if (options.GoesBack && _jobs.Contains(service.Name))
        {
            _actions.AddRange(existing.Select(container => new LeaveContainer(service, container, "jobs do not run on the way back"))); // what an earlier release's did is done
            return;
        }

        var reasons = existing.ToDictionary(container => container.Id, container => ReplaceReason(service, container), StringComparer.Ordinal);
        var kept = existing
            .OrderBy(container => reasons[container.Id] is not null) // what has to go anyway goes first when there are too many
            .ThenBy(container => container.Number)
            .Take(wanted)
            .OrderBy(container => container.Number)
            .ToList();

        foreach (var surplus in existing.Except(kept).OrderByDescending(container => container.Number))
        {
            var verb = wanted == 1 ? "is" : "are";
            _actions.Add(new RemoveContainer(surplus, WithVolumes: false, $"{Count(wanted)} of '{service.Name}' {verb} wanted"));
        }

        var actions = Rolled(
            service, wanted,
            [
                .. kept.SelectMany(container => PlanExisting(service, container, reasons[container.Id])),
                .. New(service, existing, wanted - kept.Count),
            ]);
        if (actions.Any(Starts))
        {
            AddWaits(service);
        }

        if (actions.Any(action => action is ReplaceContainer or CreateContainer or RollService))
        {
            _actions.AddRange(VolumeRefreshes.Of(project, service));
        }

        _actions.AddRange(actions);
        if (actions.Any(action => action is ReplaceContainer or RollService { Replacements.Count: > 0 }))
        {
            _replaced.Add(service.Name);
        }
    }

    /// <summary>Where a service that serves gets new containers, they take over from the old ones if the rules allow it.</summary>
    private IReadOnlyList<PlanAction> Rolled(ServiceModel service, int wanted, IReadOnlyList<PlanAction> actions)
    {
        var replacements = actions.OfType<ReplaceContainer>().Where(action => action is { Start: true, Existing.State: ContainerState.Running }).ToList();
        var additions = actions.OfType<CreateContainer>().Where(action => action.Start).ToList();
        var serves = replacements.Count > 0 || actions.Any(action => action is LeaveContainer { Existing.State: ContainerState.Running } or UpdateContainer);
        if (!serves || replacements.Count + additions.Count == 0 || service.Networks.Keys.Any(recreatedNetworks.Contains) || HasFixedAddress(service))
        {
            return actions;
        }

        var image = ImagePlanner.ImageOf(project, service);
        if (options.ImagesAreReady && service.Extension?.Ready is { Port: null } && !RollRules.HasTcpPort(service, actual.Images.GetValueOrDefault(image)))
        {
            findings.Problems.Add($"service '{service.Name}': x-berth.ready can never be answered, as no port is known to ask at; name it (x-berth: {{ready: {{port: 8000}}}}), or expose it");
            return [];
        }

        var decision = RollRules.Decide(service, image, actual.Images.GetValueOrDefault(image), wanted, IsShared(service.Name), options.GoesBack);
        if (decision.Problem is { } problem)
        {
            findings.Problems.Add(problem);
            return [];
        }

        var cost = decision.Settings.Order == RollOrder.Alone && options.LastGaps.TryGetValue(service.Name, out var seconds) ? string.Create(CultureInfo.InvariantCulture, $"; last time that took {seconds:0.0} s") : "";
        var reason = replacements.Count > 0 ? $"{replacements[0].Reason} ({decision.Reason}{cost})" : additions[0].Reason;
        return
        [
            .. actions.Where(action => !replacements.Contains(action) && !additions.Contains(action)),
            new RollService(service, replacements, additions, decision.Settings, reason),
        ];
    }

    // Such a container must be gone before another can be made with its address.
    private static bool HasFixedAddress(ServiceModel service) => service.MacAddress is not null
        || service.Networks.Values.Any(network => network.Ipv4Address is not null || network.Ipv6Address is not null || network.MacAddress is not null);

    private bool IsShared(string service) =>
        project.Services.Values.Any(other => ServiceOrder.Shared(other).Contains(service));

    private int Wanted(ServiceModel service) => options.Scale.TryGetValue(service.Name, out var scale) ? scale : service.Scale;

    private IEnumerable<PlanAction> PlanExisting(ServiceModel service, ActualContainer container, string? replaceReason)
    {
        if (replaceReason is not null)
        {
            yield return new ReplaceContainer(service, container, NameOf(service, container.Number), !options.NoStart, replaceReason) { Changes = AllChanges(service, container) };
            yield break;
        }

        var changes = options.NoRecreate ? [] : Wrong(service, container);
        if (changes.Count > 0)
        {
            yield return new UpdateContainer(service, container, UpdateReason(service, container, changes)) { Changes = changes };
        }

        if (options.NoStart || container.State is ContainerState.Running or ContainerState.Restarting)
        {
            if (RestartReason(service) is { } reason && !options.NoStart)
            {
                yield return new RestartContainer(service, container, reason);
            }
            else if (changes.Count == 0)
            {
                yield return new LeaveContainer(service, container, LeaveReason(service));
            }

            yield break;
        }

        yield return new StartContainer(service, container, container.State switch
        {
            ContainerState.Paused => "it is paused",
            ContainerState.Created => "it was never started",
            _ => "it is not running",
        });
    }

    /// <summary>
    /// What must become other. Where the files say what they said when it was made, that is only what others can have changed since; what
    /// an older Berth or another program has written differently, and means the same, is left alone.
    /// </summary>
    private IReadOnlyList<FieldChange> Wrong(ServiceModel service, ActualContainer container) =>
        IsAsReleased(service, container) ? [.. (container.Changes ?? []).Where(change => change.IsDrift)] : container.Changes ?? [];

    /// <summary>The files say what they said when it was made.</summary>
    private bool IsAsReleased(ServiceModel service, ActualContainer container)
    {
        if (!_hashes.TryGetValue(service.Name, out var hash))
        {
            _hashes[service.Name] = hash = ServiceHash.Compute(service);
        }

        return container.ConfigHash == hash;
    }

    private string UpdateReason(ServiceModel service, ActualContainer container, IReadOnlyList<FieldChange> changes)
    {
        var fields = string.Join(", ", changes.Take(3).Select(change => change.Field)) + (changes.Count > 3 ? $" and {changes.Count - 3} more" : "");
        return IsAsReleased(service, container) ? $"{fields} {(changes.Count == 1 ? "was" : "were")} changed by somebody else" : $"{fields} changed";
    }

    private IReadOnlyList<FieldChange> AllChanges(ServiceModel service, ActualContainer container)
    {
        var image = ImagePlanner.ImageOf(project, service);
        var known = container.Changes ?? [];
        if (container.Changes is null && container.Image.Length > 0 && container.Image != image)
        {
            return [new("image", container.Image, image)]; // the rest is known once the image is here
        }

        return actual.Images.TryGetValue(image, out var found) && found.Id != container.ImageId && known.All(change => change.Field != "image")
            ? [new("image", $"{image} ({Short(container.ImageId)})", $"{image} ({Short(found.Id)})"), .. known]
            : known;
    }

    private static string Short(string id) => id.Length > 19 ? id[7..19] : id;

    private IEnumerable<CreateContainer> New(ServiceModel service, List<ActualContainer> existing, int count)
    {
        var last = existing.Count == 0 ? 0 : existing.Max(container => container.Number);
        var reason = existing.Count == 0 ? "it does not exist yet" : "more are wanted";
        return Enumerable.Range(last + 1, Math.Max(0, count))
            .Select(number => new CreateContainer(service, number, NameOf(service, number), !options.NoStart, reason));
    }

    /// <summary>Null when the container is as it should be, or must be kept.</summary>
    private string? ReplaceReason(ServiceModel service, ActualContainer container)
    {
        if (recreatedNetworks.FirstOrDefault(service.Networks.ContainsKey) is { } network)
        {
            return $"its network '{network}' is made anew"; // even with --no-recreate: the old network is gone
        }

        if (ServiceOrder.Shared(service).FirstOrDefault(_replaced.Contains) is { } owner)
        {
            return service.VolumesFrom.Any(one => !one.IsContainer && one.Source == owner)
                ? $"it has the volumes of '{owner}', which is replaced"
                : $"it lives in a namespace of '{owner}', which is replaced";
        }

        if (options.NoRecreate)
        {
            return null;
        }

        var isForced = scope.Named.Contains(service.Name) ? options.ForceRecreate : options.ForceRecreateDependencies;
        var image = ImagePlanner.ImageOf(project, service);
        return isForced ? "a new one was asked for"
            : options.RenewVolumes && (service.Volumes.Any(mount => mount is { Kind: MountKind.Volume, Source: null }) || actual.Images.GetValueOrDefault(image) is { Volumes.Count: > 0 }) ? "new anonymous volumes were asked for"
            : NeedsAnother(service, container) ? IsAsReleased(service, container) ? "it was changed by somebody else" : "its configuration changed"
            : actual.Images.TryGetValue(image, out var found) && found.Id != container.ImageId ? $"its image '{image}' changed"
            : null;
    }

    // Only what runs is changed as it is.
    private bool NeedsAnother(ServiceModel service, ActualContainer container) => container.Changes is null
        ? !IsAsReleased(service, container)
        : Wrong(service, container) is { Count: > 0 } wrong && (container.State != ContainerState.Running || wrong.Any(change => !change.IsInPlace));

    private string? RestartReason(ServiceModel service) => service.DependsOn
        .Where(pair => pair.Value.Restart && _replaced.Contains(pair.Key))
        .Select(pair => $"'{pair.Key}', which it depends on, is replaced")
        .FirstOrDefault();

    private string LeaveReason(ServiceModel service)
    {
        var image = ImagePlanner.ImageOf(project, service);
        var isPending = !options.ImagesAreReady
            && images.Any(action => action is BuildImage build ? build.Image == image : action is PullImage pull && pull.Image == image);
        return isPending ? "it is up to date, unless its image turns out to be new" : "it is up to date";
    }

    private void AddWaits(ServiceModel service)
    {
        if (options.NoDependencies)
        {
            return;
        }

        foreach (var (name, dependency) in service.DependsOn.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (dependency.Condition == DependencyCondition.Started || !scope.Contains(name) || (options.GoesBack && _jobs.Contains(name)))
            {
                continue;
            }

            if (Wanted(project.Services[name]) == 0)
            {
                findings.Problems.Add($"service '{service.Name}' waits for '{name}', of which no container is wanted");
                continue;
            }

            var state = dependency.Condition == DependencyCondition.Healthy ? "healthy" : "done";
            _actions.Add(new WaitForDependency(
                service.Name, name, dependency.Condition, dependency.Required, $"'{service.Name}' starts once '{name}' is {state}"));
        }
    }

    private string NameOf(ServiceModel service, int number) =>
        service.ContainerName ?? ComposeNames.Container(project, service.Name, number);

    private static bool Starts(PlanAction action) =>
        action is CreateContainer { Start: true } or ReplaceContainer { Start: true } or StartContainer or RestartContainer or RollService;

    private static string Count(int number) => number == 0 ? "none" : number.ToString(CultureInfo.InvariantCulture);
}
