using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Faults;

/// <summary>
/// Clients that do anything to a daemon at once, in an order that their seeds decide: the same few names again and again, so that they are in each other's way. Whatever is answered is
/// fine but a 500, no answer within <see cref="Patience"/>, or a connection that ends while the daemon lives.
/// </summary>
/// <param name="daemon">Has an image <c>box</c>.</param>
/// <param name="seed">Of the whole storm.</param>
internal sealed class Storm(TestDaemon daemon, int seed)
{
    private const int Containers = 12;
    private const int Networks = 4;
    private const int Volumes = 5;
    private const int Images = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ConcurrentBag<string> _wrong = [];
    private readonly ConcurrentDictionary<string, int> _answers = new(StringComparer.Ordinal);
    private volatile int _deaths; // odd while no daemon is to be expected

    /// <summary>What must not have happened.</summary>
    internal IReadOnlyCollection<string> Wrong => _wrong;

    /// <summary>How often the daemon was killed.</summary>
    internal int Kills => _deaths / 2;

    /// <summary>How often each operation was answered how, such as <c>start 204</c>.</summary>
    internal IReadOnlyDictionary<string, int> Answers => _answers;

    /// <summary>Runs until the time is over, with every client's last operation done and a daemon that lives.</summary>
    internal async Task RunAsync(int clients, TimeSpan duration, TimeSpan betweenKills, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ending.CancelAfter(duration);
        var working = Enumerable.Range(0, clients).Select(client => Task.Run(() => WorkAsync(new Random(seed + client), ending.Token), CancellationToken.None)).ToList();
        try
        {
            await KillAsync(new Random(seed - 1), betweenKills, ending.Token, cancellationToken);
        }
        finally
        {
            await ending.CancelAsync(); // also when the daemon did not start again
            await Task.WhenAll(working);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task KillAsync(Random random, TimeSpan between, CancellationToken ending, CancellationToken cancellationToken)
    {
        while (!ending.IsCancellationRequested)
        {
            await Task.Delay(between * (0.5 + random.NextDouble()), ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!ending.IsCancellationRequested)
            {
                Interlocked.Increment(ref _deaths);
                await daemon.KillAsync();
                await daemon.RestartAsync(cancellationToken);
                Interlocked.Increment(ref _deaths);
            }
        }
    }

    private async Task WorkAsync(Random random, CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            var deaths = _deaths;
            if (deaths % 2 == 1)
            {
                await Task.Delay(20, CancellationToken.None);
                continue;
            }

            var (name, request) = Choose(random);
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                using var answer = await daemon.Api.SendAsync(request, HttpCompletionOption.ResponseContentRead, patience.Token);
                var text = await answer.Content.ReadAsStringAsync(patience.Token);
                _answers.AddOrUpdate($"{name} {(int)answer.StatusCode}", 1, (_, count) => count + 1);
                if (answer.StatusCode == HttpStatusCode.InternalServerError && !text.Contains("port is already allocated", StringComparison.Ordinal))
                {
                    _wrong.Add($"{name}: {request.Method} {request.RequestUri}: {text}");
                }
            }
            catch (OperationCanceledException)
            {
                _wrong.Add($"{name}: {request.Method} {request.RequestUri}: not answered within {Patience.TotalSeconds} s");
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException)
            {
                _answers.AddOrUpdate($"{name} cut off", 1, (_, count) => count + 1);
                if (deaths == _deaths && daemon.ProcessId is not null && !daemon.HasEnded)
                {
                    await Task.Delay(200, CancellationToken.None); // the killer may be about to say so
                    if (deaths == _deaths)
                    {
                        _wrong.Add($"{name}: {request.Method} {request.RequestUri}: {exception.Message}");
                    }
                }
            }
            finally
            {
                request.Dispose();
            }
        }
    }

