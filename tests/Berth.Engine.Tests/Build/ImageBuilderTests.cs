using System.Diagnostics;
using Berth.Engine.Build;
using Berth.Linux.Mounts;
using Berth.Oci;

namespace Berth.Engine.Tests.Build;

/// <summary>Real builds: overlay mounts and the OCI runtime, as root.</summary>
public class ImageBuilderTests
{
    [Fact]
    public async Task A_build_runs_copies_and_configures()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        workspace.Write("src/a.txt", "hello");
        var image = await workspace.BuildAsync(
            """
            FROM base
            ARG WHO=world
            ENV GREETING="hi $WHO" EMPTY=
            WORKDIR /app
            COPY src/ .
            RUN cat a.txt && echo "$GREETING" > greeting && pwd && id -u
            USER app
            RUN id && echo $HOME
            EXPOSE 80 53/udp
            VOLUME /data
            LABEL b=2 a=1
            HEALTHCHECK --interval=5s CMD true
            STOPSIGNAL SIGINT
            ENTRYPOINT ["/bin/cat"]
            CMD ["greeting"]
            """, config => config with { Tags = [ImageReference.Parse("app:1")], Labels = new Dictionary<string, string> { ["c"] = "3" } });
        Assert.Equal("hi world\n", workspace.Read(image, "app/greeting"));
        Assert.Contains("hello/app\n0\n", workspace.Output(), StringComparison.Ordinal);
        Assert.Contains("uid=1000(app) gid=1001(app) groups=50(extra)", workspace.Output(), StringComparison.Ordinal);
        Assert.Contains("/home/app\n", workspace.Output(), StringComparison.Ordinal);
        var config = image.Config.Config!;
        Assert.Equal(["53/udp", "80/tcp"], config.ExposedPorts!.Keys);
        Assert.Equal(["a", "b", "c"], config.Labels!.Keys);
        Assert.Equal(["CMD-SHELL", "true"], config.Healthcheck!.Test!);
        Assert.Equal(5_000_000_000, config.Healthcheck.Interval);
        Assert.Equal(("/app", "app", "SIGINT"), (config.WorkingDir, config.User, config.StopSignal));
        Assert.Contains("GREETING=hi world", config.Env!);
        Assert.Equal(image.Id, workspace.Images.Resolve("app:1").Id);
        Assert.Equal(image.Config.RootFs.DiffIds.Count, image.Config.History!.Count(entry => !entry.EmptyLayer) + 1); // the base's has none
    }

    [Fact]
    public async Task A_layer_holds_what_the_command_wrote_and_nothing_else()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        var image = await workspace.BuildAsync("FROM base\nRUN touch /etc/made");
        Assert.Equal(["etc", "etc/made"], workspace.TopLayer(image));
        image = await workspace.BuildAsync("FROM base\nRUN --mount=type=cache,target=/var/cache/x --mount=type=tmpfs,target=/scratch test -d /scratch && touch /var/cache/x/y");
        Assert.Empty(workspace.TopLayer(image));
    }

    [Fact]
    public async Task Nothing_changed_means_the_same_image_quickly_and_after_a_restart_too()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        workspace.Write("a", "1");
        workspace.Write("b/c", "2");
        const string file = "FROM base AS one\nRUN echo 1 > /one\nFROM base\nWORKDIR /w\nCOPY . .\nCOPY --from=one /one /two\nRUN cat a\nCMD [\"x\"]";
        var first = await workspace.BuildAsync(file);
        await Task.Delay(150);
        await workspace.BuildAsync(file);
        var watch = Stopwatch.StartNew();
        var again = await workspace.BuildAsync(file);
        watch.Stop();
        Assert.Equal(first.Id, again.Id);
        Assert.Equal(["COPY", "COPY", "RUN", "RUN", "WORKDIR"], workspace.CachedSteps().Order());
        Assert.True(watch.ElapsedMilliseconds < 100, $"took {watch.ElapsedMilliseconds} ms");
        await workspace.RestartAsync();
        Assert.Equal(first.Id, (await workspace.BuildAsync(file)).Id);
        File.SetLastWriteTimeUtc(workspace.Context + "/a", DateTime.UnixEpoch);
        Assert.Equal(first.Id, (await workspace.BuildAsync(file)).Id); // times are no content
    }

    [Fact]
    public async Task A_miss_explains_itself()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        workspace.Write("requirements.txt", "a");
        workspace.Write("other", "b");
        const string file = "FROM base\nCOPY other /\nCOPY requirements.txt /app/\nRUN cat /app/requirements.txt";
        await workspace.BuildAsync(file);
        workspace.Write("requirements.txt", "changed");
        var image = await workspace.BuildAsync(file);
        Assert.Equal(["line 3: requirements.txt changed"], workspace.MissReasons());
        Assert.Equal("changed", workspace.Output());
        Assert.Equal("changed", workspace.Read(image, "app/requirements.txt"));
        await workspace.BuildAsync(file.Replace("cat /app", "ls /app", StringComparison.Ordinal));
        Assert.Equal(["line 4: the instruction changed"], workspace.MissReasons());
        workspace.Write("requirements.txt", "a");
        await workspace.BuildAsync(file);
        Assert.Equal(["COPY", "COPY", "RUN"], workspace.CachedSteps());
    }

    [Fact]
    public async Task Only_needed_stages_are_built_and_side_by_side()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        var image = await workspace.BuildAsync(
            """
            FROM base AS a
            RUN --mount=type=cache,id=meeting,target=/meeting touch /meeting/a; timeout 60 sh -c 'until [ -e /meeting/b ]; do sleep 0.05; done' && echo a > /a
            FROM base AS b
            RUN --mount=type=cache,id=meeting,target=/meeting touch /meeting/b; timeout 60 sh -c 'until [ -e /meeting/a ]; do sleep 0.05; done' && echo b > /b
            FROM base AS unused
            RUN false
            FROM scratch
            COPY --from=a /a /
            COPY --from=b /b /etc/
            """); // each of the two waits until it sees the other
        Assert.Equal(("a\n", "b\n"), (workspace.Read(image, "a"), workspace.Read(image, "etc/b")));
        Assert.Equal(2, image.Config.RootFs.DiffIds.Count);
        var target = await workspace.BuildAsync(await File.ReadAllTextAsync(workspace.Context + "/Dockerfile"), config => config with { Target = "a" });
        Assert.Equal("a\n", workspace.Read(target, "a"));
    }

    [Fact]
    public async Task Copy_follows_Dockers_rules()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        workspace.Write("d/one.txt", "1");
        workspace.Write("d/sub/two.txt", "2");
        workspace.Write("d/skip.log", "x");
        workspace.Write("a1.txt", "a1");
        workspace.Write("a2.txt", "a2");
        workspace.Write(".dockerignore", "**/*.log");
        File.SetUnixFileMode(workspace.Context + "/a1.txt", (UnixFileMode)0x1c0);
        var image = await workspace.BuildAsync(
            """
            FROM base
            RUN mkdir /real && busybox ln -s /real /link
            COPY d /dir
            COPY d/one.txt /renamed
            COPY a*.txt /many/
            COPY --chown=app:extra --chmod=640 a1.txt /link/
            COPY --exclude=sub d /without
            COPY <<EOF /doc
            text $PATH
            EOF
            COPY <<"EOF" /raw
            text $PATH
            EOF
            RUN stat -c '%a %u:%g %n' /many/a1.txt /real/a1.txt /dir /doc && find /dir /without -type f
            """);
        Assert.Equal(
            ["/dir/one.txt", "/dir/sub/two.txt", "/without/one.txt", "640 1000:50 /real/a1.txt", "644 0:0 /doc", "700 0:0 /many/a1.txt", "755 0:0 /dir"],
            workspace.Output().Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        Assert.StartsWith("text /usr", workspace.Read(image, "doc"), StringComparison.Ordinal);
        Assert.Equal("text $PATH\n", workspace.Read(image, "raw"));
        var failed = await workspace.FailAsync("FROM base\nCOPY missing /");
        Assert.Equal(2, failed.Line);
        Assert.Contains("file not found in build context or excluded by .dockerignore: stat missing", failed.Message, StringComparison.Ordinal);
        Assert.Contains("must be a directory and end with a /", (await workspace.FailAsync("FROM base\nCOPY a1.txt a2.txt /x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_in_the_context_does_not_lead_out_of_it()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        workspace.Write("x", "x");
        File.CreateSymbolicLink(workspace.Context + "/passwd", "/etc/shadow");
        File.CreateSymbolicLink(workspace.Context + "/up", "../../../../../../../../etc");
        await workspace.FailAsync("FROM base\nCOPY passwd /stolen");
        await workspace.FailAsync("FROM base\nCOPY up/shadow /stolen");
        await workspace.FailAsync("FROM base\nCOPY ../../../../../../etc/shadow /stolen");
        Assert.Equal(6, (await File.ReadAllTextAsync("/etc/shadow")).Length > 0 ? 6 : 0);
    }

    [Fact]
    public async Task Add_unpacks_an_archive_and_copies_what_is_none()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        workspace.Write("in/file", "packed");
        using (var tar = Process.Start("tar", ["-C", workspace.Context + "/in", "-czf", workspace.Context + "/a.tar.gz", "file"]))
        {
            await tar.WaitForExitAsync();
        }

        workspace.Write("plain.tar", "not an archive, whatever its name says");
        var image = await workspace.BuildAsync("FROM base\nADD a.tar.gz /out/\nADD plain.tar /out/");
        Assert.Equal("packed", workspace.Read(image, "out/file"));
        Assert.StartsWith("not an archive", workspace.Read(image, "out/plain.tar"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_command_names_its_line_and_code_and_leaves_nothing()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        var failed = await workspace.FailAsync("FROM base\n\nRUN echo before; echo oops >&2; exit 3");
        Assert.Equal((3, 3), (failed.Line, failed.ExitCode));
        Assert.Equal("The command '/bin/sh -c echo before; echo oops >&2; exit 3' returned a non-zero code: 3", failed.Message);
        Assert.Contains(workspace.Events.OfType<StepPrinted>(), printed => printed.Output.IsError);
        AssertNothingLeft(workspace);
    }

    [Fact]
    public async Task Cancelling_kills_the_step_and_leaves_nothing()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        using var stop = new CancellationTokenSource();
        workspace.Write("Dockerfile", "FROM base\nRUN echo started; sleep 100");
        var watch = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var one in workspace.Builder.BuildAsync(new() { ContextDirectory = workspace.Context }, stop.Token))
            {
                if (one is StepPrinted)
                {
                    await stop.CancelAsync();
                }
            }
        });
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10));
        AssertNothingLeft(workspace);
    }

    [Fact]
    public async Task Secrets_and_scripts_and_mounts_work_and_stay_out_of_the_image()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        workspace.Write("data/x", "bound");
        var image = await workspace.BuildAsync(
            """
            FROM base AS other
            RUN echo staged > /staged
            FROM base
            RUN --mount=type=secret,id=key cat /run/secrets/key
            RUN --mount=type=bind,source=data,target=/mnt/data --mount=type=bind,from=other,source=/,target=/mnt/other cat /mnt/data/x /mnt/other/staged
            RUN <<EOF
            #!/bin/sh
            echo script $0
            EOF
            RUN <<EOF
            echo lines
            echo more
            EOF
            """, config => config with { Secrets = new Dictionary<string, byte[]> { ["key"] = "s3cret"u8.ToArray() } });
        Assert.Equal("s3cretboundstaged\nscript /run/berth/script\nlines\nmore\n", workspace.Output());
        Assert.All(workspace.Images.LowerDirectories(image).SkipLast(1), directory => Assert.Empty(Directory.GetFileSystemEntries(directory)));
    }

    [Fact]
    public async Task Triggers_of_the_base_run_first()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        workspace.Write("f", "from context");
        await workspace.BuildAsync("FROM base\nONBUILD COPY f /triggered\nONBUILD RUN echo ran > /ran", config => config with { Tags = [ImageReference.Parse("parent")] });
        var child = await workspace.BuildAsync("FROM parent\nRUN cat /triggered /ran");
        Assert.Equal("from contextran\n", workspace.Output());
        Assert.Null(child.Config.Config!.OnBuild);
    }

    [Fact]
    public async Task Source_date_epoch_makes_two_builds_one_image()
    {
        await using var first = await BuildWorkspace.CreateAsync();
        await using var second = await BuildWorkspace.CreateAsync();
        var epoch = (BuildConfig config) => config with { BuildArguments = new Dictionary<string, string?> { ["SOURCE_DATE_EPOCH"] = "1700000000" } };
        const string file = "FROM scratch\nCOPY f /d/e/\nCMD [\"/f\"]";
        first.Write("f", "same");
        second.Write("f", "same");
        var one = await first.BuildAsync(file, epoch);
        await Task.Delay(1100);
        File.SetLastWriteTimeUtc(second.Context + "/f", DateTime.UnixEpoch.AddSeconds(1_800_000_000));
        Assert.Equal(one.Id, (await second.BuildAsync(file, epoch)).Id);
    }

    [Fact]
    public async Task Mistakes_in_the_file_are_all_reported()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        var failed = await workspace.FailAsync("FROM base\nRUNN x\nCOPY y");
        Assert.Contains("Dockerfile:2:1", failed.Message, StringComparison.Ordinal);
        Assert.Contains("Dockerfile:3:", failed.Message, StringComparison.Ordinal);
        Assert.Contains("Cannot locate specified Dockerfile: nowhere", (await workspace.FailAsync("FROM base", config => config with { DockerfilePath = "nowhere" })).Message, StringComparison.Ordinal);
        Assert.Contains("does not emulate", (await workspace.FailAsync("FROM --platform=linux/s390x base")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pruning_the_cache_frees_what_no_image_shares()
    {
        await using var workspace = await BuildWorkspace.CreateAsync();
        var image = await workspace.BuildAsync("FROM base\nRUN echo 1 > /1");
        await workspace.Images.RemoveAsync(image.Id.Value, force: true, static _ => false, default);
        Assert.Equal(2, workspace.Images.Layers.All.Count);
        var (keys, freed) = await workspace.Builder.Cache.PruneAsync(all: false, static _ => true, 0, default);
        Assert.Single(keys);
        Assert.True(freed > 0);
        Assert.Single(workspace.Images.Layers.All);
    }

    private static void AssertNothingLeft(BuildWorkspace workspace)
    {
        Assert.Empty(Directory.GetFileSystemEntries(workspace.Root + "/data/tmp"));
        Assert.Equal(workspace.Images.Layers.All.Count, Directory.GetDirectories(workspace.Root + "/data/layers").Length);
        Assert.DoesNotContain(MountTable.MountPoints(), point => point.StartsWith(workspace.Root, StringComparison.Ordinal));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(workspace.Root + "/run/build"), path => Path.GetFileName(path) != "state");
    }
}
