using System.Buffers.Text;
using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Berth.Cli;

/// <summary>
/// Names and passwords for registries, where Docker's clients keep them: <c>config.json</c> in DOCKER_CONFIG or <c>~/.docker</c>, or the helper
/// program that it names. Docker CLI reference, <c>docker login</c>, "Credential stores".
/// </summary>
internal sealed class RegistryLogins(CliContext context)
{
    internal const string DockerHub = "https://index.docker.io/v1/";
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, IndentSize = 4, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private string FilePath => Path.Combine(context.Variable("DOCKER_CONFIG") ?? Path.Combine(context.Variable("HOME") ?? "/root", ".docker"), "config.json");

    /// <summary>The key under which a registry's login is kept: of an image's name, or as the user gave it.</summary>
    internal static string KeyOf(string registry) => registry.Length == 0 || registry.Contains("docker.io", StringComparison.Ordinal) ? DockerHub : registry.Replace("https://", "", StringComparison.Ordinal).Replace("http://", "", StringComparison.Ordinal).TrimEnd('/');

    /// <summary>The registry in an image's name: the first part, if it has a dot or a colon or is localhost.</summary>
    internal static string RegistryOf(string image) => image.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash && (image[..slash] == "localhost" || image.AsSpan(0, slash).IndexOfAny('.', ':') >= 0) ? image[..slash] : "";

    /// <summary>What a request about that registry's images has in its head; null for nobody in particular.</summary>
    internal IReadOnlyDictionary<string, string>? HeadersFor(string registry)
    {
        var key = KeyOf(registry);
        return Find(Read(), key) is { } login ? new Dictionary<string, string> { ["X-Registry-Auth"] = Encode(Wire(key, login)) } : null;
    }

    /// <summary>Those of all registries, for a build.</summary>
    internal IReadOnlyDictionary<string, string>? HeadersForAll()
    {
        var file = Read();
        var all = new JsonObject();
        foreach (var key in file.Pairs("auths").Concat(file.Pairs("credHelpers")).Select(pair => pair.Key).Distinct())
        {
            if (Find(file, key) is { } login)
            {
                all[key] = Wire(key, login);
            }
        }

        return all.Count > 0 ? new Dictionary<string, string> { ["X-Registry-Config"] = Encode(all) } : null;
    }

    internal void Keep(string key, string user, string password)
    {
        var file = Read();
        if (HelperOf(file, key) is { } helper)
        {
            RunHelper(helper, "store", new JsonObject { ["ServerURL"] = key, ["Username"] = user, ["Secret"] = password }.ToJsonString());
            return;
        }

        if (file["auths"] is not JsonObject logins)
        {
            file["auths"] = logins = [];
        }

        logins[key] = new JsonObject { ["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")) };
        Write(file);
        context.Error.WriteLine($"WARNING! The password is stored unencrypted in '{FilePath}'; a credential helper keeps it better.");
    }

    /// <returns>Whether there was one.</returns>
    internal bool Forget(string key)
    {
        var file = Read();
        if (HelperOf(file, key) is { } helper)
        {
            RunHelper(helper, "erase", key);
            return true;
        }

        var removed = (file["auths"] as JsonObject)?.Remove(key) ?? false;
        if (removed)
        {
            Write(file);
        }

        return removed;
    }

    private static (string User, string Password)? Find(JsonObject file, string key)
    {
        if (HelperOf(file, key) is { } helper)
        {
            return RunHelper(helper, "get", key) is { } answer && JsonNode.Parse(answer) is { } found ? (found.Text("Username"), found.Text("Secret")) : null;
        }

        var text = file["auths"]?[key].Text("auth") ?? "";
        if (text.Length == 0)
        {
            return null;
        }

        try
        {
            var parts = Encoding.UTF8.GetString(Convert.FromBase64String(text)).Split(':', 2);
            return parts.Length == 2 ? (parts[0], parts[1].TrimEnd('\0')) : null;
        }
        catch (FormatException)
        {
            throw new CliException(1, $"the login for {key} in Docker's config.json is not readable; sign in again: berth login {(key == DockerHub ? "" : key)}");
        }
    }

    private static JsonObject Wire(string key, (string User, string Password) login) => login.User == "<token>"
        ? new() { ["identitytoken"] = login.Password, ["serveraddress"] = key }
        : new() { ["username"] = login.User, ["password"] = login.Password, ["serveraddress"] = key };

    private static string Encode(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));

    private static string? HelperOf(JsonObject file, string key) => (file["credHelpers"].Text(key), file.Text("credsStore")) switch
    {
        ({ Length: > 0 } own, _) => own,
        (_, { Length: > 0 } common) => common,
        _ => null,
    };

    /// <returns>Its output; null when it knows nothing of that registry.</returns>
    private static string? RunHelper(string helper, string verb, string input)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("docker-credential-" + helper, [verb]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output
                : output.Contains("credentials not found", StringComparison.Ordinal) ? null
                : throw new CliException(1, $"docker-credential-{helper} {verb}: {output.Trim()}");
        }
        catch (Win32Exception)
        {
            throw new CliException(1, $"Docker's config.json names the credential helper docker-credential-{helper}, which is not installed");
        }
    }

    private JsonObject Read()
    {
        if (!File.Exists(FilePath))
        {
            return [];
        }

        try
        {
            return JsonNode.Parse(File.ReadAllText(FilePath)) as JsonObject ?? [];
        }
        catch (JsonException exception)
        {
            throw new CliException(1, $"{FilePath} is not JSON: {exception.Message}");
        }
    }

    // Whole or not at all, and for nobody else to read.
    private void Write(JsonObject file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var next = $"{FilePath}.{Environment.ProcessId}";
        using (var stream = new FileStream(next, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            stream.Write(Encoding.UTF8.GetBytes(file.ToJsonString(s_indented) + "\n"));
        }

        File.Move(next, FilePath, overwrite: true);
    }
}