    private static (string Name, HttpRequestMessage Request) Choose(Random random)
    {
        var container = $"storm{random.Next(Containers)}";
        var network = $"net{random.Next(Networks)}";
        var volume = $"vol{random.Next(Volumes)}";
        var image = $"made{random.Next(Images)}";
        (string, HttpRequestMessage) Post(string name, string path, object? body = null) => (name, new(HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body) });
        (string, HttpRequestMessage) Get(string name, string path) => (name, new(HttpMethod.Get, path));
        (string, HttpRequestMessage) Delete(string name, string path) => (name, new(HttpMethod.Delete, path));
        return random.Next(40) switch
        {
            < 6 => Post("create", $"containers/create?name={container}", Config(random, network, volume, image)),
            < 11 => Post("start", $"containers/{container}/start"),
            < 13 => Post("stop", $"containers/{container}/stop?t={random.Next(2)}"),
            13 => Post("kill", $"containers/{container}/kill"),
            14 => Post("restart", $"containers/{container}/restart?t=0"),
            < 18 => Delete("remove", $"containers/{container}?force={random.Next(2)}&v={random.Next(2)}"),
            18 => Post("exec", $"containers/{container}/exec", new { Cmd = new[] { "sh", "-c", "echo there" } }),
            19 => Post("rename", $"containers/{container}/rename?name=storm{random.Next(Containers)}"),
            20 => random.Next(3) == 0 ? Post("pause", $"containers/{container}/pause") : Post("unpause", $"containers/{container}/unpause"),
            21 => Post("update", $"containers/{container}/update", new { Memory = 32 << 20, MemorySwap = 32 << 20 }),
            22 => Get("logs", $"containers/{container}/logs?stdout=1&tail=10"),
            23 => Get("inspect", $"containers/{container}/json?size=1"),
            24 => Get("stats", $"containers/{container}/stats?stream=false&one-shot=1"),
            25 => Get("list", "containers/json?all=1"),
            26 => Get("top", $"containers/{container}/top"),
            27 => Get("archive", $"containers/{container}/archive?path=/desk"),
            28 => ("put archive", new(HttpMethod.Put, $"containers/{container}/archive?path=/desk") { Content = new ByteArrayContent(Tar("file", "text")) }),
            29 => Post("commit", $"commit?container={container}&repo={image}"),
            < 32 => Post("network create", "networks/create", new { Name = network }),
            32 => Delete("network remove", "networks/" + network),
            33 => Post("connect", $"networks/{network}/connect", new { Container = container }),
            34 => Post("disconnect", $"networks/{network}/disconnect", new { Container = container }),
            35 => random.Next(2) == 0 ? Post("volume create", "volumes/create", new { Name = volume }) : Delete("volume remove", "volumes/" + volume),
            36 => ("build", new(HttpMethod.Post, $"build?t={image}") { Content = new ByteArrayContent(Tar("Dockerfile", $"FROM box\nRUN echo {random.Next(10)} >/made\n")) }),
            37 => Delete("image remove", $"images/{image}?force={random.Next(2)}"),
            38 => Post("tag", $"images/box/tag?repo={image}"),
            _ => Prune(random, Post),
        };
    }

    private static (string Name, HttpRequestMessage Request) Prune(Random random, Func<string, string, object?, (string, HttpRequestMessage)> post)
    {
        var kind = new[] { "containers", "networks", "volumes", "images", "build" }[random.Next(5)];
        return post("prune " + kind, kind + "/prune", null);
    }

    private static object Config(Random random, string network, string volume, string image) => new
    {
        Image = random.Next(3) == 0 ? image : "box",
        Cmd = random.Next(4) switch
        {
            0 => new[] { "true" },
            1 => ["sh", "-c", "echo said; sleep 0.3; exit 3"],
            _ => ["sh", "-c", "trap 'exit 0' TERM; while :; do echo line; sleep 0.1; done"],
        },
        HostConfig = new
        {
            NetworkMode = random.Next(3) switch { 0 => "bridge", 1 => "none", _ => network },
            Binds = random.Next(2) == 0 ? new[] { $"{volume}:/data" } : ["/anonymous"],
            RestartPolicy = new { Name = random.Next(3) switch { 0 => "always", 1 => "on-failure", _ => "no" } },
            PortBindings = random.Next(4) == 0 ? new Dictionary<string, object[]> { ["80/tcp"] = [new { HostIp = "127.0.0.1", HostPort = "0" }] } : [],
        },
    };

    private static byte[] Tar(string name, string text)
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, TarEntryFormat.Ustar, leaveOpen: true))
        {
            writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) });
        }

        return bytes.ToArray();
    }

    /// <summary>Where what the daemon tells of its containers is not so. Nothing is under way but what containers do by themselves.</summary>
    internal async Task<IReadOnlyList<string>> UntrueAsync(CancellationToken cancellationToken)
    {
        var untrue = new List<string>();
        foreach (var summary in (await daemon.Api.GetFromJsonAsync<JsonArray>("containers/json?all=1", cancellationToken))!)
        {
            var view = (await daemon.Api.GetFromJsonAsync<JsonNode>($"containers/{summary!["Id"]}/json", cancellationToken))!;
            var (id, state) = (view["Id"]!.GetValue<string>(), view["State"]!);
            var (runs, pid) = (state["Running"]!.GetValue<bool>(), state["Pid"]!.GetValue<int>());
            var isThere = pid > 0 && File.Exists($"/proc/{pid}/cgroup") && (await File.ReadAllTextAsync($"/proc/{pid}/cgroup", cancellationToken)).Contains(id, StringComparison.Ordinal);
            if (runs && !isThere && state["Restarting"]?.GetValue<bool>() != true)
            {
                var later = (await daemon.Api.GetFromJsonAsync<JsonNode>($"containers/{id}/json", cancellationToken))!["State"]!; // it may just have ended
                if (later["Running"]!.GetValue<bool>() && later["Pid"]!.GetValue<int>() == pid)
                {
                    untrue.Add($"{view["Name"]} is said to run as {pid}, which is not there");
                }
            }

            if (!runs && pid != 0)
            {
                untrue.Add($"{view["Name"]} does not run, and has the process {pid}");
            }
        }

        return untrue;
    }

    /// <summary>Takes away everything but the image <c>box</c>, as a user would. Returns what could not be.</summary>
    internal async Task<IReadOnlyList<string>> ClearAsync(CancellationToken cancellationToken)
    {
        var refused = new List<string>();
        foreach (var container in (await daemon.Api.GetFromJsonAsync<JsonArray>("containers/json?all=1", cancellationToken))!)
        {
            await DeleteAsync($"containers/{container!["Id"]}?force=1&v=1");
        }

        foreach (var network in (await daemon.Api.GetFromJsonAsync<JsonArray>("networks?filters={\"type\":[\"custom\"]}", cancellationToken))!)
        {
            await DeleteAsync($"networks/{network!["Id"]}");
        }

        foreach (var volume in (await daemon.Api.GetFromJsonAsync<JsonNode>("volumes", cancellationToken))!["Volumes"]!.AsArray())
        {
            await DeleteAsync($"volumes/{volume!["Name"]}");
        }

        using (await daemon.Api.PostAsync("images/box/tag?repo=kept", null, cancellationToken))
        {
        }

        foreach (var image in (await daemon.Api.GetFromJsonAsync<JsonArray>("images/json?all=1", cancellationToken))!)
        {
            foreach (var tag in image!["RepoTags"]!.AsArray().Select(tag => tag!.GetValue<string>()).Where(tag => tag.StartsWith("made", StringComparison.Ordinal)))
            {
                await DeleteAsync($"images/{tag}");
            }
        }

        foreach (var left in new[] { "containers/json?all=1", "networks?filters={\"type\":[\"custom\"]}" })
        {
            refused.AddRange((await daemon.Api.GetFromJsonAsync<JsonArray>(left, cancellationToken))!.Select(one => $"still there: {one!.ToJsonString()}"));
        }

        return refused;

        async Task DeleteAsync(string path)
        {
            using var answer = await daemon.Api.DeleteAsync(path, cancellationToken);
            if (!answer.IsSuccessStatusCode && answer.StatusCode != HttpStatusCode.NotFound)
            {
                refused.Add($"DELETE {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellationToken)}");
            }
        }
    }
}
