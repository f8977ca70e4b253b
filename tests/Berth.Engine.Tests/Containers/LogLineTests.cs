using System.Text;
using Berth.Engine.Containers.Logs;

namespace Berth.Engine.Tests.Containers;

/// <summary>conmon's lines, their times in full, and where the last lines of a log begin.</summary>
public sealed class LogLineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-line-").FullName;

    [Theory]
    [InlineData("2026-11-26T21:40:00.123456789+00:00", 1795729200123456789, "2026-11-26T21:40:00.123456789Z")]
    [InlineData("2026-11-26T23:40:00.000000001+02:00", 1795729200000000001, "2026-11-26T21:40:00.000000001Z")]
    [InlineData("2026-11-26T16:10:00.999999999-05:30", 1795729200999999999, "2026-11-26T21:40:00.999999999Z")]
    public void A_time_keeps_its_nine_digits(string text, long nanoseconds, string written)
    {
        Assert.True(LogLine.TryParse(Encoding.UTF8.GetBytes(text + " stderr F hello F"), out var line));
        Assert.Equal(nanoseconds, line.Time);
        var target = new byte[LogLine.TimeBytes];
        Assert.Equal(LogLine.TimeBytes, line.WriteTime(target));
        Assert.Equal(written, Encoding.ASCII.GetString(target));
        Assert.True(line is { IsStderr: true, IsPartial: false, IsContinuation: false });
        Assert.Equal("hello F", Encoding.UTF8.GetString(line.Text.Span));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-11-26T21:40:00.123456789+00:00")]
    [InlineData("2026-11-26T21:40:00.123456789+00:00 stdout")]
    [InlineData("2026-11-26T21:40:00.123456789+00:00 stdwhat F x")]
    [InlineData("2026-11-26T21:40:00.123456789+00:00 stdout X x")]
    [InlineData("2026-11-26 21:40:00.123456789+00:00 stdout F x")]
    [InlineData("2026-11-26T21:40:00.1234567x9+00:00 stdout F x")]
    public void What_a_crash_tore_is_no_line(string text) => Assert.False(LogLine.TryParse(Encoding.UTF8.GetBytes(text), out _));

    [Theory]
    [InlineData("F one|F two|P three", 1, "three")]
    [InlineData("F one|F two|P three", 2, "two three")]
    [InlineData("F one|P tw|P o|F .", 1, "tw o .")]
    [InlineData("F one|P tw|F o|P th", 2, "tw o th")]
    [InlineData("F one|F two", 5, "one two")]
    [InlineData("F one|F two", 0, "")]
    public async Task The_last_lines_are_counted_whole(string log, int tail, string expected)
    {
        await File.WriteAllTextAsync(_folder + "/a.log", string.Concat(log.Split('|').Select(line => $"2026-11-26T21:40:00.000000000+00:00 stdout {line}\n")), TestContext.Current.CancellationToken);
        await using var file = new LogFiles(_folder + "/a.log", new Lock()).OpenAfter(null);
        var options = new LogOptions { Stdout = true, Tail = tail };
        await LogTail.SeekAsync([file!], options, TestContext.Current.CancellationToken);
        var found = new List<string>();
        while (await file!.NextAsync(TestContext.Current.CancellationToken) is { } line)
        {
            found.Add(Encoding.UTF8.GetString(line.Text.Span));
        }

        Assert.Equal(expected, string.Join(' ', found));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
