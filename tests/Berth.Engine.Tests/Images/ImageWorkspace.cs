using System.Net;
using System.Net.Sockets;
using Berth.Engine.Images;
using Berth.Engine.State;
using Berth.Linux.Files;
using Berth.Linux.Mounts;

namespace Berth.Engine.Tests.Images;

/// <summary>A data root of the test's own with an image store on it. Removes every mount and file that was made below it.</summary>
internal sealed class ImageWorkspace : IAsyncDisposable
{
    public ImageWorkspace(ImageStoreOptions? options = null)
    {
        Directory.CreateDirectory(Root);
        Options = options ?? new() { AllowBootstrap = false };
        Options.Registry.RetryDelay = TimeSpan.FromMilliseconds(10);
        (State, Images) = Open();
    }

    public string Root { get; } = Path.Combine(Path.GetTempPath(), "berth-img-" + Guid.NewGuid().ToString("N")[..10]);

    public ImageStoreOptions Options { get; }

    public StateStore State { get; private set; }

    public ImageStore Images { get; private set; }

    public List<ImageProgress> Progress { get; } = [];

    public void Report(ImageProgress progress)
    {
        lock (Progress)
        {
            Progress.Add(progress);
        }
    }

    /// <summary>What the next daemon finds.</summary>
    public async Task RestartAsync()
    {
        Images.Dispose();
        await State.DisposeAsync();
        (State, Images) = Open();
    }

    public async ValueTask DisposeAsync()
    {
        Images.Dispose();
        await State.DisposeAsync();
        foreach (var point in MountTable.MountPoints().Where(point => point.StartsWith(Root + "/", StringComparison.Ordinal)).Reverse().ToList())
        {
            Mount.UnmountAll(point);
        }

        using var parent = DirectoryHandle.Open(Path.GetDirectoryName(Root)!);
        parent.Remove(Path.GetFileName(Root));
    }

    private (StateStore State, ImageStore Images) Open()
    {
        var state = StateStore.Open(Root + "/state.db");
        return (state, new(state, Root + "/data", Options, TimeProvider.System));
    }
}

/// <summary>A TCP proxy that closes its first connections after some bytes of answer: a line that drops.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private readonly int _target;
    private readonly int _cutAfterBytes;
    private int _cutsLeft;

    public CuttingProxy(int targetPort, int cuts, int cutAfterBytes)
    {
        (_target, _cutsLeft, _cutAfterBytes) = (targetPort, cuts, cutAfterBytes);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int CutsLeft => _cutsLeft;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var relays = new List<Task>();
        try
        {
            while (true)
            {
                relays.Add(RelayAsync(await _listener.AcceptTcpClientAsync(_stopping.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(relays);
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target, _stopping.Token);
                var up = client.GetStream().CopyToAsync(server.GetStream(), _stopping.Token);
                var buffer = new byte[4096];
                long passed = 0;
                for (int read; (read = await server.GetStream().ReadAsync(buffer, _stopping.Token)) > 0;)
                {
                    passed += read;
                    if (passed > _cutAfterBytes && Interlocked.Decrement(ref _cutsLeft) >= 0)
                    {
                        client.Client.LingerState = new(true, 0);
                        break;
                    }

                    await client.GetStream().WriteAsync(buffer.AsMemory(0, read), _stopping.Token);
                }

                client.Close();
                server.Close();
                await up.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
            {
                return; // one of the two sides has gone, which is what this proxy is for
            }
        }
    }
}
