using System.Runtime.InteropServices;
using Berth.Edge;
using Berth.Edge.Daemon;

if (args.Length != 1)
{
    await Console.Error.WriteLineAsync("Usage: berth-edge DIRECTORY\nThe data plane of Berth; berthd starts it. DIRECTORY holds its state file and its socket.").ConfigureAwait(false);
    return 2;
}

using var only = OnlyOne.TryClaim(args[0]);
if (only is null)
{
    return 0; // another one serves here
}

using var ending = new CancellationTokenSource();
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    ending.Cancel();
});
using var guard = new DaemonGuard(args[0], TimeProvider.System, ending.Token);
await using var server = new EdgeServer(args[0], guard);
await server.RunAsync(only.Announce, ending.Token).ConfigureAwait(false);
return 0;
