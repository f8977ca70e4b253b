using System.Net.Http.Json;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.Forum;

/// <summary>The forum's JSON API, as a program uses it: with a token instead of a cookie.</summary>
public sealed class ForumApi(Uri address) : IDisposable
{
    private readonly HttpClient _client = new(new HttpClientHandler { UseCookies = false, UseProxy = false }) { BaseAddress = new Uri(address, "api/v1/") };

    public async Task SignInAsync(string name, bool isNew, CancellationToken cancellationToken)
    {
        var answer = await PostAsync(isNew ? "register" : "login", new { name, password = Browser.Password }, cancellationToken);
        _client.DefaultRequestHeaders.Authorization = new("Bearer", answer.GetProperty("token").GetString());
    }

    public async Task<int> WriteAsync(string title, string body, CancellationToken cancellationToken) =>
        (await PostAsync("topics", new { title, body }, cancellationToken)).GetProperty("id").GetInt32();

    public async Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken) =>
        await _client.GetFromJsonAsync<JsonElement>(path, cancellationToken);

    public async Task<JsonElement> PostAsync(string path, object body, CancellationToken cancellationToken)
    {
        using var response = await _client.PostAsJsonAsync(path, body, cancellationToken);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        return response.IsSuccessStatusCode ? answer : throw new HttpRequestException($"{path}: {(int)response.StatusCode} {answer}", null, response.StatusCode);
    }

    public void Dispose() => _client.Dispose();
}
