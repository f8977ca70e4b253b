using System.Buffers;
using Berth.Client;

namespace Berth.Cli.Output;

/// <summary>Whose log, and how its lines begin.</summary>
internal sealed record LogSource(string Id, string Prefix, bool IsTerminal);

/// <summary>Prints the logs of several containers, line by line, each with its coloured prefix.</summary>
internal sealed class LogPrinter(CliContext context, bool hasPrefixes, bool mayColour = true)
{
    private static readonly string[] s_colours = ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"];
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly bool _hasColours = mayColour && context.HasColours && (CliContext.OutputIsTerminal || context.Project.Ansi == "always");

    /// <param name="query">Of the logs endpoint, without the streams.</param>
    /// <param name="ended">Called when a followed container's log has ended.</param>
    internal async Task PrintAsync(IReadOnlyList<LogSource> sources, string query, Func<LogSource, Task>? ended, CancellationToken cancellationToken)
    {
        var width = sources.Count == 0 ? 0 : sources.Max(source => source.Prefix.Length);
        await Task.WhenAll(sources.Select(async (source, index) =>
        {
            await PrintAsync(source, Prefix(source, width, index), query, cancellationToken).ConfigureAwait(false);
            if (ended is not null)
            {
                await ended(source).ConfigureAwait(false);
            }
        })).ConfigureAwait(false);
    }

    internal async Task WriteLineAsync(string text)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        context.Output.WriteLine(text);
        context.Output.Flush();
        _gate.Release();
    }

    private string Prefix(LogSource source, int width, int index)
    {
        if (!hasPrefixes)
        {
            return "";
        }

        var text = source.Prefix.PadRight(width) + "  | ";
        return _hasColours ? $"\e[{s_colours[index % s_colours.Length]}m{text}\e[0m" : text;
    }

    private async Task PrintAsync(LogSource source, string prefix, string query, CancellationToken cancellationToken)
    {
        await using var response = await context.Client.SendAsync("GET", $"/containers/{source.Id}/logs?stdout=1&stderr=1{query}", cancellationToken: cancellationToken).ConfigureAwait(false);
        await response.EnsureSuccessAsync(cancellationToken).ConfigureAwait(false);
        var start = System.Text.Encoding.UTF8.GetBytes(prefix);
        ArrayBufferWriter<byte>[] open = [new(), new()]; // a line of each stream may come in pieces
        async ValueTask WriteAsync(bool isError, ReadOnlyMemory<byte> piece)
        {
            var line = open[isError ? 1 : 0];
            while (piece.Span.IndexOf((byte)'\n') is >= 0 and var end)
            {
                line.Write(piece.Span[..(end + 1)]);
                await PrintLineAsync(start, line.WrittenMemory).ConfigureAwait(false);
                line.ResetWrittenCount();
                piece = piece[(end + 1)..];
            }

            line.Write(piece.Span);
        }

        await (source.IsTerminal
            ? StreamFrames.ReadRawAsync(response.Body, WriteAsync, cancellationToken)
            : StreamFrames.ReadAsync(response.Body, WriteAsync, cancellationToken)).ConfigureAwait(false);
        foreach (var rest in open.Where(rest => rest.WrittenCount > 0))
        {
            rest.Write("\n"u8);
            await PrintLineAsync(start, rest.WrittenMemory).ConfigureAwait(false);
        }
    }

    private async Task PrintLineAsync(byte[] prefix, ReadOnlyMemory<byte> line)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            await context.Output.FlushAsync().ConfigureAwait(false);
            byte[] whole = [.. prefix, .. line.Span];
            await context.OutputStream.WriteAsync(whole).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }
}
