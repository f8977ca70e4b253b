using Berth.Engine.Containers;

namespace Berth.Releases.Projects;

/// <summary>What a container's health check says, while somebody waits for it.</summary>
internal static class CheckWords
{
    private const int ShownLetters = 500; // of a check's output, its last ones

    /// <returns><c>: its check ended with 1: …</c>; empty when none has ended yet.</returns>
    internal static string LastOutput(HealthState health) => health.Log is [.., var last]
        ? $": its check ended with {last.ExitCode}: {(last.Output.Length > ShownLetters ? last.Output[^ShownLetters..] : last.Output).Trim()}"
        : "";

    /// <summary>Tells what a failing check said first in its output, each time that it is something else, until that is disposed.</summary>
    internal static IDisposable Listen(Container container, Action<string> tell)
    {
        var said = "";
        void Tell(HealthState now)
        {
            var words = now is { Status: not "healthy", Log: [.., { ExitCode: not 0 }] } ? LastOutput(now).TrimStart(':', ' ').Split('\n')[0] : "";
            if (words.Length > 0 && words != said)
            {
                said = words;
                tell(words);
            }
        }

        container.HealthChecked += Tell;
        if (container.Health is { } state)
        {
            Tell(state);
        }

        return new Listening(() => container.HealthChecked -= Tell);
    }

    private sealed class Listening(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
