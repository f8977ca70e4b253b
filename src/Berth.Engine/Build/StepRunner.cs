using Berth.Engine.Containers;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;
using Berth.Engine.Networks;
using Berth.Linux.Files;
using Berth.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Berth.Engine.Build;

/// <summary>
/// Runs steps with the OCI runtime alone (a step ends with its daemon, so nobody need hold its output), confined like a
/// container with Docker's defaults, on the default bridge unless the step asks for the host's network or for none.
/// </summary>
internal sealed class StepRunner(EngineParts parts, NetworkService networks, Func<Task> refreshTraffic) : IStepRunner
{
    private const string StepIntent = "build.step";
    private const string Hostname = "buildkitsandbox"; // the name that steps have in Docker
    private const long ShmBytes = 64 << 20;

    private string Root => parts.Options.ExecRoot + "/build";

    public Func<string, string>? Remap => parts.Options.Users is null ? null : parts.Remapped.PathOf;

    private string? UserNamespace => parts.Options.Users is null ? null : parts.Remapped.UserNamespace;

    /// <summary>Ends the steps that a killed daemon left.</summary>
    internal async Task RecoverAsync()
    {
        foreach (var intent in parts.State.OpenIntents().Where(intent => intent.Kind == StepIntent))
        {
            await parts.Runtime.DeleteAsync(intent.Subject).ConfigureAwait(false);
            parts.Cgroups.Remove($"{parts.Options.CgroupParent}/{intent.Subject}");
            await parts.Wiring.DeleteAsync(intent.Subject, []).ConfigureAwait(false);
            RemoveBundle(intent.Subject);
            await intent.CompleteAsync().ConfigureAwait(false);
        }
    }

