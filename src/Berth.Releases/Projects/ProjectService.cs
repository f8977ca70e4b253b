using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Releases.Ledger;
using Berth.Releases.Planning;
using Microsoft.Extensions.Logging;

namespace Berth.Releases.Projects;

/// <summary>
/// Projects: what Compose's verbs do, over the engine. A changing command holds its project, so two of them on one project run one
/// after the other. Cancelling ends a command before its next action; <c>down</c> removes whatever it had made.
/// </summary>
public sealed partial class ProjectService(EngineHost engine, ReleaseLedger ledger, ILogger<ProjectService> logger)
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new(StringComparer.Ordinal); // by project name
    private readonly ConcurrentDictionary<string, string> _holders = new(StringComparer.Ordinal); // what was done last, or is being done, by project name
    private readonly ProjectReader _reader = new(engine);
    private readonly ProjectImages _images = new(engine);
    private readonly ProjectFiles _files = new(engine.Options);

    /// <summary>The containers of a project, by service and number.</summary>
    /// <param name="services">Empty for all.</param>
    /// <param name="oneOffs">With those that <c>run</c> made.</param>
    public IReadOnlyList<Container> Containers(string project, IReadOnlyList<string> services, bool oneOffs) =>
    [
        .. _reader.Containers(project)
            .Where(container => services.Count == 0 || services.Contains(container.Record.Label(ComposeLabels.Service)))
            .Where(container => oneOffs || !ProjectReader.Actual(container).IsOneOff)
            .OrderBy(container => container.Record.Label(ComposeLabels.Service), StringComparer.Ordinal)
            .ThenBy(container => ProjectReader.Actual(container).Number)
            .ThenBy(container => container.Record.OutOfService), // the copy that serves comes first
    ];

    /// <param name="desired">Null when only the name is known.</param>
    public async Task DownAsync(string project, ProjectModel? desired, DownOptions options, int? timeoutSeconds, ProjectProgress progress, CancellationToken cancellationToken)
    {
        using var held = await HoldAsync(project, cancellationToken).ConfigureAwait(false);
        await ForgetWatchAsync(project).ConfigureAwait(false);
        var plan = Planner.PlanDown(desired, _reader.Read(project, desired), options);
        Require(plan, progress);
        if (plan.Actions.Count == 0)
        {
            progress(new(ProjectEventKind.Warning, project, $"No resource found to remove for project \"{project}\"."));
        }

        var model = desired ?? new ProjectModel(
            project, "", [], new Dictionary<string, ServiceModel>(), new Dictionary<string, ServiceModel>(), new Dictionary<string, NetworkModel>(),
            new Dictionary<string, VolumeModel>(), new Dictionary<string, FileObjectModel>(), new Dictionary<string, FileObjectModel>());
        await new PlanExecutor(engine, _reader, model, progress, timeoutSeconds).TakeDownAsync(plan.Actions, cancellationToken).ConfigureAwait(false);
        if (options.Services.Count == 0 && !_reader.Containers(project).Any())
        {
            _files.Remove(project);
        }
    }

    public async Task BuildAsync(ProjectModel project, ProjectBuildOptions options, ProjectProgress progress, CancellationToken cancellationToken)
    {
        RequireServices(project, options.Services);
        var wanted = Chosen(project, options.Services, options.WithDependencies).SelectMany(service => WithBases(project, service)).Distinct();
        List<PlanAction> builds = [.. wanted.Where(service => service.Build is not null)
            .Select(service => new BuildImage(service, ImagePlanner.ImageOf(project, service), "a build was asked for"))
            .DistinctBy(build => build.Image, StringComparer.Ordinal)];
        if (builds.Count == 0)
        {
            progress(new(ProjectEventKind.Warning, project.Name, "No services to build"));
        }

        await _images.PrepareAsync(project, builds, options, progress, cancellationToken).ConfigureAwait(false);
    }

    private static IEnumerable<ServiceModel> WithBases(ProjectModel project, ServiceModel service) =>
        (service.Build?.BuildsOn ?? []).SelectMany(name => WithBases(project, project.Services[name])).Append(service);

    public async Task PullAsync(ProjectModel project, ProjectPullOptions options, ProjectProgress progress, CancellationToken cancellationToken)
    {
        RequireServices(project, options.Services);
        List<PlanAction> pulls = [.. Chosen(project, options.Services, options.WithDependencies).Where(service => service is { Build: null, PullPolicy: not PullPolicy.Never })
            .Where(service => !options.OnlyMissing || engine.Images.TryResolve(service.Image!) is null)
            .Select(service => new PullImage(service.Image!, service.Platform, options.OnlyMissing ? "there is no such image here" : "the newest is asked for"))
            .DistinctBy(pull => pull.Image, StringComparer.Ordinal)];
        try
        {
            await _images.PrepareAsync(project, pulls, new(), progress, cancellationToken).ConfigureAwait(false);
        }
        catch (BerthException exception) when (options.IgnoreFailures)
        {
            progress(new(ProjectEventKind.Warning, project.Name, exception.Message));
        }
    }

    private static IEnumerable<ServiceModel> Chosen(ProjectModel project, IReadOnlyList<string> services, bool withDependencies) => services.Count == 0
        ? project.Services.Values
        : PlanScope.Of(project, services, withoutDependencies: !withDependencies).Services.Where(service => withDependencies || services.Contains(service.Name));

    /// <summary>Keeps containers up to date with the files that their services name under <c>develop</c>, until it is cancelled.</summary>
    /// <param name="prunes">Whether images that the watch has built go when they are replaced.</param>
    public Task WatchAsync(ProjectModel project, IReadOnlyList<string> services, bool prunes, ProjectProgress progress, CancellationToken cancellationToken)
    {
        RequireServices(project, services);
        return new Watching.ProjectWatch(engine, this, project, prunes, progress).RunAsync(services, cancellationToken);
    }

    /// <summary>Starts containers that exist, and those of services that theirs depend on: each once these are as it asks for.</summary>
    public async Task StartAsync(string project, IReadOnlyList<string> services, ProjectProgress progress, CancellationToken cancellationToken)
    {
        using var held = await HoldAsync(project, cancellationToken).ConfigureAwait(false);
        var found = Existing(project, services.Count > 0 ? WithDependencies(project, services) : []);
        if (found.Count == 0)
        {
            throw BerthException.NotFound($"the project '{project}' has no container to start; 'berth up -d' makes them");
        }

        await InOrderAsync(project, [.. found.Where(container => !container.Record.IsRunning)], progress, container => progress.StepAsync(
            engine.Time, ProjectEventKind.Container, container.Name, "Starting", "Started", () => ContainerActions.StartAsync(engine, container)), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops containers, those that depend on others first.</summary>
    public async Task StopAsync(string project, IReadOnlyList<string> services, int? timeoutSeconds, ProjectProgress progress, CancellationToken cancellationToken)
    {
        using var held = await HoldAsync(project, cancellationToken).ConfigureAwait(false);
        await StopHeldAsync(Existing(project, services, withAside: true), timeoutSeconds, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <param name="withDependents">Those of services that ask to be restarted with one of these, too. Compose Specification, 05-services.md, "depends_on", <c>restart</c>.</param>
    public async Task RestartAsync(
        string project, IReadOnlyList<string> services, int? timeoutSeconds, bool withDependents, ProjectProgress progress, CancellationToken cancellationToken)
    {
        using var held = await HoldAsync(project, cancellationToken).ConfigureAwait(false);
        await InOrderAsync(project, Existing(project, withDependents && services.Count > 0 ? WithDependents(project, services) : services), progress, container => progress.StepAsync(
            engine.Time, ProjectEventKind.Container, container.Name, "Restarting", "Started",
            () => ContainerActions.RestartAsync(engine, container, timeoutSeconds, progress)), cancellationToken).ConfigureAwait(false);
    }

    /// <param name="files">What these do not have is left alone; null: nothing is.</param>
    public async Task KillAsync(string project, IReadOnlyList<string> services, ProjectModel? files, string? signal, ProjectProgress progress, CancellationToken cancellationToken)
    {
        using var held = await HoldAsync(project, cancellationToken).ConfigureAwait(false);
        bool IsOrphan(Container container) => files is not null && container.Record.Label(ComposeLabels.Service) is var service && !files.Services.ContainsKey(service) && !files.DisabledServices.ContainsKey(service);
        await Task.WhenAll(Existing(project, services).Where(container => container.Record.IsRunning && !IsOrphan(container)).Select(container => progress.StepAsync(
            engine.Time, ProjectEventKind.Container, container.Name, "Killing", "Killed", () => engine.Containers.KillAsync(container, signal)))).ConfigureAwait(false);
    }

    public async Task PauseAsync(string project, IReadOnlyList<string> services, bool pause, ProjectProgress progress, CancellationToken cancellationToken)
    {
        using var held = await HoldAsync(project, cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(Existing(project, services).Select(container => progress.StepAsync(
            engine.Time, ProjectEventKind.Container, container.Name, pause ? "Pausing" : "Unpausing", pause ? "Paused" : "Unpaused",
            () => engine.Containers.PauseAsync(container, pause)))).ConfigureAwait(false);
    }

    /// <summary>Removes containers that do not run; with <paramref name="stop"/>, running ones too.</summary>
    public async Task RemoveAsync(string project, IReadOnlyList<string> services, bool stop, bool volumes, ProjectProgress progress, CancellationToken cancellationToken)
    {
        using var held = await HoldAsync(project, cancellationToken).ConfigureAwait(false);
        var found = Existing(project, services);
        if (stop)
        {
            await StopHeldAsync(found, null, progress, cancellationToken).ConfigureAwait(false);
        }

        await Task.WhenAll(found.Where(container => !container.Record.IsRunning).Select(container => progress.StepAsync(
            engine.Time, ProjectEventKind.Container, container.Name, "Removing", "Removed",
            () => engine.Containers.RemoveAsync(container, force: false, volumes)))).ConfigureAwait(false);
    }

    /// <summary><c>run</c>: makes one more container of a service, with its own command. The caller attaches to it and starts it.</summary>
    public async Task<Container> CreateOneOffAsync(ProjectModel project, OneOffOptions options, ProjectProgress progress, CancellationToken cancellationToken)
    {
        RequireServices(project, [options.Service]);
        using var held = await HoldAsync(project.Name, cancellationToken).ConfigureAwait(false);
        var service = OneOff.Change(project.Services[options.Service], options);
        var dependencies = options.NoDependencies ? [] : ServiceOrder.Prerequisites(service).Where(project.Services.ContainsKey).ToList();
        if (dependencies.Count > 0)
        {
            await UpHeldAsync(project, new() { Plan = new() { Services = dependencies, NoRecreate = true }, Caller = new("run") }, progress, cancellationToken).ConfigureAwait(false);
            await WaitForAsync(project.Name, service, progress, cancellationToken).ConfigureAwait(false);
        }

        await UpHeldAsync(project, new() { Plan = new() { Services = [service.Name], NoDependencies = true, Build = options.Build, Pull = options.Pull, RemoveOrphans = options.RemoveOrphans, Scale = new Dictionary<string, int> { [service.Name] = 0 } } }, progress, cancellationToken, isForOneOff: true).ConfigureAwait(false);
        var image = ImagePlanner.ImageOf(project, service);
        var name = options.Name ?? $"{project.Name}-{service.Name}-run-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
        var inputs = new ServiceContainerInputs(
            1, name, image, engine.Images.Resolve(image).Id.ToString(), await _files.PrepareAsync(project, [service], cancellationToken).ConfigureAwait(false), new Dictionary<string, string>(),
            other => Containers(project.Name, [other], oneOffs: false) is [var first, ..] ? first.Id : throw BerthException.NotFound($"service '{other}' has no container whose namespace could be shared"))
        {
            IsOneOff = true, HasAliases = options.UseAliases,
        };
        var made = ServiceContainer.Describe(project, service, inputs);
        made = OneOff.Finish(made, options);
        return await engine.Containers.CreateAsync(name, made.Config, made.Host, made.Networking).ConfigureAwait(false);
    }

    private async Task WaitForAsync(string project, ServiceModel service, ProjectProgress progress, CancellationToken cancellationToken)
    {
        var wait = new ProjectWait(engine, _reader, progress);
        foreach (var (name, dependency) in service.DependsOn)
        {
            try
            {
                await wait.DependencyAsync(project, name, dependency.Condition, cancellationToken).ConfigureAwait(false);
            }
            catch (BerthException exception) when (!dependency.Required)
            {
                progress(new(ProjectEventKind.Warning, service.Name, $"optional dependency '{name}': {exception.Message}"));
            }
        }
    }

    private async Task WaitAsync(IReadOnlyList<Container> containers, TimeSpan? timeout, ProjectProgress progress, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        if (timeout is { } limit)
        {
            timer.CancelAfter(limit);
        }

        var wait = new ProjectWait(engine, _reader, progress);
        try
        {
            await Task.WhenAll(containers.Select(container => wait.RunningAsync(container, either.Token))).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var late = containers.Where(container => container.Health is { Status: not "healthy" } || !container.Record.IsRunning).Select(container => container.Name);
            throw new BerthException(ErrorKind.Unavailable, $"After {timeout!.Value.TotalSeconds:0.#} s these containers are not healthy yet: {string.Join(", ", late)}");
        }
    }

    private Task StopHeldAsync(IReadOnlyList<Container> containers, int? timeoutSeconds, ProjectProgress progress, CancellationToken cancellationToken) => DependencyOrder.NeededLastAsync(
        [.. containers.Where(container => container.WillStart || container.Record.Status is ContainerStatus.Running or ContainerStatus.Paused or ContainerStatus.Restarting)],
        container => container.Record.Label(ComposeLabels.Service),
        container => ProjectReader.Actual(container).DependsOn,
        (container, _) => progress.StepAsync(
            engine.Time, ProjectEventKind.Container, container.Name, "Stopping", "Stopped", () => ContainerActions.StopAsync(engine, container, timeoutSeconds, progress)),
        cancellationToken);

    private IReadOnlyList<Container> Existing(string project, IReadOnlyList<string> services, bool withAside = false)
    {
        // What a release keeps aside is started, restarted and removed by that release alone.
        IReadOnlyList<Container> found = [.. Containers(project, services, oneOffs: false).Where(container => withAside || !container.Record.OutOfService)];
        var missing = services.Where(service => found.All(container => container.Record.Label(ComposeLabels.Service) != service)).ToList();
        return missing.Count == 0 ? found : throw BerthException.NotFound(
            $"the project '{project}' has no container of service {string.Join(", ", missing.Select(name => $"'{name}'"))}; 'berth up -d' makes them");
    }

    private List<string> WithDependencies(string project, IReadOnlyList<string> services)
    {
        var all = Containers(project, [], oneOffs: false);
        List<string> started = [.. services];
        for (var i = 0; i < started.Count; i++)
        {
            var needed = all.Where(container => container.Record.Label(ComposeLabels.Service) == started[i]).SelectMany(container => ProjectReader.Actual(container).DependsOn);
            started.AddRange(needed.Where(name => all.Any(container => container.Record.Label(ComposeLabels.Service) == name)).Distinct().Except(started).ToList());
        }

        return started;
    }

    private List<string> WithDependents(string project, IReadOnlyList<string> services)
    {
        var all = Containers(project, [], oneOffs: false);
        List<string> restarted = [.. services];
        for (var i = 0; i < restarted.Count; i++)
        {
            restarted.AddRange(all
                .Where(container => container.Record is { IsRunning: true, OutOfService: false } && ComposeLabels.IsRestartedWith(container.Record.Label(ComposeLabels.DependsOn), restarted[i]))
                .Select(container => container.Record.Label(ComposeLabels.Service)).Distinct().Except(restarted).ToList());
        }

        return restarted;
    }

    // What a container waits for stands in its label: a command may know the project by its name alone.
    private Task InOrderAsync(string project, IReadOnlyList<Container> containers, ProjectProgress progress, Func<Container, Task> act, CancellationToken cancellationToken)
    {
        var wait = new ProjectWait(engine, _reader, progress);
        var acted = containers.Select(container => container.Record.Label(ComposeLabels.Service)).ToHashSet(StringComparer.Ordinal);
        return DependencyOrder.NeededFirstAsync(
            containers, container => container.Record.Label(ComposeLabels.Service), container => ProjectReader.Actual(container).DependsOn,
            async (container, token) =>
            {
                foreach (var (other, condition) in ComposeLabels.Conditions(container.Record.Label(ComposeLabels.DependsOn)).Where(one => acted.Contains(one.Service)))
                {
                    await wait.DependencyAsync(project, other, condition, token).ConfigureAwait(false);
                }

                await act(container).ConfigureAwait(false);
            },
            cancellationToken);
    }

    private static void Require(Plan plan, ProjectProgress progress)
    {
        foreach (var warning in plan.Warnings)
        {
            progress(new(ProjectEventKind.Warning, "", warning));
        }

        if (plan.Problems.Count > 0)
        {
            throw BerthException.Invalid(string.Join('\n', plan.Problems));
        }
    }

    private static void RequireServices(ProjectModel project, IReadOnlyList<string> services)
    {
        var unknown = services.Where(name => !project.Services.ContainsKey(name)).ToList();
        if (unknown.Count > 0)
        {
            throw BerthException.NotFound(string.Join('\n', unknown.Select(name => $"no such service: {name}")));
        }
    }

    /// <summary>One change of a project comes after the other.</summary>
    /// <param name="what">Told to whoever waits for it.</param>
    /// <param name="progress">Told whom this one waits for.</param>
    private async Task<IDisposable> HoldAsync(string project, CancellationToken cancellationToken, string what = "another command", ProjectProgress? progress = null)
    {
        var gate = _gates.GetOrAdd(project, _ => new(1, 1));
        if (!await gate.WaitAsync(TimeSpan.Zero, cancellationToken).ConfigureAwait(false))
        {
            progress?.Invoke(new(ProjectEventKind.Warning, project, $"waits until {_holders.GetValueOrDefault(project, "another command")} is done"));
            await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        _holders[project] = string.Create(CultureInfo.InvariantCulture, $"{what}, since {engine.Time.GetUtcNow():HH:mm:ss} UTC,");
        return new Held(gate);
    }

    private sealed class Held(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
