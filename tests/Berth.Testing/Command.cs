using System.Diagnostics;

namespace Berth.Testing;

/// <summary>A program to run once: what it is given, and how long it may take.</summary>
public sealed record Command(string Program, IReadOnlyList<string> Arguments)
{
    public Command(string program, params string[] arguments)
        : this(program, (IReadOnlyList<string>)arguments)
    {
    }

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>Added to the tests' own environment; null takes a variable away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    public string Input { get; init; } = "";

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Runs it to its end. A program that takes too long is killed with its children.</summary>
    /// <exception cref="TimeoutException">With what it had printed by then.</exception>
    public async Task<CommandResult> RunAsync(CancellationToken cancellationToken)
    {
        using var process = Start();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            await process.StandardInput.WriteAsync(Input.AsMemory(), limit.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"'{this}' did not end within {Timeout.TotalSeconds} s. It printed:\n{await output}{await error}");
        }
        catch (IOException)
        {
            await process.WaitForExitAsync(limit.Token); // it ended, or closed its input, before it had read everything
        }

        return new CommandResult(ToString(), process.ExitCode, await output, await error);
    }

    public override string ToString() => string.Join(' ', [Path.GetFileName(Program), .. Arguments]);

    private Process Start()
    {
        var start = new ProcessStartInfo(Program, Arguments)
        {
            WorkingDirectory = WorkingDirectory, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in Environment)
        {
            if (value is null)
            {
                start.Environment.Remove(name);
            }
            else
            {
                start.Environment[name] = value;
            }
        }

        return Process.Start(start)!;
    }
}

/// <summary>How a command ended.</summary>
public sealed record CommandResult(string Command, int ExitCode, string Output, string Error)
{
    /// <exception cref="InvalidOperationException">It failed; the message has all that it printed.</exception>
    public CommandResult EnsureSuccess() => ExitCode == 0 ? this
        : throw new InvalidOperationException($"'{Command}' ended with {ExitCode}:\n{Output}{Error}");
}
