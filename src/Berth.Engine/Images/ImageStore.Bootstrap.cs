using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Berth.Engine.Errors;
using Berth.Linux.Processes;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Layers;

namespace Berth.Engine.Images;

public sealed partial class ImageStore
{
    private const string BootstrapIntent = "image.bootstrap";
    private const string BootstrapLabel = "org.berth.bootstrap";

    private async Task<Image> BootstrapAsync(
        ImageReference reference, BootstrapRecipe recipe, string reason, Action<ImageProgress> progress, CancellationToken cancellationToken)
    {
        if (TryResolve(reference) is { } present && present.Config.Config?.Labels?.ContainsKey(BootstrapLabel) == true)
        {
            progress(new(null, $"Status: Image is up to date for {reference.Familiar} (built here from packages; {reference.Registry} still cannot be reached)"));
            return present;
        }

        var (hostDistribution, hostSuite) = HostRelease();
        var sources = recipe.Sources(AptSourceFiles(), hostDistribution, hostSuite);
        if (sources.Count == 0 || !File.Exists("/usr/bin/mmdebstrap"))
        {
            var obstacle = sources.Count == 0
                ? $"this host ({hostDistribution} {hostSuite}) has no apt source for {recipe.Distribution} in {_options.AptDirectory}"
                : "mmdebstrap is not installed";
            throw new BerthException(
                ErrorKind.Unavailable, $"Cannot pull {reference.Familiar}: {reason} It cannot be built from packages either: {obstacle}.");
        }

        var origin = string.Join(", ", sources.Select(source => source.Split(' ').First(word => word.Contains("://", StringComparison.Ordinal))).Distinct());
        progress(new(null, $"{reference.Registry} could not be reached ({reason.TrimEnd('.')})."));
        progress(new(null, $"Building {reference.Familiar} here from the host's {recipe.Distribution} mirror ({origin}): like the official image, but not the same."));
        using var temporary = Content.CreateTemporary();
        await RunMmdebstrapAsync(recipe, sources, temporary, progress, cancellationToken);
        progress(new(null, "Unpacking"));
        return await AddBootstrappedAsync(reference, recipe, origin, temporary["root.tar"], progress, cancellationToken);
    }