    public async Task<int> RunAsync(StepConfig step, Func<StepOutput, ValueTask> output, CancellationToken cancellationToken)
    {
        if (step.Network is not ("default" or "bridge" or "host" or "none"))
        {
            throw new BerthException(ErrorKind.NotSupported, $"A build step cannot join the network '{step.Network}'; use default, host or none.");
        }

        if (step.Network == "host" && UserNamespace is not null)
        {
            throw new BerthException(ErrorKind.Invalid, "cannot share the host's network namespace when user namespaces are enabled");
        }

        if (step.IsPrivileged && UserNamespace is not null)
        {
            throw new BerthException(ErrorKind.Invalid, "a step cannot be privileged (--security=insecure) when user namespaces are enabled");
        }

        await using var intent = await parts.State.BeginIntentAsync(StepIntent, step.Id, "{}"u8.ToArray()).ConfigureAwait(false);
        EndpointRecord? endpoint = null;
        try
        {
            var bundle = Directory.CreateDirectory($"{Root}/{step.Id}").FullName;
            if (step.Network != "host")
            {
                endpoint = await WireAsync(step).ConfigureAwait(false);
            }

            parts.Faults.Reached("build.step.wired");
            await File.WriteAllBytesAsync(bundle + "/config.json", RuntimeSpecWriter.Container(parts.SeccompFilters.Apply(Describe(step, bundle))), cancellationToken).ConfigureAwait(false);
            return await RunAsync(step.Id, bundle, CgroupOf(step), output, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await parts.Wiring.DeleteAsync(step.Id, endpoint is null ? [] : [endpoint]).ConfigureAwait(false);
            if (endpoint is not null)
            {
                networks.Release(endpoint);
            }

            RemoveBundle(step.Id);
            parts.Faults.Reached("build.step.torn-down");
            await intent.CompleteAsync().ConfigureAwait(false);
        }
    }

    private async Task<EndpointRecord?> WireAsync(StepConfig step)
    {
        if (step.Network == "none")
        {
            await parts.Wiring.CreateAsync(step.Id, [], UserNamespace, () => { }).ConfigureAwait(false);
            return null;
        }

        var network = networks.Resolve("bridge");
        var endpoint = await networks.AllocateAsync(network, new EndpointConfig(), service: null).ConfigureAwait(false);
        parts.Wiring.EnsureBridge(network);
        await refreshTraffic().ConfigureAwait(false);
        await parts.Wiring.CreateAsync(step.Id, [(network, endpoint)], UserNamespace, () => { }).ConfigureAwait(false);
        return endpoint;
    }

    private async Task<int> RunAsync(string id, string bundle, string cgroup, Func<StepOutput, ValueTask> output, CancellationToken cancellationToken)
    {
        var (outRead, outWrite) = Pipes.Create();
        var (errRead, errWrite) = Pipes.Create();
        ChildProcess process;
        using var view = await parts.Runtime.OpenAsync().ConfigureAwait(false);
        using (outWrite)
        using (errWrite)
        using (var input = parts.Conmon.OpenNull())
        {
            var descriptors = new Dictionary<int, SafeFileHandle> { [1] = outWrite, [2] = errWrite };
            if (input is not null)
            {
                descriptors[0] = input;
            }

            process = Spawn.Start(new SpawnConfig
            {
                Path = view.Command[0],
                Arguments = [.. view.Command, "run", "--bundle", bundle, id],
                Environment = CommandRunner.Environment,
                Descriptors = descriptors,
            });
        }

        parts.Faults.Reached("build.step.running");
        using var gate = new SemaphoreSlim(1, 1); // the two streams take turns
        var relaying = Task.WhenAll(RelayAsync(outRead, isError: false, output, gate), RelayAsync(errRead, isError: true, output, gate));
        var ended = process.WaitAsync(parts.Exits);
        try
        {
            await ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await parts.Runtime.DeleteAsync(id).ConfigureAwait(false); // kills what runs
            await ended.ConfigureAwait(false);
            await parts.Runtime.DeleteAsync(id).ConfigureAwait(false); // if it was only being made
            parts.Cgroups.Remove(cgroup); // a runtime whose container went while it made it knows of none afterwards, but has left this
            await relaying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        await relaying.ConfigureAwait(false);
        return await ended.ConfigureAwait(false);
    }

    private static async Task RelayAsync(SafeFileHandle pipe, bool isError, Func<StepOutput, ValueTask> output, SemaphoreSlim gate)
    {
        await using var from = new FileStream(pipe, FileAccess.Read, bufferSize: 0);
        var buffer = new byte[16384];
        for (int read; (read = await from.ReadAsync(buffer, CancellationToken.None).ConfigureAwait(false)) > 0;)
        {
            await gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                await output(new(isError, buffer.AsMemory(0, read).ToArray())).ConfigureAwait(false);
            }
            finally
            {
                gate.Release();
            }
        }
    }

    private void RemoveBundle(string id)
    {
        if (Directory.Exists($"{Root}/{id}"))
        {
            Directory.Delete($"{Root}/{id}", recursive: true);
        }
    }

    private RuntimeSpecModel Describe(StepConfig step, string bundle)
    {
        var host = step.Limits with { Privileged = step.IsPrivileged, ShmSize = step.Limits.ShmSize > 0 ? step.Limits.ShmSize : ShmBytes };
        var user = ResolveUser(step);
        var config = new ContainerConfig { Hostname = Hostname, Env = step.Environment };
        return new RuntimeSpecModel
        {
            Hostname = Hostname,
            RootPath = step.RootPath,
            Process = new ProcessModel
            {
                Args = step.Arguments,
                Env = RuntimeSpecBuilder.EnvironmentOf(config, user),
                WorkingDirectory = step.WorkingDirectory,
                User = user,
                Capabilities = Capabilities.For(step.IsPrivileged, null, null),
                Ulimits = host.Ulimits ?? [],
                AppArmorProfile = AppArmor.ProfileOf(parts.Options, "", step.IsPrivileged),
            },
            Mounts = [.. RuntimeSpecBuilder.StandardMounts(host, parts.Cgroups), .. AccountMounts(step, bundle), .. step.Mounts.Select(OwnMount)],
            Users = parts.Options.Users,
            Namespaces = RuntimeSpecBuilder.Namespaces(
                host, parts.Cgroups, step.Network == "host" ? null : parts.Wiring.NamespacePath(step.Id), UserNamespace, _ => throw new InvalidOperationException("A step shares no container's namespace.")),
            CgroupsPath = CgroupOf(step),
            Privileged = step.IsPrivileged,
            MaskedPaths = step.IsPrivileged ? [] : [.. RuntimeSpecBuilder.AllMaskedPaths],
            ReadonlyPaths = step.IsPrivileged ? [] : RuntimeSpecBuilder.ReadonlyPaths,
            Resources = ResourceModel.From(host),
        };
    }

    private string CgroupOf(StepConfig step) => $"{(step.Limits.CgroupParent.Length > 0 ? step.Limits.CgroupParent : parts.Options.CgroupParent)}/{step.Id}";

    private static ProcessUser ResolveUser(StepConfig step)
    {
        using var root = DirectoryHandle.Open(step.RootPath);
        try
        {
            var user = UserDatabase.Resolve(root, step.User);
            return new(user.User, user.Group, [user.Group, .. user.AdditionalGroups.Where(group => group != user.Group)], user.Home);
        }
        catch (FormatException exception)
        {
            throw new BerthException(ErrorKind.Invalid, exception.Message, exception);
        }
    }

    private IEnumerable<SpecMount> AccountMounts(StepConfig step, string bundle)
    {
        var hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost\n" + ContainerFiles.ExtraHosts(step.ExtraHosts, networks.All);
        foreach (var (name, content) in new[] { ("hosts", hosts), ("hostname", Hostname + "\n"), ("resolv.conf", File.ReadAllText("/etc/resolv.conf")) })
        {
            var file = $"{bundle}/{name}";
            File.WriteAllText(file, content);
            yield return new("/etc/" + name, "bind", file, ["bind", "ro"]);
        }
    }

    private static SpecMount OwnMount(StepMount mount) => mount.Kind == StepMountKind.Tmpfs
        ? new(mount.Target, "tmpfs", "tmpfs", mount.SizeBytes is { } size ? ["nosuid", "nodev", $"size={size}"] : ["nosuid", "nodev"])
        : new(mount.Target, "bind", mount.Source, ["rbind", mount.IsReadOnly ? "ro" : "rw"]);
}
