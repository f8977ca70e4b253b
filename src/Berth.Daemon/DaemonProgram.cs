using System.Reflection;
using System.Runtime.InteropServices;
using Berth.Api;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Engine.State;
using Berth.Linux;
using Berth.Linux.Mounts;
using Berth.Linux.Processes;
using Berth.Releases.Ledger;
using Berth.Releases.Projects;

namespace Berth.Daemon;

/// <summary>The composition root of berthd: reads settings, makes the engine, serves the APIs, and ends in order.</summary>
internal static partial class DaemonProgram
{
    private const int WorkerThreads = 32; // some system work blocks a thread for milliseconds; the pool must not grow one by one then
    private const int ExitCodeInUse = 75; // EX_TEMPFAIL of sysexits.h: whoever started us may find that somebody else serves already
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

    internal static string Version => typeof(DaemonProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    internal static async Task<int> RunAsync(string[] arguments)
    {
        try
        {
            var options = DaemonOptions.Parse(arguments);
            if (options.ShowHelp || options.ShowVersion)
            {
                Console.Write(options.ShowHelp ? DaemonOptions.Usage : $"berthd version {Version}\n");
                return 0;
            }

            if (!Accounts.IsRoot)
            {
                throw new BerthException(ErrorKind.Forbidden, "berthd must run as root: it makes namespaces, mounts and firewall rules. Start it with sudo, or as a service.");
            }

            return options.CleanUp ? await CleanUpAsync(options).ConfigureAwait(false) : await ServeAsync(options).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is FormatException or BerthException or IOException)
        {
            await Console.Error.WriteLineAsync($"berthd: {exception.Message}").ConfigureAwait(false);
            return exception is BerthException { Kind: ErrorKind.Conflict } ? ExitCodeInUse : 1;
        }
    }

    private static async Task<int> CleanUpAsync(DaemonOptions options)
    {
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.None));
        var settings = options.Engine with { EdgePath = EdgePath(), StartsContainers = false };
        await using (var engine = await EngineHost.StartAsync(settings, options.Images, loggers, TimeProvider.System, FaultPoints.None).ConfigureAwait(false))
        {
            var running = engine.Containers.All.Where(container => container.Record.Status is ContainerStatus.Running or ContainerStatus.Paused).Select(container => container.Name).ToList();
            if (running.Count > 0)
            {
                throw BerthException.Conflict($"These containers run: {string.Join(", ", running)}. Stop them first.");
            }

            await engine.CleanUpAsync().ConfigureAwait(false);
        }

        if (options.Purge)
        {
            Empty(options.Engine.DataRoot);
            Empty(options.Engine.ExecRoot);
        }

