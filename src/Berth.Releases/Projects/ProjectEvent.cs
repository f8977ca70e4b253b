namespace Berth.Releases.Projects;

public enum ProjectEventKind
{
    Image,
    Network,
    Volume,
    Container,
    Build,
    Warning,
    Release,
}

/// <summary>One step of a command's progress, for people.</summary>
/// <param name="Name">The image, network, volume, container or, of a build, service.</param>
/// <param name="Status"><c>Creating</c>, <c>Created</c>, <c>Started</c>, <c>Healthy</c> …; of a warning its text.</param>
/// <param name="Elapsed">Since the step began; null while it goes on.</param>
/// <param name="Detail">A line that the step printed, a layer's progress, or why the step happens.</param>
public sealed record ProjectEvent(ProjectEventKind Kind, string Name, string Status, TimeSpan? Elapsed = null, string? Detail = null);

/// <summary>Takes events from several tasks at once, and never blocks.</summary>
public delegate void ProjectProgress(ProjectEvent one);

/// <summary>Reports a step's beginning and end.</summary>
internal static class ProjectSteps
{
    /// <summary>Reports <paramref name="doing"/>, acts, and reports <paramref name="done"/> with the time it took.</summary>
    internal static async Task StepAsync(
        this ProjectProgress progress, TimeProvider time, ProjectEventKind kind, string name, string doing, string done, Func<Task> act, string? reason = null)
    {
        using var turn = doing == "Waiting" ? null : await StepLimit.EnterAsync().ConfigureAwait(false);
        var start = time.GetTimestamp();
        progress(new(kind, name, doing, Detail: reason));
        try
        {
            await act().ConfigureAwait(false);
        }
        catch (Exception)
        {
            progress(new(kind, name, "Error", time.GetElapsedTime(start)));
            throw;
        }

        progress(new(kind, name, done, time.GetElapsedTime(start)));
    }
}
