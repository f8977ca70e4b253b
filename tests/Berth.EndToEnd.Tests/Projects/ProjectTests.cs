using Berth.Testing;

namespace Berth.EndToEnd.Tests.Projects;

/// <summary>Tests of one project's folder, with a daemon of their own that has the image <c>box</c>.</summary>
public abstract class ProjectTests(string name) : IAsyncLifetime
{
    protected TestDaemon Daemon { get; private set; } = null!;

    protected string Folder => $"{Daemon.Folder}/{name}";

    public virtual async ValueTask InitializeAsync()
    {
        Daemon = await TestDaemon.StartAsync(TestContext.Current.CancellationToken);
        Directory.CreateDirectory(Folder);
        await BoxImage.BuildAsync(Daemon, TestContext.Current.CancellationToken);
    }

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Daemon.DisposeAsync();
    }

    /// <summary>Runs <c>berth</c> in the folder.</summary>
    protected Task<CommandResult> RunAsync(params string[] words) => Daemon.Berth(Folder, words).RunAsync(TestContext.Current.CancellationToken);

    /// <summary>What it prints, once it succeeded.</summary>
    protected async Task<string> BerthAsync(params string[] words) => (await RunAsync(words)).EnsureSuccess().Output.Trim();

    protected async Task<string> InAsync(string service, string command) => await BerthAsync(["exec", "-T", service, .. command.Split(' ')]);

    protected Task WriteAsync(string file, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{Folder}/{file}")!);
        return File.WriteAllTextAsync($"{Folder}/{file}", content, TestContext.Current.CancellationToken);
    }

    protected async Task ReplaceAsync(string file, string old, string now)
    {
        var text = await File.ReadAllTextAsync($"{Folder}/{file}", TestContext.Current.CancellationToken);
        Assert.Contains(old, text, StringComparison.Ordinal);
        await WriteAsync(file, text.Replace(old, now, StringComparison.Ordinal));
    }
}
