using System.Text;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Logs;
using Berth.Engine.Errors;

namespace Berth.Releases.Projects;

/// <summary>What a job of the release phase has printed in its last run.</summary>
internal static class JobOutput
{
    private const int Longest = 64 * 1024; // letters; the end counts

    internal static async Task<string> ReadAsync(EngineHost engine, Container container)
    {
        var text = new StringBuilder();
        try
        {
            await foreach (var line in engine.Containers.Logs(container).ReadAsync(new LogOptions { Stdout = true, Stderr = true, Since = LogOptions.Moment(container.Record.StartedAt) }, CancellationToken.None).ConfigureAwait(false))
            {
                text.Append(Encoding.UTF8.GetString(line.Text.Span)).Append(line.IsPartial ? "" : "\n");
                if (text.Length > 2 * Longest)
                {
                    text.Remove(0, text.Length - Longest);
                }
            }
        }
        catch (Exception exception) when (exception is BerthException or IOException)
        {
            return $"(its output could not be read: {exception.Message})";
        }

        return text.Length > Longest ? text.ToString(text.Length - Longest, Longest) : text.ToString();
    }
}
