namespace Berth.Engine.Containers.Logs;

/// <summary>Finds where the last lines of a log begin, by reading its files backwards.</summary>
internal static class LogTail
{
    private const int ChunkBytes = 64 * 1024;

    internal static bool Wanted(LogLine line, LogOptions options) =>
        (line.IsStderr ? options.Stderr : options.Stdout) && (options.Since is null || line.Time >= options.Since)
        && (options.Until is null || line.Time <= options.Until);

    /// <summary>Puts each file where reading begins; pieces of a line count as one, also when it has no end yet.</summary>
    /// <param name="files">Oldest first.</param>
    internal static async Task SeekAsync(IReadOnlyList<LogFile> files, LogOptions options, CancellationToken cancellationToken)
    {
        var missing = options.Tail ?? 0;
        var seen = new HashSet<bool>(); // streams of which some line has been met: a piece before it belongs to it
        foreach (var file in options.Tail is null ? [] : files.Reverse())
        {
            var (position, found) = await StartAsync(file.Bytes, missing, seen, options, cancellationToken).ConfigureAwait(false);
            file.Bytes.Position = position;
            missing -= found;
        }
    }

    private static async Task<(long Position, int Found)> StartAsync(FileStream file, int wanted, HashSet<bool> seen, LogOptions options, CancellationToken cancellationToken)
    {
        if (wanted <= 0)
        {
            return (file.Length, 0);
        }

        var position = file.Length;
        var carried = Array.Empty<byte>();
        var found = 0;
        while (position > 0)
        {
            var size = (int)Math.Min(ChunkBytes, position);
            position -= size;
            var buffer = new byte[size + carried.Length];
            file.Position = position;
            await file.ReadExactlyAsync(buffer.AsMemory(0, size), cancellationToken).ConfigureAwait(false);
            carried.CopyTo(buffer, size);
            var end = buffer.Length;
            for (var i = buffer.Length - 2; i >= -1; i--)
            {
                if ((i >= 0 && buffer[i] != (byte)'\n') || (i < 0 && position > 0))
                {
                    continue;
                }

                var text = buffer.AsMemory(i + 1, end - i - 1);
                text = text.Length > 0 && text.Span[^1] == (byte)'\n' ? text[..^1] : text;
                if (LogLine.TryParse(text, out var line) && Wanted(line, options) && (seen.Add(line.IsStderr) || !line.IsPartial) && ++found > wanted)
                {
                    return (position + end, wanted);
                }

                end = i + 1;
            }

            carried = buffer[..end];
        }

        return (0, found);
    }
}
