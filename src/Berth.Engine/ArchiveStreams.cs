using System.IO.Pipelines;

namespace Berth.Engine;

/// <summary>Between tar, which is written and read synchronously, and a connection, which is not. The pipe keeps either from running ahead of the other.</summary>
internal static class ArchiveStreams
{
    /// <summary>Runs <paramref name="write"/> and passes on what it writes.</summary>
    internal static async Task WriteAsync(Action<Stream, CancellationToken> write, Stream target, CancellationToken cancellationToken)
    {
        var pipe = new Pipe();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var writing = Task.Run(
            async () =>
            {
                try
                {
                    await using var stream = pipe.Writer.AsStream(leaveOpen: true);
                    write(stream, ended.Token);
                    await pipe.Writer.CompleteAsync();
                }
                catch (Exception exception)
                {
                    await pipe.Writer.CompleteAsync(exception); // the reader below throws it
                }
            },
            CancellationToken.None);
        try
        {
            await pipe.Reader.CopyToAsync(target, cancellationToken);
        }
        finally
        {
            await ended.CancelAsync();
            await pipe.Reader.CompleteAsync();
            await writing;
        }
    }

    /// <summary>Runs <paramref name="read"/> with what comes from <paramref name="source"/>. What it leaves unread is read and forgotten, so that the sender is not cut off.</summary>
    internal static async Task ReadAsync(Stream source, Action<Stream> read, CancellationToken cancellationToken)
    {
        var pipe = new Pipe();
        var copying = CopyAsync(source, pipe.Writer, cancellationToken);
        try
        {
            await Task.Run(
                () =>
                {
                    using var stream = pipe.Reader.AsStream(leaveOpen: true);
                    read(stream);
                    Span<byte> rest = stackalloc byte[4096];
                    while (stream.Read(rest) > 0)
                    {
                    }
                },
                CancellationToken.None);
        }
        finally
        {
            await pipe.Reader.CompleteAsync();
            await copying; // its own failures come out of the reader
        }
    }

    private static async Task CopyAsync(Stream source, PipeWriter target, CancellationToken cancellationToken)
    {
        try
        {
            await source.CopyToAsync(target, cancellationToken);
            await target.CompleteAsync();
        }
        catch (Exception exception)
        {
            await target.CompleteAsync(exception);
        }
    }
}
