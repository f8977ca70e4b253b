namespace Berth.Releases.Projects;

/// <summary>
/// How many steps of one command may go on at once: <c>--parallel</c>. It goes with the command's own flow, as steps are taken in many places; a step within a step needs no turn of
/// its own, and waiting for a container takes none.
/// </summary>
public static class StepLimit
{
    private static readonly AsyncLocal<SemaphoreSlim?> s_turns = new();

    /// <summary>For all that the caller does from here on.</summary>
    /// <param name="limit">At least 1; null for no limit.</param>
    public static void Set(int? limit) => s_turns.Value = limit is { } turns ? new(turns, turns) : null;

    /// <summary>Returns when there is a turn; disposing gives it back. Null without a limit, and within a step.</summary>
    internal static Task<IDisposable?> EnterAsync()
    {
        var turns = s_turns.Value;
        s_turns.Value = null; // here, not in a method that is awaited: what the caller does within has it so
        return turns is null ? Task.FromResult<IDisposable?>(null) : TakeAsync(turns);
    }

    private static async Task<IDisposable?> TakeAsync(SemaphoreSlim turns)
    {
        await turns.WaitAsync().ConfigureAwait(false);
        return new Turn(turns);
    }

    private sealed class Turn(SemaphoreSlim turns) : IDisposable
    {
        public void Dispose()
        {
            turns.Release();
        }
    }
}
