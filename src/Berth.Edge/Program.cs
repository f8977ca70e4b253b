using System.Runtime.InteropServices;
using Berth.Edge;
using Berth.Edge.Daemon;
using Berth.Edge.Succession;

const int NothingHandedOver = 3;
if (args is not ([_] or [_, "--succeed"]))
{
    await Console.Error.WriteLineAsync(
        "Usage: berth-edge DIRECTORY [--succeed]\nThe data plane of Berth; berthd starts it. DIRECTORY holds its state file and its socket.\n"
        + "With --succeed it takes the sockets over from the one that serves there.").ConfigureAwait(false);
    return 2;
}

Inheritance? inherited = null;
if (args.Length == 2)
{
    try
    {
        inherited = Inheritance.Take(args[0]);
    }
    catch (IOException exception)
    {
        await Console.Error.WriteLineAsync($"berth-edge: the one in {args[0]} hands nothing over, and serves on: {exception.Message}").ConfigureAwait(false);
        return NothingHandedOver;
    }
}

using var only = OnlyOne.TryClaim(args[0]);
if (only is null)
{
    return inherited is null ? 0 : NothingHandedOver; // another one serves here
}

using var ending = new CancellationTokenSource();
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    ending.Cancel();
});
using var guard = new DaemonGuard(args[0], TimeProvider.System);
await using var server = new EdgeServer(args[0], guard, only);
await server.RunAsync(inherited, ending.Token).ConfigureAwait(false);
return 0;
