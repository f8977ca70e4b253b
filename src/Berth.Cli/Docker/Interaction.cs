using System.Globalization;
using System.Runtime.InteropServices;
using Berth.Client;
using Berth.Linux.Terminals;

namespace Berth.Cli.Docker;

/// <summary>Joins this process's input, output, terminal size and signals with a program in a container.</summary>
internal sealed class Interaction : IAsyncDisposable
{
    private readonly CliContext _context;
    private readonly HijackedConnection _connection;
    private readonly bool _isTerminal;
    private readonly IDisposable? _raw;
    private readonly List<PosixSignalRegistration> _signals = [];
    private Exception? _inputFailure;

    private Interaction(CliContext context, HijackedConnection connection, bool isTerminal, bool hasInput)
    {
        (_context, _connection, _isTerminal) = (context, connection, isTerminal);
        _raw = isTerminal && hasInput && CliContext.InputIsTerminal ? Terminal.EnterRawMode(0) : null;
        if (hasInput)
        {
            // A thread of its own, as a read from a terminal cannot be cancelled: it ends with the process.
            new Thread(PumpInput) { IsBackground = true, Name = "input" }.Start();
        }
    }

    /// <exception cref="CliException">A terminal is wanted, but there is none.</exception>
    internal static void RequireTerminal(bool isTerminal, bool hasInput)
    {
        if (isTerminal && hasInput && !CliContext.InputIsTerminal)
        {
            throw new CliException(1, "the input device is not a TTY");
        }
    }

    internal static async Task<Interaction> BeginAsync(CliContext context, string target, System.Text.Json.Nodes.JsonNode? body, bool isTerminal, bool hasInput)
    {
        var connection = await context.Client.HijackAsync(target, body).ConfigureAwait(false);
        return new(context, connection, isTerminal, hasInput);
    }

    /// <summary>Tells the terminal's size now and whenever it changes.</summary>
    internal async Task FollowSizeAsync(string target)
    {
        if (!_isTerminal)
        {
            return;
        }

        _signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGWINCH, signal => { _ = ResizeAsync(target); }));
        await ResizeAsync(target).ConfigureAwait(false);
    }

    /// <summary>Passes interrupts on to the program instead of ending with them.</summary>
    internal void ForwardSignals(Func<string, Task> send)
    {
        foreach (var (signal, name) in new[] { (PosixSignal.SIGINT, "INT"), (PosixSignal.SIGTERM, "TERM"), (PosixSignal.SIGHUP, "HUP"), (PosixSignal.SIGQUIT, "QUIT") })
        {
            _signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                _ = send(name);
            }));
        }
    }

    /// <summary>Copies output until the program has ended, or was detached from.</summary>
    internal async Task CopyOutputAsync()
    {
        async ValueTask WriteAsync(bool isError, ReadOnlyMemory<byte> piece) =>
            await (isError ? _context.ErrorStream : _context.OutputStream).WriteAsync(piece).ConfigureAwait(false);
        await _context.Output.FlushAsync().ConfigureAwait(false);
        await (_isTerminal
            ? StreamFrames.ReadRawAsync(_connection.Output, WriteAsync, CancellationToken.None)
            : StreamFrames.ReadAsync(_connection.Output, WriteAsync, CancellationToken.None)).ConfigureAwait(false);
        if (_inputFailure is { } failure and not IOException and not System.Net.Sockets.SocketException and not ObjectDisposedException)
        {
            throw failure;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _raw?.Dispose();
        _signals.ForEach(signal => signal.Dispose());
        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    private void PumpInput()
    {
        try
        {
            using var input = CliContext.OpenInput();
            var buffer = new byte[32 * 1024];
            int read;
            while ((read = input.Read(buffer, 0, buffer.Length)) > 0)
            {
                _connection.WriteAsync(buffer.AsMemory(0, read), CancellationToken.None).GetAwaiter().GetResult();
            }

            _connection.CloseInputAsync().GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            _inputFailure = exception; // a program that has ended reads no more; anything else is told when its output ends
        }
    }

    private async Task ResizeAsync(string target)
    {
        if (Terminal.Size(1) is not { } size)
        {
            return;
        }

        try
        {
            await _context.Client.RequestAsync("POST", string.Create(CultureInfo.InvariantCulture, $"{target}?h={size.Rows}&w={size.Columns}")).ConfigureAwait(false);
        }
        catch (DaemonException exception) when (exception.Status is 404 or 409 or 500)
        {
            return; // it has not begun, or has ended
        }
    }
}
