using Berth.Engine.Errors;
using Berth.Engine.Images;
using Berth.Oci;
using Berth.Oci.Registry;
using Berth.Testing;

namespace Berth.Engine.Tests.Images;

/// <summary>Against Debian's docker-registry, over real connections.</summary>
public class PullTests
{
    [Fact]
    public async Task What_was_pushed_is_pulled_with_the_same_id()
    {
        await using var registry = await RegistryProcess.StartAsync();
        await using var source = new ImageWorkspace();
        var name = $"localhost:{registry.Port}/team/app:1";
        var image = await TestImages.AddAsync(source.Images, name, [("etc/a", "1")], [("etc/b", TestImages.Random(300_000))]);
        var digest = await source.Images.PushAsync(ImageReference.Parse(name), null, source.Report, default);

        await using var target = new ImageWorkspace();
        var pulled = await target.Images.PullAsync(ImageReference.Parse(name), null, null, target.Report, default);
        Assert.Equal(image.Id, pulled.Id);
        Assert.Equal([$"localhost:{registry.Port}/team/app@{digest}"], pulled.FamiliarDigests);
        Assert.Equal("1", await File.ReadAllTextAsync(target.Images.LowerDirectories(pulled)[1] + "/etc/a"));
        Assert.Contains(target.Progress, line => line.Status == "Pull complete");
        Assert.Contains(target.Progress, line => line.Status == $"Status: Downloaded newer image for {name}");
        Assert.Empty(Directory.GetFileSystemEntries(target.Root + "/data/tmp"));

        await target.Images.PullAsync(ImageReference.Parse($"localhost:{registry.Port}/team/app@{digest}"), null, null, target.Report, default);
        Assert.Contains(target.Progress, line => line.Status == "Already exists");
    }

    [Fact]
    public async Task All_tags_of_a_repository_are_found()
    {
        await using var registry = await RegistryProcess.StartAsync();
        await using var source = new ImageWorkspace();
        var name = $"localhost:{registry.Port}/team/app";
        var image = await TestImages.AddAsync(source.Images, name + ":v0", [("etc/a", "1")]);
        foreach (var reference in Enumerable.Range(0, 5).Select(tag => ImageReference.Parse($"{name}:v{tag}")))
        {
            await source.Images.TagAsync(image, reference);
            await source.Images.PushAsync(reference, null, source.Report, default);
        }

        using var client = new RegistryClient(new(), TimeProvider.System);
        Assert.Equal(["v0", "v1", "v2", "v3", "v4"], (await client.TagsAsync(ImageReference.Parse(name), null, default)).Order(StringComparer.Ordinal));
        var missing = await Assert.ThrowsAsync<RegistryException>(() => client.TagsAsync(ImageReference.Parse($"localhost:{registry.Port}/none"), null, default));
        Assert.Equal(RegistryFailure.NotFound, missing.Failure);
    }

    [Fact]
    public async Task A_pull_resumes_from_the_last_byte_when_the_connection_drops()
    {
        await using var registry = await RegistryProcess.StartAsync();
        await using var source = new ImageWorkspace();
        var image = await TestImages.AddAsync(source.Images, $"localhost:{registry.Port}/app:1", [("big", TestImages.Random(3_000_000))]);
        await source.Images.PushAsync(ImageReference.Parse($"localhost:{registry.Port}/app:1"), null, source.Report, default);

        await using var proxy = new CuttingProxy(registry.Port, cuts: 3, cutAfterBytes: 600_000);
        await using var target = new ImageWorkspace();
        var pulled = await target.Images.PullAsync(ImageReference.Parse($"127.0.0.1:{proxy.Port}/app:1"), null, null, target.Report, default);
        Assert.Equal(image.Id, pulled.Id);
        Assert.True(proxy.CutsLeft <= 0);
        var downloads = target.Progress.Where(line => line.Status == "Downloading").Select(line => line.Current!.Value).ToList();
        Assert.Equal(downloads.Order(), downloads); // it never began anew
    }

    [Fact]
    public async Task Bytes_of_another_digest_are_refused_and_nothing_stays()
    {
        await using var registry = await RegistryProcess.StartAsync();
        await using var source = new ImageWorkspace();
        await TestImages.AddAsync(source.Images, $"localhost:{registry.Port}/app:1", [("big", TestImages.Random(100_000))]);
        await source.Images.PushAsync(ImageReference.Parse($"localhost:{registry.Port}/app:1"), null, source.Report, default);
        var blob = Directory.GetFiles(registry.Data, "data", SearchOption.AllDirectories).MaxBy(file => new FileInfo(file).Length)!;
        await using (var file = File.OpenWrite(blob))
        {
            file.Position = 50_000;
            file.WriteByte(0);
            file.WriteByte(1);
        }

        await using var target = new ImageWorkspace();
        var exception = await Assert.ThrowsAsync<BerthException>(() =>
            target.Images.PullAsync(ImageReference.Parse($"localhost:{registry.Port}/app:1"), null, null, target.Report, default));
        Assert.Contains("with other content", exception.Message, StringComparison.Ordinal);
        Assert.Empty(target.Images.All);
        Assert.Empty(Directory.GetFileSystemEntries(target.Root + "/data/layers"));
        Assert.Empty(Directory.GetFileSystemEntries(target.Root + "/data/tmp"));
    }

    [Fact]
    public async Task What_is_nowhere_is_said_with_all_the_places()
    {
        await using var registry = await RegistryProcess.StartAsync();
        var options = new ImageStoreOptions { AllowBootstrap = false };
        options.Registry.Mirrors[$"localhost:{registry.Port}"] = [$"http://127.0.0.1:{Ports.Free()}"];
        await using var target = new ImageWorkspace(options);
        var exception = await Assert.ThrowsAsync<BerthException>(() =>
            target.Images.PullAsync(ImageReference.Parse($"localhost:{registry.Port}/none:1"), null, null, target.Report, default));
        Assert.Equal(ErrorKind.NotFound, exception.Kind);
        Assert.Contains("Connection refused", exception.Message, StringComparison.Ordinal);
        Assert.Contains("404", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mirror_is_asked_first()
    {
        await using var registry = await RegistryProcess.StartAsync();
        await using var source = new ImageWorkspace();
        var image = await TestImages.AddAsync(source.Images, $"localhost:{registry.Port}/library/app:1", [("a", "a")]);
        await source.Images.PushAsync(ImageReference.Parse($"localhost:{registry.Port}/library/app:1"), null, source.Report, default);
        var options = new ImageStoreOptions { AllowBootstrap = false };
        options.Registry.Mirrors["docker.io"] = [$"http://127.0.0.1:{registry.Port}"];
        await using var target = new ImageWorkspace(options);
        Assert.Equal(image.Id, (await target.Images.PullAsync(ImageReference.Parse("app:1"), null, null, target.Report, default)).Id);
    }
}
