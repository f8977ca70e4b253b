using System.Diagnostics;
using System.Text;
using Berth.Engine.Build;
using Berth.Engine.Images;
using Berth.Engine.Tests.Images;

namespace Berth.Engine.Tests.Build;

/// <summary>A builder over real overlays and a real runtime, with a base image <c>base</c> of this host's busybox.</summary>
internal sealed class BuildWorkspace : IAsyncDisposable
{
    private readonly ImageWorkspace _workspace = new();

    private TestSteps _steps;

    private BuildWorkspace()
    {
        _steps = new TestSteps(_workspace.State, Root);
        Builder = Create();
    }

    public ImageStore Images => _workspace.Images;

    public string Root => _workspace.Root;

    public string Context => Root + "/context";

    public ImageBuilder Builder { get; private set; }

    public List<BuildEvent> Events { get; } = [];

    public static async Task<BuildWorkspace> CreateAsync()
    {
        var workspace = new BuildWorkspace();
        Directory.CreateDirectory(workspace.Context);
        await workspace.AddBaseAsync();
        return workspace;
    }

    public void Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{Context}/{path}")!);
        File.WriteAllText($"{Context}/{path}", content);
    }

    /// <summary>Builds and expects it to work.</summary>
    public async Task<Image> BuildAsync(string dockerfile, Func<BuildConfig, BuildConfig>? change = null)
    {
        var last = await RunAsync(dockerfile, change);
        return last is BuildSucceeded succeeded ? succeeded.Image : throw new InvalidOperationException($"{last}\n{Output()}");
    }

    public async Task<BuildFailed> FailAsync(string dockerfile, Func<BuildConfig, BuildConfig>? change = null) =>
        Assert.IsType<BuildFailed>(await RunAsync(dockerfile, change));

    public async Task<BuildEvent> RunAsync(string dockerfile, Func<BuildConfig, BuildConfig>? change = null, CancellationToken cancellationToken = default)
    {
        Write("Dockerfile", dockerfile);
        Events.Clear();
        var config = new BuildConfig { ContextDirectory = Context };
        await foreach (var one in Builder.BuildAsync(change?.Invoke(config) ?? config, cancellationToken))
        {
            Events.Add(one);
        }

        return Events[^1];
    }

    public string Output() =>
        string.Concat(Events.OfType<StepPrinted>().Select(printed => Encoding.UTF8.GetString(printed.Output.Bytes.Span)));

    public IEnumerable<string> CachedSteps() => Events.OfType<StepCached>().Select(cached => cached.Step.Text.Split(' ')[0]);

    public IEnumerable<string> MissReasons() => Events.OfType<StepStarted>().Select(started => started.MissReason).OfType<string>();

    /// <summary>The paths of the image's uppermost layer.</summary>
    public IReadOnlyList<string> TopLayer(Image image)
    {
        var top = Images.LowerDirectories(image)[0];
        return [.. Directory.EnumerateFileSystemEntries(top, "*", SearchOption.AllDirectories).Select(path => path[(top.Length + 1)..]).Order(StringComparer.Ordinal)];
    }

    public string Read(Image image, string path) => File.ReadAllText(
        Images.LowerDirectories(image).Select(directory => $"{directory}/{path}").First(File.Exists));

    public async Task RestartAsync()
    {
        Builder.Dispose();
        _steps.Dispose();
        await _workspace.RestartAsync();
        _steps = new TestSteps(_workspace.State, Root);
        Builder = Create();
    }

    public async ValueTask DisposeAsync()
    {
        Builder.Dispose();
        _steps.Dispose();
        await _workspace.DisposeAsync();
    }

    private ImageBuilder Create() => new(
        Images, _workspace.State, _steps.Runner, Root + "/data", new(), TimeProvider.System);

    private async Task AddBaseAsync()
    {
        var directory = Images.Layers.CreateDirectory();
        foreach (var path in (string[])["bin", "etc", "tmp", "root", "usr/bin"])
        {
            Directory.CreateDirectory($"{directory}/{path}");
        }

        foreach (var library in await LibrariesAsync("/usr/bin/busybox"))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(directory + library)!);
            File.Copy(library, directory + library, overwrite: true);
        }

        File.Copy("/usr/bin/busybox", directory + "/bin/busybox");
        foreach (var applet in (string[])["sh", "cat", "echo", "ls", "mkdir", "touch", "rm", "id", "env", "test", "stat", "sleep", "chmod", "pwd", "wc", "mv", "find"])
        {
            File.CreateSymbolicLink($"{directory}/bin/{applet}", "busybox");
        }

        await File.WriteAllTextAsync(directory + "/etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n");
        await File.WriteAllTextAsync(directory + "/etc/group", "root:x:0:\napp:x:1001:\nextra:x:50:app\n");
        await TestImages.AddDirectoryAsync(Images, "base", directory);
    }

    private static async Task<IReadOnlyList<string>> LibrariesAsync(string program)
    {
        using var process = Process.Start(new ProcessStartInfo("ldd", [program]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return [.. text.Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries).Where(word => word.StartsWith('/'))];
    }
}
