using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;

namespace Berth.Client.Tests;

public class StreamFramesTests
{
    /// <summary>However the bytes are cut on their way, each stream's come whole and in order, and pieces of the two never change places.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1000)]
    [InlineData(65536)]
    [InlineData(1 << 20)]
    public async Task Streams_are_taken_apart_however_their_bytes_arrive(int atOnce)
    {
        var random = new Random(4);
        var (sent, expected) = (new MemoryStream(), new List<(bool IsError, byte Value)>());
        foreach (var length in new[] { 0, 1, 5, 100, 0, 70_000, 3, 131_072, 2, 2, 2, 0 })
        {
            var content = new byte[length];
            random.NextBytes(content);
            var isError = random.Next(3) == 0;
            sent.Write(Frame(isError, content));
            expected.AddRange(content.Select(value => (isError, value)));
        }

        var got = new List<(bool, byte)>();
        await StreamFrames.ReadAsync(
            new CutStream(sent.ToArray(), atOnce),
            (isError, piece) =>
            {
                got.AddRange(piece.ToArray().Select(value => (isError, value)));
                return ValueTask.CompletedTask;
            },
            TestContext.Current.CancellationToken);
        Assert.Equal(expected, got);
    }

    [Fact]
    public async Task What_has_arrived_is_handed_on_before_more_comes()
    {
        var pipe = new Pipe();
        var pieces = System.Threading.Channels.Channel.CreateUnbounded<string>();
        var reading = StreamFrames.ReadAsync(pipe.Reader.AsStream(), (isError, piece) => pieces.Writer.WriteAsync($"{(isError ? "err" : "out")}:{Encoding.UTF8.GetString(piece.Span)}"), TestContext.Current.CancellationToken);
        await pipe.Writer.WriteAsync(new[] { Frame(false, "a"u8), Frame(false, "b"u8), Frame(true, "c"u8), Frame(false, "de"u8)[..9] }.SelectMany(frame => frame).ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal(["out:ab", "err:c", "out:d"], [await NextAsync(), await NextAsync(), await NextAsync()]);
        await pipe.Writer.WriteAsync("e"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal("out:e", await NextAsync());
        await pipe.Writer.CompleteAsync();
        await reading;

        async Task<string> NextAsync() => await pieces.Reader.ReadAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_frame_that_cannot_be_is_refused() =>
        await Assert.ThrowsAsync<InvalidDataException>(() => StreamFrames.ReadAsync(new MemoryStream([1, 0, 0, 0, 0xFF, 0, 0, 0, 1]), (_, _) => ValueTask.CompletedTask, TestContext.Current.CancellationToken));

    private static byte[] Frame(bool isError, ReadOnlySpan<byte> content)
    {
        var frame = new byte[8 + content.Length];
        frame[0] = isError ? (byte)2 : (byte)1;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), content.Length);
        content.CopyTo(frame.AsSpan(8));
        return frame;
    }

    private sealed class CutStream(byte[] content, int atOnce) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(buffer.Length, atOnce)], cancellationToken);
    }
}
