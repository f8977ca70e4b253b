using System.Buffers.Text;
using System.Text.Json;
using Berth.Engine.Errors;
using Berth.Oci;
using Berth.Oci.Registry;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.DockerApi.Images;

/// <summary>Credentials as Docker's clients send them: base64url JSON in a header.</summary>
internal static class RegistryAuth
{
    /// <summary><c>X-Registry-Auth</c>: for the one registry that the request is about.</summary>
    internal static RegistryCredentials? One(HttpContext context) =>
        Read(context, "X-Registry-Auth") is { } json ? Credentials(json) : null;

    /// <summary><c>X-Registry-Config</c>: for all registries that a build may need.</summary>
    internal static Func<string, RegistryCredentials?> Many(HttpContext context)
    {
        if (Read(context, "X-Registry-Config") is not { ValueKind: JsonValueKind.Object } json)
        {
            return static _ => null;
        }

        // Several keys may mean one registry (Docker Hub has had three addresses): the last is the one.
        var known = json.EnumerateObject().GroupBy(one => HostOf(one.Name), StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => Credentials(group.Last().Value), StringComparer.Ordinal);
        return registry => known.GetValueOrDefault(registry);
    }

    /// <summary>The body of <c>POST /auth</c>: which registry, and who asks.</summary>
    internal static (string Registry, RegistryCredentials Credentials) Login(byte[] body)
    {
        try
        {
            using var document = RequestJson.Read(body);
            var address = document.RootElement.TryGetProperty("serveraddress", out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            return (HostOf(address is { Length: > 0 } ? address : "index.docker.io"), Credentials(document.RootElement) ?? throw BerthException.Invalid("the login has neither a user name nor a token"));
        }
        catch (InvalidOperationException)
        {
            throw BerthException.Invalid("invalid JSON: the login is not an object with username, password and serveraddress");
        }
    }

    private static JsonElement? Read(HttpContext context, string header)
    {
        if (context.Request.Headers[header] is not [{ Length: > 0 } text, ..])
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(text.TrimEnd('=').Replace('+', '-').Replace('/', '_')));
            return document.RootElement.Clone();
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            throw BerthException.Invalid($"invalid {header} header: {exception.Message}");
        }
    }

    // Docker Hub's old address is the key under which clients keep its login.
    private static string HostOf(string key)
    {
        var host = key.Contains("://", StringComparison.Ordinal) ? key[(key.IndexOf("://", StringComparison.Ordinal) + 3)..] : key;
        host = host.Split('/')[0];
        return host is "index.docker.io" or "registry-1.docker.io" ? ImageReference.DockerHub : host;
    }

    private static RegistryCredentials? Credentials(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        string? Text(string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;
        var credentials = new RegistryCredentials
        {
            Username = Text("username"), Password = Text("password"), IdentityToken = Text("identitytoken"), RegistryToken = Text("registrytoken"),
        };
        return credentials == new RegistryCredentials() ? null : credentials;
    }
}
