using System.Text;
using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Docker;

/// <summary>Verbs on registries.</summary>
internal static class RegistryVerbs
{
    internal static Verb LogIn() => new(
        "login", "[OPTIONS] [REGISTRY]", "Signs in to a registry; without a name, to Docker Hub.", "berth login registry.example\nberth login -u ci --password-stdin registry.example <password.txt",
        [Option.Value("username", 'u', "NAME", "Who"), Option.Value("password", 'p', "PASSWORD", "Seen by others in the process list: rather --password-stdin"), Option.Flag("password-stdin", "Read the password from stdin")],
        async (context, line) =>
        {
            var registry = line.Arguments.Count > 1 ? throw new UsageException("'login' requires at most 1 argument") : line.Arguments is [var named] ? named : "";
            if (line.Flag("password-stdin") && (line.Has("password") || !line.Has("username")))
            {
                throw new UsageException(line.Has("password") ? "--password and --password-stdin are mutually exclusive" : "must provide --username with --password-stdin");
            }

            var user = line.Value("username") ?? Ask(context, "Username: ", isSecret: false);
            var password = line.Value("password") ?? (line.Flag("password-stdin") ? await ReadAllAsync().ConfigureAwait(false) : Ask(context, "Password: ", isSecret: true));
            if (user.Length == 0 || password.Length == 0)
            {
                throw new CliException(1, "a user name and a password are needed");
            }

            var key = RegistryLogins.KeyOf(registry);
            var answer = await context.Client.RequestAsync("POST", "/auth", new JsonObject { ["username"] = user, ["password"] = password, ["serveraddress"] = key }).ConfigureAwait(false);
            new RegistryLogins(context).Keep(key, user, answer.Text("IdentityToken") is { Length: > 0 } token ? token : password);
            context.Output.WriteLine(answer.Text("Status") is { Length: > 0 } status ? status : "Login Succeeded");
            return 0;
        });

    internal static Verb LogOut() => new("logout", "[REGISTRY]", "Forgets the login for a registry.", "berth logout registry.example", [], (context, line) =>
    {
        var key = RegistryLogins.KeyOf(line.Arguments.Count > 1 ? throw new UsageException("'logout' requires at most 1 argument") : line.Arguments is [var named] ? named : "");
        context.Output.WriteLine(new RegistryLogins(context).Forget(key) ? $"Removing login credentials for {key}" : $"Not logged in to {key}");
        return Task.FromResult(0);
    });

    internal static Verb Search() => new(
        "search", "[OPTIONS] TERM", "Looks for images on a registry.", "berth search nginx\nberth search --filter is-official=true redis", [Option.Value("limit", "NUMBER", "At most so many"), DockerVerbs.Filter, DockerVerbs.NoTrunc, DockerVerbs.Format],
        async (context, line) =>
        {
            var term = DockerVerbs.Exactly(line, "search", 1)[0];
            await using var response = await context.Client.SendAsync(
                "GET", $"/images/search?term={DockerVerbs.Escape(term)}&limit={line.Number("limit") ?? 0}&filters={DockerVerbs.Filters(line.Values("filter"))}", headers: new RegistryLogins(context).HeadersFor(RegistryLogins.RegistryOf(term))).ConfigureAwait(false);
            await response.EnsureSuccessAsync(CancellationToken.None).ConfigureAwait(false);
            var rows = await response.ReadJsonAsync(CancellationToken.None).ConfigureAwait(false);
            Listing.Write(
                context, line, [.. rows.Items()], one => one.Text("name"),
                [
                    ("NAME", "Name", one => one.Text("name")), ("DESCRIPTION", "Description", one => line.Flag("no-trunc") ? one.Text("description") : HumanText.Shorten(one.Text("description"), 45)),
                    ("STARS", "StarCount", one => one.Text("star_count")), ("OFFICIAL", "IsOfficial", one => one.Flag("is_official") ? "[OK]" : ""),
                ],
                []);
            return 0;
        });

    private static string Ask(CliContext context, string question, bool isSecret)
    {
        if (!CliContext.InputIsTerminal)
        {
            throw new CliException(1, "cannot ask for name and password without a terminal; use --username and --password-stdin");
        }

        context.Output.Write(question);
        context.Output.Flush();
        if (!isSecret)
        {
            return Console.ReadLine() ?? "";
        }

        var text = new StringBuilder();
        for (var key = Console.ReadKey(intercept: true); key.Key != ConsoleKey.Enter; key = Console.ReadKey(intercept: true))
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                text.Length = Math.Max(0, text.Length - 1);
            }
            else if (key.KeyChar != '\0')
            {
                text.Append(key.KeyChar);
            }
        }

        context.Output.WriteLine();
        return text.ToString();
    }

    private static async Task<string> ReadAllAsync()
    {
        using var reader = new StreamReader(CliContext.OpenInput());
        return (await reader.ReadToEndAsync().ConfigureAwait(false)).TrimEnd('\r', '\n');
    }
}
