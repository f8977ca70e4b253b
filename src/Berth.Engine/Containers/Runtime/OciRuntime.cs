using Berth.Engine.Errors;
using Berth.Linux.Cgroups;
using Berth.Linux.Mounts;
using Berth.Linux.Namespaces;

namespace Berth.Engine.Containers.Runtime;

/// <summary>The OCI runtime of this host: crun, else runc. man crun(1), OCI Runtime Spec 1.1, runtime.md.</summary>
/// <param name="Path">The program.</param>
/// <param name="StateRoot">Where it keeps its state (<c>--root</c>).</param>
/// <param name="HidesUnifiedTree">It must be run without sight of the v2 tree of a hybrid host.</param>
/// <param name="Reason">Why this one, for the log and <c>info</c>.</param>
internal sealed record OciRuntime(string Path, string StateRoot, bool HidesUnifiedTree, string Reason, CommandRunner Commands)
{
    private const string Nsenter = "/usr/bin/nsenter";

    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>Finds a runtime that works with this host's control groups.</summary>
    /// <exception cref="BerthException">Neither crun nor runc is installed, or the chosen one is not there.</exception>
    internal static OciRuntime Probe(string? wanted, string stateRoot, CgroupLayout cgroups, CommandRunner commands)
    {
        string? Find(string name) => new[] { "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/" }
            .Select(folder => folder + name).FirstOrDefault(File.Exists);
        OciRuntime Use(string path, string reason)
        {
            var name = System.IO.Path.GetFileName(path);
            return new(path, $"{stateRoot}/{name}", name == "crun" && cgroups.HasV2ControllersBesideV1, reason, commands); // each knows only its own files
        }

        if (wanted is not null)
        {
            var path = wanted.StartsWith('/') ? wanted : Find(wanted);
            return path is not null && File.Exists(path)
                ? Use(path, "chosen by default-runtime")
                : throw new BerthException(ErrorKind.Failed, $"The runtime '{wanted}' of default-runtime is not installed. Install it, or remove that setting.");
        }

        var (crun, runc) = (Find("crun"), Find("runc"));
        if (crun is not null && (!cgroups.HasV2ControllersBesideV1 || File.Exists(Nsenter)))
        {
            return Use(crun, cgroups.HasV2ControllersBesideV1 ? "crun starts containers fastest; it is run without sight of this hybrid host's v2 tree" : "crun starts containers fastest");
        }

        if (runc is not null)
        {
            return Use(runc, crun is null ? "crun is not installed" : "crun refuses hybrid control groups whose v2 tree still has controllers, and nsenter is not installed");
        }

        throw new BerthException(
            ErrorKind.Failed,
            crun is null
                ? "Neither crun nor runc is installed, so no container can run. Install one: apt-get install crun"
                : "crun refuses this host's hybrid control groups (its v2 tree still has controllers), and neither nsenter nor runc is installed. Install one: apt-get install util-linux");
    }

    /// <summary>The command to run it by, valid until the view is disposed. It may be disposed once the program has been started.</summary>
    /// <remarks>
    /// crun 1.8 refuses a v2 tree that has controllers beside v1 hierarchies, and takes a host whose v2 tree it does not see for a plain
    /// v1 one. So it enters a mount namespace in which only that tree is missing; every other mount is as on the host, shared with it
    /// where it is. The namespace is made anew for each command: one that lasted would keep what the host unmounts in use.
    /// </remarks>
    internal async Task<RuntimeView> OpenAsync()
    {
        IReadOnlyList<string> command = [Path, "--root", StateRoot];
        if (!HidesUnifiedTree)
        {
            return new(command, null);
        }

        var mounts = await MountNamespace.CopyAsync(() =>
        {
            Mount.MakePrivate(CgroupLayout.Root);
            Mount.UnmountAll(CgroupLayout.UnifiedTree);
        }).ConfigureAwait(false);
        return new([Nsenter, "--mount=" + mounts.Path, .. command], mounts);
    }

    private async Task<CommandResult> RunAsync(params IReadOnlyList<string> arguments)
    {
        using var view = await OpenAsync().ConfigureAwait(false);
        return await Commands.RunAsync(view.Command[0], [.. view.Command.Skip(1), .. arguments]).ConfigureAwait(false);
    }

    /// <summary>
    /// Whether a container is made but its program has not begun: its first process waits at a pipe in the runtime's state, which crun and runc remove once they have
    /// told it to go on (and by which their own <c>state</c> tells <c>created</c> from <c>running</c>; OCI runtime specification, "State").
    /// </summary>
    internal bool IsOnlyCreated(string id) => File.Exists($"{StateRoot}/{id}/exec.fifo");

    internal async Task StartAsync(string id)
    {
        var result = await RunAsync("start", id).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw RuntimeFailure.From(result.Error, "start");
        }
    }

    /// <summary>Removes the runtime's state and cgroups; processes that are still there are killed. Absent is fine.</summary>
    internal Task DeleteAsync(string id) => RunAsync("delete", "--force", id);

    /// <param name="resourcesFile">"resources" of the OCI Runtime Spec, config-linux.md.</param>
    internal async Task UpdateAsync(string id, string resourcesFile)
    {
        var result = await RunAsync("update", "--resources", resourcesFile, id).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            throw RuntimeFailure.From(result.Error, "update");
        }
    }

    internal async Task PauseAsync(string id, bool pause)
    {
        var result = await RunAsync(pause ? "pause" : "resume", id).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            if (result.Error.Contains("is not running", StringComparison.Ordinal) || result.Error.Contains("does not exist", StringComparison.Ordinal) || !Directory.Exists($"{StateRoot}/{id}"))
            {
                if (!pause)
                {
                    return; // it has just ended, and nothing of it stands still
                }

                throw BerthException.Conflict($"container {id} is not running");
            }

            throw RuntimeFailure.From(result.Error, pause ? "pause" : "resume");
        }
    }
}

/// <summary>How a runtime is run now: see <see cref="OciRuntime.OpenAsync"/>.</summary>
/// <param name="Command">The program and the arguments that come before the runtime's own command.</param>
internal sealed record RuntimeView(IReadOnlyList<string> Command, MountNamespace? Mounts) : IDisposable
{
    public void Dispose() => Mounts?.Dispose();
}
