using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.Examples;

/// <summary>The stacks of <c>examples/</c> that people bring: as their READMEs start them, with Debian's servers.</summary>
public sealed class ExampleTests(ExampleDaemon examples) : IClassFixture<ExampleDaemon>
{
    [Fact]
    [Trait("Speed", "long")]
    public async Task Django_with_MariaDB_behind_nginx()
    {
        using var site = examples.Copy("django", "GUESTBOOK_PORT");
        await site.ShellAsync("cp .env_example .env");
        await site.ShellAsync(Assert.Single(site.ReadmeCommands()));

        Assert.Contains("Nobody has signed yet.", await site.UntilAsync("GUESTBOOK_PORT", "/", page => page.Contains("Guestbook", StringComparison.Ordinal)), StringComparison.Ordinal);
        using (var signed = await site.SendAsync("GUESTBOOK_PORT", new() { { new StringContent("老船长 ⚓"), "name" }, { new StringContent("沉不了 🚢"), "text" } }))
        {
            signed.EnsureSuccessStatusCode();
        }

        var page = await site.GetAsync("GUESTBOOK_PORT");
        Assert.Contains("沉不了 🚢", page, StringComparison.Ordinal);
        Assert.Contains("老船长 ⚓", page, StringComparison.Ordinal);

        // What collectstatic made in a volume over the mounted code, nginx serves by itself.
        Assert.Equal(await File.ReadAllTextAsync(site.Folder + "/entries/static/book.css", TestContext.Current.CancellationToken), await site.GetAsync("GUESTBOOK_PORT", "/static/book.css"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(site.Folder + "/static"));
        Assert.DoesNotContain("book.css", await site.ShellAsync("berth logs app"), StringComparison.Ordinal);

        // The database answers the application and not nginx; nothing but nginx is published.
        await site.ShellAsync("berth exec app python3 -c \"import socket; socket.create_connection(('db', 3306), 3)\"");
        Assert.NotEqual(0, (await site.Shell("berth exec nginx bash -c 'exec 3<>/dev/tcp/db/3306'").RunAsync(TestContext.Current.CancellationToken)).ExitCode);
        Assert.Equal("nginx\n", await site.ShellAsync("berth ps --format '{{.Service}} {{.Ports}}' | grep -- '->' | cut -d' ' -f1"));

        // Live code, and data that outlive their containers.
        var template = await File.ReadAllTextAsync(site.Folder + "/entries/templates/book.html", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(site.Folder + "/entries/templates/book.html", template.Replace("<h1>Guestbook</h1>", "<h1>Gästebuch</h1>", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await site.ShellAsync("berth restart app");
        await site.UntilAsync("GUESTBOOK_PORT", "/", answer => answer.Contains("Gästebuch", StringComparison.Ordinal));
        await site.ShellAsync("berth down");
        await site.ShellAsync("berth up -d --wait");
        Assert.Contains("沉不了 🚢", await site.UntilAsync("GUESTBOOK_PORT", "/", answer => answer.Contains("Gästebuch", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(0, (await site.Shell("berth plan --detailed-exitcode").RunAsync(TestContext.Current.CancellationToken)).ExitCode);
        await site.ShellAsync("berth down -v --rmi local");
    }

    [Fact]
    [Trait("Speed", "long")]
    public async Task Flask_with_a_worker_RabbitMQ_Redis_and_a_database_by_prod_env()
    {
        const string Compose = "berth -f deploy/docker/docker-compose.yml";
        using var site = examples.Copy("blog", "BLOG_PORT", "RMQ_PORT");
        var commands = site.ReadmeCommands();
        Assert.Equal(3, commands.Count);
        foreach (var command in commands)
        {
            await site.ShellAsync(command);
        }

        // The worker has waited for database and broker, migrated, written two posts, and counted their words by Celery.
        Assert.Equal([4, 14], await UntilCountedAsync(2));
        var written = await site.Client.PostAsync(site.Address("BLOG_PORT", "/posts"), new FormUrlEncodedContent(new Dictionary<string, string> { ["title"] = "第三篇 ⚓", ["text"] = "船到桥头 it goes" }), TestContext.Current.CancellationToken);
        Assert.Contains("第三篇 ⚓", await written.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal([4, 14, 6], await UntilCountedAsync(3));
        Assert.Contains("read 2 times", await site.GetAsync("BLOG_PORT", "/posts/3"), StringComparison.Ordinal); // by Redis

        // RabbitMQ's page, signed in to as prod.env says.
        using (var asked = new HttpRequestMessage(HttpMethod.Get, site.Address("RMQ_PORT", "/api/overview")))
        {
            asked.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("myblog:carry-my-words")));
            using var answered = await site.Client.SendAsync(asked, TestContext.Current.CancellationToken);
            using var overview = JsonDocument.Parse(await answered.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            Assert.Equal("RabbitMQ", overview.RootElement.GetProperty("product_name").GetString());
        }

        // Supervisor restarts a Celery that was killed; a worker that was away finds its work waiting.
        var before = await CeleryAsync();
        await site.ShellAsync($"{Compose} exec worker sh -c 'kill -KILL {before}'");
        await WriteAsync("四");
        Assert.Equal([4, 14, 6, 1], await UntilCountedAsync(4));
        Assert.NotEqual(before, await CeleryAsync());
        await site.ShellAsync($"{Compose} stop worker");
        await WriteAsync("五 五");
        Assert.Null((await PostsAsync())[^1]);
        await site.ShellAsync($"{Compose} start worker");
        Assert.Equal([4, 14, 6, 1, 2], await UntilCountedAsync(5));

        // One file for all environments: another prod.env is another site, and the local images are nobody's to pull.
        await site.ShellAsync("sed -i 's/^WEBAPP_ENV=.*/WEBAPP_ENV=Staging/' deploy/docker/prod.env");
        var plan = await site.ShellAsync($"{Compose} plan");
        Assert.Contains("WEBAPP_ENV", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("pull", plan, StringComparison.OrdinalIgnoreCase);
        await site.ShellAsync($"{Compose} up -d");
        Assert.Equal("Staging\n", await site.ShellAsync($"{Compose} exec frontend printenv WEBAPP_ENV"));
        Assert.Equal([4, 14, 6, 1, 2], await UntilCountedAsync(5));
        await site.ShellAsync($"{Compose} down -v --rmi local");

        Task WriteAsync(string text) => site.ShellAsync($"curl -fsS -o /dev/null --data-urlencode 'title={text}' --data-urlencode 'text={text}' {site.Address("BLOG_PORT", "/posts")}");
        async Task<string> CeleryAsync() => (await site.ShellAsync($"{Compose} exec worker supervisorctl pid celery")).Trim();
        async Task<IReadOnlyList<int?>> PostsAsync() => Words(await site.GetAsync("BLOG_PORT", "/api/posts"));
        async Task<IReadOnlyList<int?>> UntilCountedAsync(int count) =>
            Words(await site.UntilAsync("BLOG_PORT", "/api/posts", answer => Words(answer) is var words && words.Count == count && words.All(number => number is not null)));
    }

    [Fact]
    [Trait("Speed", "long")]
    public async Task Django_worked_on_locally_and_served_in_production()
    {
        using var site = examples.Copy("local-production", "LOCAL_PORT", "HTTP_PORT");
        var commands = site.ReadmeCommands();
        Assert.Equal(["berth -f local.yml up -d", "berth -f production.yml build", "berth -f production.yml up -d"], commands);

        // The secret is not there yet: said with the line that asks for it, and nothing is started.
        var missing = await site.Shell(commands[1]).RunAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(0, missing.ExitCode);
        Assert.Contains("production.yml:20:9:", missing.Error, StringComparison.Ordinal);
        Assert.Contains(".envs/.production", missing.Error, StringComparison.Ordinal);

        // Local: the code of this folder, and a reload at each change.
        await site.ShellAsync(commands[0]);
        await site.UntilAsync("LOCAL_PORT", "/", page => page.Contains("墙上还没有图片。", StringComparison.Ordinal));
        await site.ShellAsync("sed -i 's/墙上还没有图片。/墙是空的。/' wall/templates/wall.html");
        await site.UntilAsync("LOCAL_PORT", "/", page => page.Contains("墙是空的。", StringComparison.Ordinal));
        await HangAsync("LOCAL_PORT", "小船");
        Assert.Equal(s_picture, await site.Client.GetByteArrayAsync(site.Address("LOCAL_PORT", "/media/wall/boat.png"), TestContext.Current.CancellationToken));

        // Production: a secret of every kind of byte, its own database, uploads that nginx serves.
        const string Secret = "2pe8eih8oah2_2z1=7f84bzme7^bwuto7y&f(#@rgd9ux9mp";
        Directory.CreateDirectory(site.Folder + "/.envs");
        await File.WriteAllTextAsync(site.Folder + "/.envs/.production", $"DJANGO_SECRET_KEY={Secret}\n", TestContext.Current.CancellationToken);
        await site.ShellAsync(commands[1]);
        await site.ShellAsync(commands[2]);
        await site.UntilAsync("HTTP_PORT", "/", page => page.Contains("墙是空的。", StringComparison.Ordinal));
        Assert.Equal(Secret + "\n", await site.ShellAsync("berth -f production.yml exec pictures printenv DJANGO_SECRET_KEY"));
        await HangAsync("HTTP_PORT", "大船 ⛵");
        using (var served = await site.Client.GetAsync(site.Address("HTTP_PORT", "/media/wall/boat.png"), TestContext.Current.CancellationToken))
        {
            Assert.Equal("image/png", served.Content.Headers.ContentType?.ToString());
            Assert.Equal(s_picture, await served.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }

        // The domain, as a hosts file would lead to it; and a name that is not this site's.
        Assert.Contains("大船 ⛵", await AskAsync("www.pictures.test"), StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync("elsewhere.test"));
        Assert.True(refused.HttpRequestError == HttpRequestError.ResponseEnded || refused.InnerException is IOException or SocketException, refused.ToString());

        // Errors show no code to visitors, and the secret is in no image.
        using (var lost = await site.Client.GetAsync(site.Address("HTTP_PORT", "/nowhere"), TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.NotFound, lost.StatusCode);
            Assert.DoesNotContain("urlpatterns", await lost.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal("1\n", await site.ShellAsync("berth docker run --rm pictures find /app -name '.env*' | wc -l | grep -c '^0$'"));
        await site.ShellAsync("berth -f production.yml up -d --force-recreate");
        await site.UntilAsync("HTTP_PORT", "/", page => page.Contains("大船 ⛵", StringComparison.Ordinal));
        await site.ShellAsync("berth -f production.yml down -v && berth -f local.yml down -v");

        async Task HangAsync(string port, string title)
        {
            var picture = new ByteArrayContent(s_picture);
            picture.Headers.ContentType = new MediaTypeHeaderValue("image/png");
            using var hung = await site.SendAsync(port, new() { { new StringContent(title), "title" }, { picture, "file", "boat.png" } });
            Assert.Contains(title, await hung.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        async Task<string> AskAsync(string host)
        {
            using var asked = new HttpRequestMessage(HttpMethod.Get, site.Address("HTTP_PORT")) { Headers = { Host = host } };
            using var answered = await site.Client.SendAsync(asked, TestContext.Current.CancellationToken);
            return await answered.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        }
    }

    // One transparent pixel.
    private static readonly byte[] s_picture = Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=");

    private static IReadOnlyList<int?> Words(string answer)
    {
        using var posts = JsonDocument.Parse(answer);
        return [.. posts.RootElement.EnumerateArray().Select(post => post.GetProperty("words") is { ValueKind: JsonValueKind.Number } number ? number.GetInt32() : (int?)null)];
    }
}
