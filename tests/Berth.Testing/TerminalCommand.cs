using System.Diagnostics;
using System.Text;

namespace Berth.Testing;

/// <summary>A program on a terminal of its own (script(1) makes it), for a test that reads and types.</summary>
public sealed class TerminalCommand : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Process _process;
    private readonly StringBuilder _shown = new();
    private readonly SemaphoreSlim _more = new(0);
    private readonly Task _reading;

    public TerminalCommand(Command command)
    {
        var line = string.Join(' ', command.Arguments.Prepend(command.Program).Select(word => $"'{word}'"));
        var start = new ProcessStartInfo("script", ["-q", "-e", "-f", "-c", line, "/dev/null"])
        {
            WorkingDirectory = command.WorkingDirectory, RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        foreach (var (name, value) in command.Environment)
        {
            start.Environment[name] = value;
        }

        start.Environment["TERM"] = "xterm";
        _process = Process.Start(start)!;
        _reading = ReadAsync();
    }

    /// <summary>Everything that it has written.</summary>
    public string Shown
    {
        get
        {
            lock (_shown)
            {
                return _shown.ToString();
            }
        }
    }

    /// <param name="text">Waited for.</param>
    /// <param name="times">How often it has to be there.</param>
    /// <exception cref="TimeoutException">It never wrote that; with what it wrote instead.</exception>
    public async Task UntilAsync(string text, int times = 1)
    {
        var waited = Stopwatch.StartNew();
        while (Shown.Split(text).Length <= times)
        {
            if (_reading.IsCompleted || !await _more.WaitAsync(Patience - waited.Elapsed > TimeSpan.Zero ? Patience - waited.Elapsed : TimeSpan.Zero))
            {
                throw new TimeoutException($"'{text}' was never shown, but:\n{Shown}");
            }
        }
    }

    public async Task TypeAsync(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>The exit code of the program.</summary>
    public async Task<int> EndAsync()
    {
        await _reading.WaitAsync(Patience);
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _reading;
        _process.Dispose();
        _more.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new char[4096];
        while (await _process.StandardOutput.ReadAsync(buffer) is var count and > 0)
        {
            lock (_shown)
            {
                _shown.Append(buffer, 0, count);
            }

            _more.Release();
        }

        _more.Release();
    }
}
