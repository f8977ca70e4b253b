using Berth.Linux.Files;

namespace Berth.Linux.Tests.Files;

/// <summary>More folders than a user may have inotify instances, and more than one listener to a file.</summary>
public sealed class DirectoryWatcherTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-watch-").FullName;
    private readonly DirectoryWatcher _watcher = new();

    [Fact]
    public async Task Of_three_hundred_folders_the_one_that_is_written_to_is_told()
    {
        var told = Enumerable.Range(0, 300).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToList();
        for (var i = 0; i < told.Count; i++)
        {
            var source = told[i];
            Directory.CreateDirectory($"{_folder}/{i}");
            _watcher.Watch($"{_folder}/{i}/log", () => source.TrySetResult());
        }

        await File.WriteAllTextAsync($"{_folder}/7/other", "x", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync($"{_folder}/299/log", "x", TestContext.Current.CancellationToken);
        await told[299].Task.WaitAsync(s_patience, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(told[..299], source => source.Task.IsCompleted);
    }

    [Fact]
    public async Task Each_of_two_listeners_hears_it_and_one_that_has_left_does_not()
    {
        var (first, second) = (new SemaphoreSlim(0), new SemaphoreSlim(0));
        var leaving = _watcher.Watch(_folder + "/log", () => first.Release());
        using var staying = _watcher.Watch(_folder + "/log", () => second.Release());
        await File.WriteAllTextAsync(_folder + "/log", "x", TestContext.Current.CancellationToken);
        Assert.True(await first.WaitAsync(s_patience, TestContext.Current.CancellationToken));
        Assert.True(await second.WaitAsync(s_patience, TestContext.Current.CancellationToken));

        leaving.Dispose();
        while (await second.WaitAsync(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken) || first.Wait(0, CancellationToken.None))
        {
            // what was told before
        }

        await File.AppendAllTextAsync(_folder + "/log", "y", TestContext.Current.CancellationToken);
        Assert.True(await second.WaitAsync(s_patience, TestContext.Current.CancellationToken));
        Assert.Equal(0, first.CurrentCount);
    }

    [Fact]
    public async Task A_file_that_is_moved_there_is_told()
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await File.WriteAllTextAsync(_folder + "/new", "x", TestContext.Current.CancellationToken);
        using var watch = _watcher.Watch(_folder + "/log", () => told.TrySetResult());
        File.Move(_folder + "/new", _folder + "/log");
        await told.Task.WaitAsync(s_patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_an_error_that_names_it()
    {
        var exception = Assert.Throws<LinuxException>(() => _watcher.Watch(_folder + "/none/log", () => { }));
        Assert.Equal($"inotify_add_watch failed for {_folder}/none: No such file or directory (ENOENT).", exception.Message);
    }

    public void Dispose()
    {
        _watcher.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
