using System.Buffers;
using System.Buffers.Binary;
using Berth.Engine.Containers.Logs;

namespace Berth.Api.DockerApi.Containers;

/// <summary>
/// A line of a log as clients get it: a head of eight bytes (stream, three zeros, length, big-endian), unless the container has a terminal;
/// then time and details, if asked for, where a line begins; then the text with its line end, unless the line goes on. Docker Engine API,
/// "Attach to a container", "Stream format".
/// </summary>
internal static class LogFrame
{
    private const int HeadBytes = 8;

    internal static void Write(IBufferWriter<byte> writer, LogLine line, bool raw, bool timestamps, ReadOnlySpan<byte> details)
    {
        var space = writer.GetSpan(HeadBytes + LogLine.TimeBytes + 1 + details.Length + line.Text.Length + 1);
        var head = raw ? 0 : HeadBytes;
        var length = head;
        if (!line.IsContinuation && timestamps)
        {
            length += line.WriteTime(space[length..]);
            space[length++] = (byte)' ';
        }

        if (!line.IsContinuation)
        {
            details.CopyTo(space[length..]);
            length += details.Length;
        }

        line.Text.Span.CopyTo(space[length..]);
        length += line.Text.Length;
        if (!line.IsPartial)
        {
            space[length++] = (byte)'\n';
        }

        if (!raw)
        {
            space[..HeadBytes].Clear();
            space[0] = line.IsStderr ? (byte)2 : (byte)1;
            BinaryPrimitives.WriteInt32BigEndian(space[4..], length - HeadBytes);
        }

        writer.Advance(length);
    }
}
