using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Berth.Oci.Registry;

/// <summary>Answers a registry's challenge, and remembers the answer for its endpoint, repository and rights.</summary>
/// <remarks>"Docker Registry v2 authentication via central service"; RFC 7235 for the challenge's grammar.</remarks>
internal sealed class RegistryAuthorizer
{
    private const int TokenLimit = 1 << 20;
    private readonly ConcurrentDictionary<(string Endpoint, string Scope, RegistryCredentials? Who), AuthenticationHeaderValue> _known = new();

    public AuthenticationHeaderValue? Known(RegistryEndpoint endpoint, string scope, RegistryCredentials? credentials) =>
        _known.GetValueOrDefault((endpoint.BaseAddress.Authority, scope, credentials));

    /// <summary>Gets what the challenge in <paramref name="refusal"/> asks for.</summary>
    /// <returns>Null when it asks for nothing that the credentials can give.</returns>
    public async Task<AuthenticationHeaderValue?> AnswerAsync(
        HttpClient http, RegistryEndpoint endpoint, string scope, RegistryCredentials? credentials, HttpResponseMessage refusal,
        CancellationToken cancellationToken)
    {
        foreach (var challenge in refusal.Headers.WwwAuthenticate)
        {
            AuthenticationHeaderValue? answer = null;
            if (challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            {
                answer = credentials?.RegistryToken is { } ready
                    ? new("Bearer", ready)
                    : new("Bearer", await TokenAsync(http, endpoint, scope, Parameters(challenge.Parameter), credentials, cancellationToken));
            }
            else if (challenge.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) && credentials?.Username is { } name)
            {
                answer = Basic(name, credentials.Password);
            }

            if (answer is not null)
            {
                _known[(endpoint.BaseAddress.Authority, scope, credentials)] = answer;
                return answer;
            }
        }

        return null;
    }

    /// <summary>Reads <c>realm="…",service="…"</c>; a quoted comma separates nothing.</summary>
    internal static Dictionary<string, string> Parameters(string? text)
    {
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var left = (text ?? "").AsSpan();
        while (left.IndexOf('=') is var equals and > 0)
        {
            var key = left[..equals].Trim(" ,").ToString();
            left = left[(equals + 1)..];
            var value = new StringBuilder();
            var at = 0;
            if (left is ['"', ..])
            {
                for (at = 1; at < left.Length && left[at] != '"'; at++)
                {
                    at += left[at] == '\\' && at + 1 < left.Length ? 1 : 0;
                    value.Append(left[at]);
                }

                at = Math.Min(at + 1, left.Length);
            }
            else
            {
                at = left.IndexOf(',') is var comma and >= 0 ? comma : left.Length;
                value.Append(left[..at].Trim());
            }

            parameters[key] = value.ToString();
            left = left[at..];
        }

        return parameters;
    }

    private static AuthenticationHeaderValue Basic(string name, string? password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));

    private static async Task<string> TokenAsync(
        HttpClient http, RegistryEndpoint endpoint, string scope, Dictionary<string, string> challenge, RegistryCredentials? credentials,
        CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(challenge.GetValueOrDefault("realm"), UriKind.Absolute, out var realm)
            || (realm.Scheme != Uri.UriSchemeHttps && !(endpoint.AllowsUnverified && realm.Scheme == Uri.UriSchemeHttp)))
        {
            throw new RegistryException(
                RegistryFailure.Invalid,
                $"{endpoint.BaseAddress.Authority} asks for a token from '{challenge.GetValueOrDefault("realm")}', which is not an https address.");
        }

        using var request = TokenRequest(realm, challenge.GetValueOrDefault("service"), scope, credentials);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new RegistryException(
                RegistryFailure.Denied,
                $"{realm.Authority} gave no token for '{scope}': {(int)response.StatusCode} {response.ReasonPhrase}. Check the login for {endpoint.BaseAddress.Authority}.");
        }

        var json = await BoundedContent.ReadAsync(response, TokenLimit, "token", cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(json);
            foreach (var name in (ReadOnlySpan<string>)["token", "access_token"])
            {
                if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out var token)
                    && token.ValueKind == JsonValueKind.String && token.GetString() is { Length: > 0 } text)
                {
                    return text;
                }
            }
        }
        catch (JsonException exception)
        {
            throw new RegistryException(RegistryFailure.Invalid, $"{realm.Authority} answered with a token that is not JSON.", exception);
        }

        throw new RegistryException(RegistryFailure.Invalid, $"{realm.Authority} answered without a token.");
    }

    private static HttpRequestMessage TokenRequest(Uri realm, string? service, string scope, RegistryCredentials? credentials)
    {
        List<KeyValuePair<string, string>> fields = scope.Length > 0 ? [new("scope", scope)] : [];
        if (service is not null)
        {
            fields.Add(new("service", service));
        }

        if (credentials?.IdentityToken is { Length: > 0 } refresh)
        {
            fields.AddRange([new("grant_type", "refresh_token"), new("refresh_token", refresh), new("client_id", "berth")]);
            return new(HttpMethod.Post, realm) { Content = new FormUrlEncodedContent(fields) };
        }

        var query = string.Join('&', fields.Select(field => $"{field.Key}={Uri.EscapeDataString(field.Value)}"));
        var request = new HttpRequestMessage(HttpMethod.Get, new UriBuilder(realm)
        {
            Query = realm.Query.Length > 1 ? $"{realm.Query[1..]}&{query}" : query,
        }.Uri);
        if (credentials?.Username is { Length: > 0 } name)
        {
            request.Headers.Authorization = Basic(name, credentials.Password);
        }

        return request;
    }
}
