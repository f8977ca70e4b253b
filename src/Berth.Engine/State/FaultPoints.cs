namespace Berth.Engine.State;

/// <summary>
/// Named places between side effects at which a test can stop the process, to see what the next start-up finds.
/// Outside tests nothing is listening, and reaching one costs a null check.
/// </summary>
public sealed class FaultPoints(Action<string>? reached)
{
    /// <summary>Nobody listens.</summary>
    public static FaultPoints None { get; } = new(null);

    /// <summary>Tells the listener, which may not return.</summary>
    public void Reached(string point) => reached?.Invoke(point);
}