        return 0;
    }

    // The folder itself may be a mount point of its own; then it stays.
    private static void Empty(string folder)
    {
        foreach (var child in new DirectoryInfo(folder).EnumerateFileSystemInfos().ToList())
        {
            if (child is DirectoryInfo { LinkTarget: null } directory)
            {
                directory.Delete(recursive: true);
            }
            else
            {
                child.Delete();
            }
        }

        if (!MountTable.MountPoints().Contains(folder))
        {
            Directory.Delete(folder);
        }
    }

    private static async Task<int> ServeAsync(DaemonOptions options)
    {
        ThreadPool.SetMinThreads(WorkerThreads, WorkerThreads);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(options.LogLevel).AddFilter("Microsoft", LogLevel.Warning)
            .AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
                console.UseUtcTimestamp = true;
            });
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = DescriptorRoom.Limit() / 4; // what is done for them takes descriptors, too
            kestrel.Limits.MaxRequestBodySize = null; // build contexts and image archives; bounded where they are read
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null; // a follower of logs may read when it likes
            foreach (var host in options.Hosts)
            {
                Listen(kestrel, host, options.Certificates);
            }
        });
        var app = builder.Build();
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await EngineHost.StartAsync(
            options.Engine with { EdgePath = EdgePath() }, options.Images, app.Services.GetRequiredService<ILoggerFactory>(), TimeProvider.System, FaultPlan.FromEnvironment()).ConfigureAwait(false);
        foreach (var path in SocketPaths(options))
        {
            File.Delete(path); // of an earlier daemon that was killed: the lock of the data root, which the engine has now, says that no other one lives
        }

        await using var ledger = ReleaseLedger.Open(engine.Options.DataRoot + "/releases.db", engine.Faults);
        var projects = new ProjectService(engine, ledger, app.Services.GetRequiredService<ILoggerFactory>().CreateLogger<ProjectService>());
        projects.Recover();
        ApiHost.Map(app, engine, projects, new DaemonFacts
        {
            Version = Version,
            Started = TimeProvider.System.GetUtcNow(),
            RegistryMirrors = options.Mirrors,
            InsecureRegistries = [.. options.Images.Registry.InsecureRegistries],
            RequestStop = () => stop.TrySetResult(),
        });
        await app.StartAsync().ConfigureAwait(false);
        Protect(options);
        await File.WriteAllTextAsync(options.PidFile, $"{Environment.ProcessId}\n").ConfigureAwait(false);
        await (options.RestartAfterCrash ? engine.RestartAfterCrashAsync(OutputPath(options)) : engine.NoRestartAfterCrashAsync()).ConfigureAwait(false);
        ServiceManager.TellReady();
        using var ending = new CancellationTokenSource();
        var watchdog = ServiceManager.KeepTellingAsync(() => engine.ProbeAsync(), TimeProvider.System, ending.Token);
        LogReady(app.Logger, Version, string.Join(", ", options.Hosts));
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => End(context, stop));
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => End(context, stop));
        await stop.Task.ConfigureAwait(false);
        if (await ServiceManager.IsMachineStoppingAsync().ConfigureAwait(false))
        {
            LogShuttingDown(app.Logger);
            await engine.Containers.ShutDownAsync().ConfigureAwait(false);
        }

        LogStopping(app.Logger);
        await ending.CancelAsync().ConfigureAwait(false);
        await watchdog.ConfigureAwait(false);
        await engine.NoRestartAfterCrashAsync().ConfigureAwait(false);
        using var patience = new CancellationTokenSource(StopTimeout);
        await projects.CloseAsync().ConfigureAwait(false);
        await app.StopAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        File.Delete(options.PidFile);
        return 0;
    }

    // Where our output goes, if that is a file; else one of our own.
    private static string OutputPath(DaemonOptions options) =>
        new FileInfo("/proc/self/fd/1").LinkTarget is { } target && !target.StartsWith("/dev/", StringComparison.Ordinal) && File.Exists(target)
            ? target
            : options.Engine.ExecRoot + "/berthd.log";

    private static void End(PosixSignalContext context, TaskCompletionSource stop)
    {
        context.Cancel = true;
        stop.TrySetResult();
    }

    private static void Listen(Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions kestrel, string host, ApiCertificates? certificates)
    {
        if (host.StartsWith("unix://", StringComparison.Ordinal))
        {
            var path = host["unix://".Length..];
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            kestrel.ListenUnixSocket(path, ApiHost.Configure);
            return;
        }

        if (certificates is not null && host.StartsWith("tcp://", StringComparison.Ordinal) && System.Net.IPEndPoint.TryParse(host["tcp://".Length..], out var endpoint) && endpoint.Port > 0)
        {
            kestrel.Listen(endpoint, listener =>
            {
                listener.UseHttps(Read(certificates));
                ApiHost.Configure(listener); // what is taken over is what TLS carries
            });
            return;
        }

        if (host == "fd://")
        {
            var sockets = ServiceManager.Sockets();
            if (sockets.Count == 0)
            {
                throw BerthException.Invalid("--host fd://: no service manager has opened a socket for this process (LISTEN_FDS); start it as a unit with a socket, or write unix:///PATH");
            }

            foreach (var socket in sockets)
            {
                kestrel.ListenHandle((ulong)socket, ApiHost.Configure);
            }

            return;
        }

        throw BerthException.Invalid($"--host {host}: write unix:///PATH, tcp://ADDRESS:PORT or fd://");
    }

    private static Microsoft.AspNetCore.Server.Kestrel.Https.HttpsConnectionAdapterOptions Read(ApiCertificates certificates)
    {
        try
        {
            return certificates.Read();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw BerthException.Invalid($"--tlsverify: {certificates.Authority}, {certificates.Certificate} and {certificates.Key} cannot be used: {exception.Message}");
        }
    }

    // Only root and the group may use the sockets: who can, is root on this machine.
    private static void Protect(DaemonOptions options)
    {
        foreach (var path in SocketPaths(options))
        {
            if (Accounts.GroupId(options.Group) is { } group)
            {
                Accounts.SetGroup(path, group);
            }

            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        }
    }

    private static IEnumerable<string> SocketPaths(DaemonOptions options) =>
        options.Hosts.Where(host => host.StartsWith("unix://", StringComparison.Ordinal)).Select(host => host["unix://".Length..]);

    private static string? EdgePath()
    {
        var folder = AppContext.BaseDirectory;
        return new[] { Path.Combine(folder, "berth-edge"), Path.Combine(folder, "..", "edge", "berth-edge") }.Select(Path.GetFullPath).FirstOrDefault(File.Exists)
            ?? throw new BerthException(ErrorKind.Failed, $"The data plane 'berth-edge' is not beside the daemon in {folder}. Install Berth again.");
    }

    [LoggerMessage(1, LogLevel.Information, "berthd {Version} serves {Hosts}")]
    private static partial void LogReady(ILogger logger, string version, string hosts);

    [LoggerMessage(3, LogLevel.Information, "The machine goes down; ending the containers")]
    private static partial void LogShuttingDown(ILogger logger);

    [LoggerMessage(2, LogLevel.Information, "Stopping; containers and the data plane run on")]
    private static partial void LogStopping(ILogger logger);
}
