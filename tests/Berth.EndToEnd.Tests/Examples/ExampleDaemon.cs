using System.Net;
using Berth.Testing;

namespace Berth.EndToEnd.Tests.Examples;

/// <summary>One daemon for all examples: what two of them build alike is built once.</summary>
public sealed class ExampleDaemon : IAsyncLifetime
{
    private TestDaemon? _daemon;

    public TestDaemon Daemon => _daemon ?? throw new InvalidOperationException("the daemon is not up");

    public async ValueTask InitializeAsync()
    {
        await DockerCli.PrepareAsync(TestContext.Current.CancellationToken);
        _daemon = await TestDaemon.StartAsync(TestContext.Current.CancellationToken);
        Example.Copy("forum", Daemon.Folder + "/forum"); // the others build their database of its files
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }
    }

    /// <summary>Copies an example beside the others.</summary>
    /// <param name="ports">The variables by which it publishes its ports.</param>
    internal ExampleSite Copy(string name, params IReadOnlyList<string> ports)
    {
        Example.Copy(name, $"{Daemon.Folder}/{name}");
        return new ExampleSite(Daemon, $"{Daemon.Folder}/{name}", ports.ToDictionary(port => port, _ => (string?)$"{Ports.Free()}"));
    }
}

/// <summary>A copy of an example, and a visitor's client for it.</summary>
internal sealed class ExampleSite(TestDaemon daemon, string folder, IReadOnlyDictionary<string, string?> ports) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2); // a broker and a database that start beside each other on two processors
    private readonly HttpClient _client = new(new HttpClientHandler { UseProxy = false, CookieContainer = new CookieContainer() });

    public string Folder => folder;

    public HttpClient Client => _client;

    public Uri Address(string port, string path = "/") => new($"http://localhost:{ports[port]}{path}");

    /// <summary>The lines of its README's code blocks that call berth, without their remarks.</summary>
    public IReadOnlyList<string> ReadmeCommands() =>
        [.. File.ReadAllLines(folder + "/README.md").Where(line => line.StartsWith("$ berth", StringComparison.Ordinal)).Select(line => line[2..].Split("   #")[0])];

    public async Task<string> ShellAsync(string line) => (await Shell(line).RunAsync(TestContext.Current.CancellationToken)).EnsureSuccess().Output;

    public Command Shell(string line) => Example.Shell(daemon, folder, line, ports);

    public Task<string> GetAsync(string port, string path = "/") => _client.GetStringAsync(Address(port, path), TestContext.Current.CancellationToken);

    /// <summary>Asks until the answer is as wanted; whoever starts has the time that programs take to start.</summary>
    public async Task<string> UntilAsync(string port, string path, Func<string, bool> wanted)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var last = "nothing was answered";
        for (var ending = TimeProvider.System.GetUtcNow() + Patience; TimeProvider.System.GetUtcNow() < ending; await Task.Delay(200, cancellationToken))
        {
            try
            {
                using var answer = await _client.GetAsync(Address(port, path), cancellationToken);
                last = await answer.Content.ReadAsStringAsync(cancellationToken);
                if (answer.IsSuccessStatusCode && wanted(last))
                {
                    return last;
                }
            }
            catch (HttpRequestException e)
            {
                last = e.Message;
            }
        }

        throw new TimeoutException($"{Address(port, path)}: {last}\n{(await Shell("berth docker ps -a").RunAsync(cancellationToken)).Output}");
    }

    /// <summary>Sends a form as a browser does, with the token that Django put into the page.</summary>
    public async Task<HttpResponseMessage> SendAsync(string port, MultipartFormDataContent form)
    {
        var page = await GetAsync(port);
        form.Add(new StringContent(page.Split("name=\"csrfmiddlewaretoken\" value=\"")[1].Split('"')[0]), "csrfmiddlewaretoken");
        return await _client.PostAsync(Address(port), form, TestContext.Current.CancellationToken);
    }

    public void Dispose() => _client.Dispose();
}
