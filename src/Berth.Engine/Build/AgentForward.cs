using System.Diagnostics;
using System.Net.Sockets;
using Berth.Engine.Errors;
using Berth.Linux;
using Berth.Linux.Files;

namespace Berth.Engine.Build;

/// <summary>
/// An SSH agent within a <c>RUN --mount=type=ssh</c> step: a socket whose connections go on to the caller's agent, or to one that holds a key file of the caller for as long as the step runs.
/// The step sees the agent's socket only, never a key.
/// </summary>
/// <remarks>Dockerfile reference, "RUN --mount=type=ssh"; ssh-agent(1).</remarks>
internal sealed class AgentForward : IDisposable
{
    private const int MostConnections = 64; // at once; further ones wait
    private static readonly TimeSpan s_longestStart = TimeSpan.FromSeconds(10);
    private readonly CancellationTokenSource _ended = new();
    private readonly Socket _listener;
    private readonly string _agent;
    private readonly Process? _ownAgent;
    private readonly string _folder;

    private AgentForward(string folder, Socket listener, string agent, Process? ownAgent)
    {
        (_folder, _listener, _agent, _ownAgent) = (folder, listener, agent, ownAgent);
        _ = AcceptAsync();
    }

    /// <summary>Where the step's socket is.</summary>
    internal string Path => SocketIn(_folder);

    /// <param name="folder">Is made, and removed in the end.</param>
    /// <param name="source">The caller's agent's socket, or a file with a private key.</param>
    /// <exception cref="BerthException">There is neither, or the key cannot be used.</exception>
    internal static async Task<AgentForward> StartAsync(string folder, string source, SshOwner owner, CancellationToken cancellationToken)
    {
        using var parent = DirectoryHandle.Open(Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName);
        var (agent, ownAgent) = (source, (Process?)null);
        try
        {
            if (IsKey(source))
            {
                agent = folder + "/agent";
                ownAgent = await StartAgentAsync(agent, source, cancellationToken).ConfigureAwait(false);
            }

            var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(SocketIn(parent.ProcPath))); // an address has at most 107 bytes, unix(7)
            parent.SetOwner("socket", owner.UserId, owner.GroupId);
            parent.SetPermissions("socket", owner.Mode);
            listener.Listen(MostConnections);
            return new(folder, listener, agent, ownAgent);
        }
        catch
        {
            End(folder, ownAgent);
            throw;
        }
    }

    private static string SocketIn(string folder) => folder + "/socket";

    private static bool IsKey(string source)
    {
        try
        {
            using var file = RegularFile.Open(source);
            return true;
        }
        catch (LinuxException exception) when (exception.Errno == Errno.EINVAL)
        {
            return false; // something else than a file
        }
        catch (LinuxException exception)
        {
            throw BerthException.Invalid($"neither an SSH agent nor a key is at '{source}': {exception.Message}");
        }
    }

    // The agent's command ends with its input, that is with the step, and with a daemon that is killed; and it ends the agent, which by itself would notice only after a while.
    private static async Task<Process> StartAgentAsync(string socket, string key, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("ssh-agent", ["-a", socket, "sh", "-c", "ssh-add -q \"$1\" && echo ready && cat; kill \"$SSH_AGENT_PID\"", "sh", key])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/",
        };
        (start.Environment["SSH_ASKPASS"], start.Environment["SSH_ASKPASS_REQUIRE"]) = ("/bin/false", "force"); // nobody is there to be asked
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new BerthException(ErrorKind.Failed, $"giving a build the key '{key}' needs ssh-agent, which is not installed: apt-get install openssh-client; or start an agent yourself and give its socket", exception);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_longestStart);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            if (await process.StandardOutput.ReadLineAsync(limit.Token).ConfigureAwait(false) == "ready")
            {
                return process;
            }

            process.StandardInput.Close();
            var said = (await errors.WaitAsync(limit.Token).ConfigureAwait(false)).Trim();
            process.Dispose();
            throw BerthException.Invalid($"the key '{key}' cannot be given to the build: {(said.Length > 0 ? said : "it has a passphrase")}; start ssh-agent, add the key with ssh-add, and give the agent");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw new BerthException(ErrorKind.Failed, $"ssh-agent did not take the key '{key}' within {s_longestStart.TotalSeconds:0} s");
        }
    }

    private async Task AcceptAsync()
    {
        using var room = new SemaphoreSlim(MostConnections, MostConnections);
        var relays = new List<Task>();
        try
        {
            while (true)
            {
                await room.WaitAsync(_ended.Token).ConfigureAwait(false);
                var inside = await _listener.AcceptAsync(_ended.Token).ConfigureAwait(false);
                relays.RemoveAll(one => one.IsCompleted);
                relays.Add(RelayAsync(inside, room));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            await Task.WhenAll(relays).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the step has ended
        }
    }

    private async Task RelayAsync(Socket inside, SemaphoreSlim room)
    {
        using var outside = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await outside.ConnectAsync(new UnixDomainSocketEndPoint(_agent), _ended.Token).ConfigureAwait(false);
            Task[] pumps = [PumpAsync(inside, outside), PumpAsync(outside, inside)];
            await (await Task.WhenAny(pumps).ConfigureAwait(false)).ConfigureAwait(false); // when one breaks off, the other has nobody to talk to any more
            await Task.WhenAll(pumps).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            inside.Close(); // who asked sees the agent's end
        }
        finally
        {
            inside.Dispose();
            room.Release();
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[4096];
        for (int read; (read = await from.ReceiveAsync(buffer, _ended.Token).ConfigureAwait(false)) > 0;)
        {
            for (var sent = 0; sent < read;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _ended.Token).ConfigureAwait(false);
            }
        }

        to.Shutdown(SocketShutdown.Send);
    }

    public void Dispose()
    {
        _ended.Cancel();
        _listener.Dispose();
        End(_folder, _ownAgent);
    }

    private static void End(string folder, Process? ownAgent)
    {
        ownAgent?.StandardInput.Close();
        ownAgent?.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>Whose the socket is in the step.</summary>
internal sealed record SshOwner(uint UserId, uint GroupId, uint Mode);
