using Berth.Engine.Containers.Logs;

namespace Berth.Engine.Tests.Containers;

/// <summary>A follower goes from file to file, wherever a rotation has come to.</summary>
public sealed class LogFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-log-").FullName;

    private string LogPath => _folder + "/a.log";

    [Fact]
    public async Task A_follower_two_files_behind_goes_on_though_the_current_file_is_missing()
    {
        var files = Write(("", "3"));
        await using var oldest = files.OpenAfter(null);
        files.Shift(3);
        Write(("", "4"));
        files.Shift(3); // its writer has ended: there is no new current file
        await using var next = files.OpenAfter(oldest);
        Assert.Equal("4", await TextAsync(next!));
        Assert.Null(files.OpenAfter(next));
    }

    [Fact]
    public async Task A_follower_whose_file_was_thrown_away_goes_on_with_the_oldest()
    {
        var files = Write(("", "1"));
        await using var lost = files.OpenAfter(null);
        for (var i = 2; i < 5; i++)
        {
            files.Shift(2);
            Write(("", $"{i}"));
        }

        await using var next = files.OpenAfter(lost);
        Assert.Equal("3", await TextAsync(next!));
    }

    [Fact]
    public async Task A_gap_that_a_killed_daemon_left_hides_no_file()
    {
        var files = Write((".2", "1"), ("", "2"), (".10", "0"), (".x", "no"));
        var open = files.OpenAll();
        Assert.Equal(["0", "1", "2"], await Task.WhenAll(open.Select(TextAsync)));
        foreach (var file in open)
        {
            await file.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_rest_of_a_line_whose_beginning_was_thrown_away_is_not_shown()
    {
        const string Time = "2026-01-02T03:04:05.000000000+00:00";
        var files = Write(("", $"{Time} stderr F whole\n{Time} stdout P be\n"));
        files.Shift(2)?.Dispose();
        Write(("", $"{Time} stdout P gin\n{Time} stderr F kept\n{Time} stdout F ning\n{Time} stdout F next\n"));
        using (var dropped = files.Shift(2))
        {
            files.RememberTorn(dropped!);
        }

        Assert.Equal(["kept", "next"], await LinesAsync(files));
        Write(("", $"{Time} stdout F last\n"));
        using (var dropped = files.Shift(2))
        {
            files.RememberTorn(dropped!); // it ended with a whole line
        }

        Assert.Equal(["last"], await LinesAsync(files));
    }

    [Fact]
    public async Task What_conmon_replaced_by_itself_is_kept_before_what_came_after_it()
    {
        var files = Write((".1", "0"), ("", "1"));
        Assert.True(files.Keep(0));
        Assert.Equal(["0", "1"], await TextsAsync(files));
        await using var follower = files.OpenAll()[^1];
        await ReplaceAsync("2");
        Assert.Equal(["0", "1", "2"], await TextsAsync(files));
        await using (var next = files.OpenAfter(follower))
        {
            Assert.Equal("2", await TextAsync(next!));
        }

        Assert.False(files.Keep(0));
        files.ShiftKept(3)?.Dispose();
        Assert.True(files.Keep(0));
        Assert.Equal(["0", "1", "2"], await TextsAsync(files));

        files.Shift(3)?.Dispose(); // our own rotation
        Write(("", "3"));
        Assert.True(files.Keep(0));
        Assert.Equal(["1", "2", "3"], await TextsAsync(files));
        await ReplaceAsync("4");
        files.Shift(3)?.Dispose(); // before it was seen
        Write(("", "5"));
        Assert.True(files.Keep(0));
        Assert.Equal(["3", "4", "5"], await TextsAsync(files));
        await ReplaceAsync("6");
        files.ShiftKept(1)?.Dispose(); // one file only
        Assert.True(files.Keep(0));
        Assert.Equal("6", (await TextsAsync(files))[^1]);
    }

    // As conmon does: another file takes the name.
    private async Task ReplaceAsync(string text)
    {
        await File.WriteAllTextAsync(LogPath + ".tmp", text);
        File.Move(LogPath + ".tmp", LogPath, overwrite: true);
    }

    private static async Task<string[]> TextsAsync(LogFiles files)
    {
        var open = files.OpenAll();
        var texts = await Task.WhenAll(open.Select(TextAsync));
        foreach (var file in open)
        {
            await file.DisposeAsync();
        }

        return texts;
    }

    [Fact]
    public void A_log_whose_folder_has_gone_has_no_files()
    {
        var files = new LogFiles(_folder + "/gone/a.log", new());
        Assert.Empty(files.OpenAll());
        Assert.Null(files.OpenAfter(null));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private LogFiles Write(params (string Suffix, string Text)[] contents)
    {
        foreach (var (suffix, text) in contents)
        {
            File.WriteAllText(LogPath + suffix, text);
        }

        return new(LogPath, new());
    }

    private static async Task<List<string>> LinesAsync(LogFiles files)
    {
        var lines = new List<string>();
        foreach (var file in files.OpenAll())
        {
            while (await file.NextAsync(TestContext.Current.CancellationToken) is { } line)
            {
                lines.Add(System.Text.Encoding.UTF8.GetString(line.Text.Span));
            }

            await file.DisposeAsync();
        }

        return lines;
    }

    private static async Task<string> TextAsync(LogFile file)
    {
        using var reader = new StreamReader(file.Bytes, leaveOpen: true);
        return await reader.ReadToEndAsync();
    }
}