    private async Task RunMmdebstrapAsync(
        BootstrapRecipe recipe, IReadOnlyList<string> sources, TemporaryDirectory temporary, Action<ImageProgress> progress, CancellationToken cancellationToken)
    {
        await File.WriteAllLinesAsync(temporary["sources.list"], sources, cancellationToken);
        var start = new ProcessStartInfo("/usr/bin/setsid") { RedirectStandardError = true, RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in MmdebstrapArguments(recipe, temporary))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["TMPDIR"] = temporary.Path;
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using var process = Process.Start(start)!;

        // From here on a killed daemon leaves a process behind; the next one knows it by id and start time.
        await using var intent = await _state.BeginIntentAsync(
            BootstrapIntent, $"{recipe.Distribution}:{recipe.Suite}", Encoding.UTF8.GetBytes($"[{process.Id},{ProcessTable.StartTicks(process.Id)}]"));
        process.StandardInput.Close();
        var lastLines = new Queue<string>();
        async Task RelayAsync(StreamReader from)
        {
            while (await from.ReadLineAsync(CancellationToken.None) is { } line)
            {
                if (line.StartsWith("I: ", StringComparison.Ordinal))
                {
                    progress(new(null, line[3..]));
                }

                lock (lastLines)
                {
                    lastLines.Enqueue(line);
                    if (lastLines.Count > 10)
                    {
                        lastLines.Dequeue();
                    }
                }
            }
        }

        try
        {
            var relaying = Task.WhenAll(RelayAsync(process.StandardError), RelayAsync(process.StandardOutput));
            await process.WaitForExitAsync(cancellationToken);
            await relaying;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
        finally
        {
            await intent.CompleteAsync();
        }

        if (process.ExitCode != 0)
        {
            throw new BerthException(
                ErrorKind.Failed,
                $"Building {recipe.Distribution}:{recipe.Suite} from packages failed: mmdebstrap ended with {process.ExitCode}:\n{string.Join('\n', lastLines)}");
        }
    }

    private static IEnumerable<string> MmdebstrapArguments(BootstrapRecipe recipe, TemporaryDirectory temporary)
    {
        yield return "--wait";
        yield return "/usr/bin/mmdebstrap";
        yield return "--variant=minbase";
        yield return "--mode=root";
        yield return "--format=tar";
        if (recipe.IsSlim)
        {
            // What Debian's own slim images leave out; the licences stay, as the law asks.
            foreach (var (option, path) in ((string, string)[])
            [
                ("exclude", "/usr/share/doc/*"), ("include", "/usr/share/doc/*/copyright"), ("exclude", "/usr/share/man/*"),
                ("exclude", "/usr/share/info/*"), ("exclude", "/usr/share/groff/*"), ("exclude", "/usr/share/lintian/*"),
                ("exclude", "/usr/share/linda/*"), ("exclude", "/usr/share/locale/*"), ("include", "/usr/share/locale/locale.alias"),
            ])
            {
                yield return $"--dpkgopt=path-{option}={path}";
            }
        }

        // A container has no place for a start of services, for apt's archives, or for its binary caches.
        yield return "--customize-hook=printf '#!/bin/sh\\nexit 101\\n' >\"$1/usr/sbin/policy-rc.d\"; chmod 755 \"$1/usr/sbin/policy-rc.d\"";
        yield return "--customize-hook=printf '%s\\n' 'APT::Keep-Downloaded-Packages \"false\";' 'Acquire::Languages \"none\";' >\"$1/etc/apt/apt.conf.d/90container\"";
        yield return "--customize-hook=rm -f \"$1/etc/hostname\" \"$1/etc/resolv.conf\"; : >\"$1/etc/machine-id\"";
        yield return recipe.Suite;
        yield return temporary["root.tar"];
        yield return temporary["sources.list"];
    }

    private async Task<Image> AddBootstrappedAsync(
        ImageReference reference, BootstrapRecipe recipe, string origin, string tar, Action<ImageProgress> progress, CancellationToken cancellationToken)
    {
        var unpacked = await Task.Run(() => Unpack(File.OpenRead(tar), diffId: null, reference.Familiar, cancellationToken), cancellationToken);

        // The layer is kept as a directory only, so its name must be that of the tar that this directory makes.
        var (diffId, size) = await Task.Run(() => LayerWriter.Measure(unpacked.Directory, null, cancellationToken), cancellationToken);
        using var lease = Layers.Lease(diffId);
        await CommitAsync(unpacked with { Size = size }, blob: null, diffId, parent: null);
        var now = _time.GetUtcNow();
        var config = new ImageConfig
        {
            Architecture = Platform.Host.Architecture,
            Os = "linux",
            Created = now,
            Config = new()
            {
                Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                Cmd = [recipe.Distribution == "ubuntu" ? "/bin/bash" : "bash"],
                Labels = new()
                {
                    [BootstrapLabel] = $"{recipe.Distribution} {recipe.Suite} from {origin}, as {reference.Registry} could not be reached",
                },
            },
            RootFs = new() { DiffIds = [diffId] },
            History = [new() { Created = now, CreatedBy = $"mmdebstrap --variant=minbase {recipe.Suite}", Comment = "berth bootstrap" }],
        };
        var image = await AddAsync(OciJson.Write(config), [reference], repositoryDigest: null, parent: null);
        progress(new(null, $"Status: Built {reference.Familiar} from packages"));
        return image;
    }

    private IEnumerable<(string Name, string Text)> AptSourceFiles()
    {
        var files = new List<string> { Path.Combine(_options.AptDirectory, "sources.list") };
        var directory = Path.Combine(_options.AptDirectory, "sources.list.d");
        if (Directory.Exists(directory))
        {
            files.AddRange(Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal)
                .Where(file => file.EndsWith(".list", StringComparison.Ordinal) || file.EndsWith(".sources", StringComparison.Ordinal)));
        }

        return files.Where(File.Exists).Select(file => (file, File.ReadAllText(file)));
    }

    // os-release(5)
    private static (string Distribution, string Suite) HostRelease()
    {
        var fields = File.Exists("/etc/os-release")
            ? File.ReadLines("/etc/os-release").Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2)
                .ToDictionary(pair => pair[0], pair => pair[1].Trim('"', '\''), StringComparer.Ordinal)
            : [];
        return (fields.GetValueOrDefault("ID") ?? "unknown", fields.GetValueOrDefault("VERSION_CODENAME") ?? "unknown");
    }

    private void KillLeftOverBootstraps()
    {
        foreach (var intent in _state.OpenIntents().Where(intent => intent.Kind == BootstrapIntent))
        {
            using var document = JsonDocument.Parse(intent.Data);
            var (id, started) = (document.RootElement[0].GetInt32(), document.RootElement[1].GetInt64());
            if (started >= 0 && ProcessTable.StartTicks(id) == started)
            {
                using var process = Process.GetProcessById(id);
                process.Kill(entireProcessTree: true);
            }

            intent.CompleteAsync().GetAwaiter().GetResult();
        }
    }
}
