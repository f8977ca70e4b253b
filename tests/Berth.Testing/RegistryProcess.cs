using System.Diagnostics;

namespace Berth.Testing;

/// <summary>Debian's own registry on a free port of the loopback interface.</summary>
public sealed class RegistryProcess : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("berth-registry-").FullName;
    private readonly Process _process;

    private RegistryProcess()
    {
        Port = Ports.Free();
        File.WriteAllText(
            _root + "/config.yml",
            $$"""
            version: 0.1
            log: { level: error }
            storage: { filesystem: { rootdirectory: {{_root}}/data } }
            http: { addr: "127.0.0.1:{{Port}}" }
            """);
        _process = Process.Start(new ProcessStartInfo("docker-registry", ["serve", _root + "/config.yml"])
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    public int Port { get; }

    public string Data => _root + "/data/docker/registry/v2/blobs/sha256";

    public static async Task<RegistryProcess> StartAsync()
    {
        var registry = new RegistryProcess();
        using var http = new HttpClient();
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{registry.Port}/v2/"));
                return registry;
            }
            catch (HttpRequestException) when (attempt < 100)
            {
                await Task.Delay(50);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}
