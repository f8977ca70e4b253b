using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary>
/// Runs a verb that makes a release. Once containers that serve are touched, Ctrl-C does not end it half way: on a terminal it asks whether the release shall go on alone
/// or be taken back; elsewhere, as with a connection that is lost, the release goes on alone.
/// </summary>
internal sealed class ReleaseRun : IProgressView, IDisposable
{
    private const int Interrupted = 130; // 128 + SIGINT, as a shell has it
    private readonly CliContext _context;
    private readonly IProgressView _view;
    private readonly PosixSignalRegistration _interrupt;
    private readonly CancellationTokenSource _detaching = new();
    private volatile string? _release; // null as long as it can simply be broken off
    private int _interrupts;
    private bool _isUndone;

    private ReleaseRun(CliContext context, IProgressView view)
    {
        (_context, _view) = (context, view);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            if (_release is not null)
            {
                signal.Cancel = true;
                Interrupt();
            }
        });
    }

    /// <summary>The option of every verb that is run so.</summary>
    internal static Option Json { get; } = Option.Flag("json", "Show what happens as JSON objects, one a line");

    internal static async Task<JsonObject> RunAsync(CliContext context, ParsedLine line, string verb, Action<JsonObject> complete)
    {
        using var run = new ReleaseRun(context, line.Flag("json") ? new JsonProgress(context.Output) : Quiet.View(context, line));
        try
        {
            return await ProjectCommands.RunAsync(context, verb, complete, run, run._detaching.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (run._detaching.IsCancellationRequested)
        {
            throw new CliException(Interrupted, $"{run._release} goes on without this command. 'berth releases' shows how it ends; 'berth rollback' takes it back.");
        }
        catch (CliException exception) when (run._isUndone)
        {
            throw new CliException(Interrupted, exception.Message);
        }
    }

    public void Show(JsonObject one)
    {
        if (one.Text("kind") == "release")
        {
            _release = one.Text("status");
        }

        _view.Show(one);
    }

    public void Finish(JsonObject last) => _view.Finish(last);

    public void Dispose()
    {
        _interrupt.Dispose();
        _detaching.Dispose();
    }

    // The first one asks; one more, while it is asked, means: go away.
    private void Interrupt()
    {
        if (Interlocked.Increment(ref _interrupts) > 1 || _view is not ProgressView view || !CliContext.InputIsTerminal || !CliContext.ErrorIsTerminal)
        {
            _detaching.Cancel();
            return;
        }

        // A thread of its own, as a read from a terminal cannot be cancelled: it ends with the process.
        new Thread(() => Ask(view)) { IsBackground = true, Name = "question" }.Start();
    }

    private void Ask(ProgressView view)
    {
        view.Pause();
        _context.Error.Write($"\n{_release} is under way. [d]etach: it goes on alone; [u]ndo: take it back; Enter: go on waiting? ");
        _context.Error.Flush();
        using var reader = new StreamReader(CliContext.OpenInput(), Encoding.UTF8);
        switch (reader.ReadLine()?.Trim().ToLowerInvariant())
        {
            case "d" or "detach" or null:
                _detaching.Cancel();
                return;
            case "u" or "undo":
                _isUndone = true;
                _ = UndoAsync();
                break;
        }

        _interrupts = 0;
        view.Resume();
    }

    // How it ends is told by the answer that is being read already.
    private async Task UndoAsync()
    {
        try
        {
            var request = await _context.Project.ToRequestAsync(_context).ConfigureAwait(false);
            await using var response = await _context.Client.SendJsonAsync("POST", "/berth/v1/projects/undo", request).ConfigureAwait(false);
            await foreach (var line in Client.DaemonClient.ReadLinesAsync(response, CancellationToken.None).ConfigureAwait(false))
            {
                if (line["exitCode"] is not null && line.Number("exitCode") != 0)
                {
                    _isUndone = false;
                    _context.Error.WriteLine(line.Text("message"));
                }
            }
        }
        catch (Exception exception) when (exception is IOException or Client.DaemonException)
        {
            _isUndone = false;
            _context.Error.WriteLine($"it cannot be taken back now: {exception.Message}");
        }
    }
}
