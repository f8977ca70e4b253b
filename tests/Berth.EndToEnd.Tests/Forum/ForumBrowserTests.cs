using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Berth.EndToEnd.Tests.Forum;

/// <summary>What a visitor does in the forum, in a real browser, on a stack that Berth built and runs.</summary>
[Trait("Speed", "slow")]
[Collection(ForumCollection.Name)]
public sealed class ForumBrowserTests(ForumStack stack)
{
    private const string Body = "大家好!👋🏽 第一次来,先占个座。\n\n有什么 <b>规矩</b> 吗?看这里:https://example.org/a?b=1&c=2";
    private static readonly TimeZoneInfo Shanghai = TimeZoneInfo.FindSystemTimeZoneById("Asia/Shanghai");

    [Fact]
    public async Task Visitors_register_write_reply_and_read_in_Chinese_and_with_emoji()
    {
        await using var browser = await Browser.OpenAsync(stack.Address);
        var page = browser.Page;

        await page.GotoAsync("/register");
        await page.GetByLabel("用户名").FillAsync("小");
        await page.GetByLabel("密码").FillAsync("short");
        await page.GetByRole(AriaRole.Button, new() { Name = "注册并登录" }).ClickAsync();
        await Expect(page.GetByText("用户名为 2–20 个字")).ToBeVisibleAsync();
        await Expect(page.GetByText("密码长度为 8–128 个字符")).ToBeVisibleAsync();
        await browser.ShootAsync("register-mistakes");

        await browser.SignInAsync("小船长", isNew: true);
        await browser.WriteAsync("你好,泊岸 ⚓ 第一个话题!", Body);
        await Expect(page.Locator(".prose")).ToHaveTextAsync(Body);
        await Expect(page.Locator(".prose b")).ToHaveCountAsync(0);
        await Expect(page.Locator(".prose a")).ToHaveAttributeAsync("href", "https://example.org/a?b=1&c=2");
        var topic = page.Url;

        await page.GetByRole(AriaRole.Button, new() { Name = "退出" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "注册", Exact = true })).ToBeVisibleAsync();
        await browser.SignInAsync("Ada_Lovelace", isNew: true);
        await page.GotoAsync(topic);
        await page.GetByLabel("回复", new() { Exact = true }).FillAsync("欢迎欢迎 🎉🇨🇳 规矩只有一条:be kind.");
        await page.GetByRole(AriaRole.Button, new() { Name = "发表回复" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "1 条回复" })).ToBeVisibleAsync();
        await Expect(page.Locator(".thread .prose")).ToHaveTextAsync("欢迎欢迎 🎉🇨🇳 规矩只有一条:be kind.");
        await browser.ShootAsync("topic");

        await page.GotoAsync("/");
        var row = page.Locator(".topic").Filter(new() { HasText = "你好,泊岸 ⚓ 第一个话题!" });
        await Expect(row.Locator(".bubble")).ToHaveTextAsync("💬 1");
        await Expect(row).ToContainTextAsync("小船长");
        Assert.Empty(browser.Problems);
    }

    [Fact]
    public async Task Logging_in_refuses_a_wrong_password_and_leads_back_to_where_the_reader_was()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var api = new ForumApi(stack.Address);
        await api.SignInAsync("回头客", isNew: true, cancellationToken);
        var topic = await api.WriteAsync("回来看看", "下次还来", cancellationToken);
        await using var browser = await Browser.OpenAsync(stack.Address);
        var page = browser.Page;

        await page.GotoAsync($"/topics/{topic}");
        await page.Locator(".invite").GetByRole(AriaRole.Link, new() { Name = "登录" }).ClickAsync();
        await page.GetByLabel("用户名").FillAsync("回头客");
        await page.GetByLabel("密码").FillAsync("不对的密码");
        var login = page.GetByRole(AriaRole.Button, new() { Name = "登录", Exact = true });
        await login.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("用户名或密码不正确。");
        await browser.ShootAsync("login");
        await page.GetByLabel("密码").FillAsync(Browser.Password);
        await login.ClickAsync();
        await Expect(page).ToHaveURLAsync(new Uri(stack.Address, $"topics/{topic}").AbsoluteUri);
        await Expect(page.GetByLabel("回复", new() { Exact = true })).ToBeVisibleAsync();
        await page.ReloadAsync();
        await Expect(page.Locator(".me-name")).ToHaveTextAsync("回头客");
    }

    [Fact]
    public async Task Search_looks_into_titles_texts_and_replies_and_takes_signs_literally()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var api = new ForumApi(stack.Address);
        await api.SignInAsync("搜索者", isNew: true, cancellationToken);
        await api.WriteAsync("折扣 50%_off!", "一年一次", cancellationToken);
        await api.WriteAsync("别的事情", "这里藏着芝麻开门", cancellationToken);
        var replied = await api.WriteAsync("问个问题", "在吗", cancellationToken);
        await api.PostAsync($"topics/{replied}/replies", new { body = "答案是 🦄 独角兽" }, cancellationToken);
        await using var browser = await Browser.OpenAsync(stack.Address);

        foreach (var (words, title) in new[] { ("50%_off!", "折扣 50%_off!"), ("芝麻开门", "别的事情"), ("🦄 独角兽", "问个问题"), ("_OFF", "折扣 50%_off!") })
        {
            await browser.Page.GotoAsync("/");
            await browser.Page.GetByRole(AriaRole.Searchbox).FillAsync(words);
            await browser.Page.Keyboard.PressAsync("Enter");
            await Expect(browser.Page.Locator("h1")).ToHaveTextAsync($"搜索「{words}」");
            await Expect(browser.Page.Locator(".topic h2")).ToHaveTextAsync([title]);
        }

        await browser.ShootAsync("search");
        await browser.Page.GotoAsync("/?q=" + Uri.EscapeDataString("没有人写过的词"));
        await Expect(browser.Page.GetByText("没有找到相关话题")).ToBeVisibleAsync();
        await browser.ShootAsync("search-empty");
    }

    [Fact]
    public async Task What_is_typed_the_moment_the_page_appears_is_searched_for()
    {
        await using var browser = await Browser.OpenAsync(stack.Address);
        await browser.Page.AddInitScriptAsync(
            """
            // As on a slow machine: React shows the page in one turn and runs its effects in a later one.
            const now = performance.now.bind(performance);
            let late = 0;
            performance.now = () => now() + 10 * late++;
            new MutationObserver((_, observer) => {
              const box = document.querySelector('input[type=search]');
              if (!box) return;
              observer.disconnect();
              Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(box, '眼疾手快');
              box.dispatchEvent(new Event('input', { bubbles: true }));
              box.form.requestSubmit();
            }).observe(document, { childList: true, subtree: true });
            """);

        await browser.Page.GotoAsync("/");
        await Expect(browser.Page.Locator("h1")).ToHaveTextAsync("搜索「眼疾手快」");
        await Expect(browser.Page.GetByRole(AriaRole.Searchbox)).ToHaveValueAsync("眼疾手快");
    }

    [Fact]
    public async Task A_list_left_while_its_answer_arrives_does_not_take_the_next_page_down()
    {
        await using var browser = await Browser.OpenAsync(stack.Address);
        await browser.Page.AddInitScriptAsync(
            """
            // The head of the list's answer is there, its body is not, when the reader goes on.
            const load = window.fetch;
            window.fetch = async (path, options) => {
              const answer = await load(path, options);
              if (!path.endsWith('/topics?page=1')) return answer;
              document.documentElement.dataset.arriving = 'yes';
              return new Response(new ReadableStream({
                start: (body) => options.signal.addEventListener('abort', () => body.error(options.signal.reason)),
              }));
            };
            """);

        await browser.Page.GotoAsync("/");
        await Expect(browser.Page.Locator("html[data-arriving]")).ToHaveCountAsync(1);
        await browser.Page.GetByRole(AriaRole.Searchbox).FillAsync("下一页去");
        await browser.Page.Keyboard.PressAsync("Enter");
        await Expect(browser.Page.GetByText("没有找到相关话题")).ToBeVisibleAsync();
        Assert.Empty(browser.Problems);
    }

    [Fact]
    public async Task Lists_are_read_page_by_page_newest_activity_first()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var api = new ForumApi(stack.Address);
        await api.SignInAsync("多产作者", isNew: true, cancellationToken);
        for (var i = 1; i <= 23; i++)
        {
            await api.WriteAsync($"翻页 {i:00}:今天的海", $"第 {i} 天,风平浪静 🌊。远处有一艘船慢慢靠岸,船上的人向我们挥手。", cancellationToken);
        }

        await using var browser = await Browser.OpenAsync(stack.Address);
        var titles = browser.Page.Locator(".topic h2");
        await browser.Page.GotoAsync("/?q=" + Uri.EscapeDataString("翻页"));
        await Expect(titles).ToHaveTextAsync(Enumerable.Range(14, 10).Reverse().Select(i => $"翻页 {i:00}:今天的海"));
        await browser.ShootAsync("list");
        var next = browser.Page.GetByRole(AriaRole.Link, new() { Name = "下一页" });
        await next.ClickAsync();
        await Expect(browser.Page.Locator(".pager [aria-current]")).ToHaveTextAsync("2"); // until then the link is the first page's
        await next.ClickAsync();
        await Expect(titles).ToHaveTextAsync(["翻页 03:今天的海", "翻页 02:今天的海", "翻页 01:今天的海"]);
        await Expect(next).ToHaveCountAsync(0);
        await browser.Page.GoBackAsync();
        await Expect(browser.Page.Locator(".pager [aria-current]")).ToHaveTextAsync("2");

        var first = (await api.GetAsync("topics?q=" + Uri.EscapeDataString("翻页 01"), cancellationToken)).GetProperty("items")[0].GetProperty("id").GetInt32();
        await api.PostAsync($"topics/{first}/replies", new { body = "顶上去 🚀" }, cancellationToken);
        await browser.Page.GotoAsync("/?q=" + Uri.EscapeDataString("翻页"));
        await Expect(titles.First).ToHaveTextAsync("翻页 01:今天的海");
    }

    [Fact]
    public async Task Replies_are_paged_and_a_new_one_is_shown_on_the_last_page()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var api = new ForumApi(stack.Address);
        await api.SignInAsync("话痨", isNew: true, cancellationToken);
        var topic = await api.WriteAsync("接龙", "数到十一", cancellationToken);
        for (var i = 1; i <= 10; i++)
        {
            await api.PostAsync($"topics/{topic}/replies", new { body = $"{i}!" }, cancellationToken);
        }

        await using var browser = await Browser.OpenAsync(stack.Address, width: 390, height: 780);
        await browser.SignInAsync("话痨", isNew: false);
        await browser.Page.GotoAsync($"/topics/{topic}");
        await browser.Page.GetByLabel("回复", new() { Exact = true }).FillAsync("十一!🎊");
        await browser.Page.GetByRole(AriaRole.Button, new() { Name = "发表回复" }).ClickAsync();
        await Expect(browser.Page).ToHaveURLAsync(new Uri(stack.Address, $"topics/{topic}?page=2").AbsoluteUri);
        await Expect(browser.Page.Locator(".thread .prose")).ToHaveTextAsync(["十一!🎊"]);
        await Expect(browser.Page.Locator(".thread .floor")).ToHaveTextAsync("#11");
        await browser.ShootAsync("phone-topic");
        await browser.Page.GotoAsync("/");
        await Expect(browser.Page.Locator(".topic").First).ToBeVisibleAsync();
        await browser.ShootAsync("phone-list");
        Assert.True(await browser.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the phone");
    }

    [Fact]
    public async Task Times_are_those_of_Shanghai_wherever_the_reader_is()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var api = new ForumApi(stack.Address);
        await api.SignInAsync("守时的人", isNew: true, cancellationToken);
        var topic = await api.WriteAsync("现在几点?", "⏰", cancellationToken);

        var stated = (await api.GetAsync($"topics/{topic}", cancellationToken)).GetProperty("createdAt").GetString()!;
        Assert.EndsWith("+08:00", stated, StringComparison.Ordinal);
        var time = DateTimeOffset.Parse(stated, CultureInfo.InvariantCulture);
        Assert.InRange(TimeProvider.System.GetUtcNow() - time, TimeSpan.FromSeconds(-2), TimeSpan.FromMinutes(1));

        await using var browser = await Browser.OpenAsync(stack.Address);
        await browser.Page.GotoAsync($"/topics/{topic}");
        var expected = TimeZoneInfo.ConvertTime(time, Shanghai).ToString("yyyy/MM/dd HH:mm", CultureInfo.InvariantCulture);
        await Expect(browser.Page.Locator("article time")).ToHaveTextAsync(new Regex(Regex.Escape(expected)));
        foreach (var container in new[] { "nginx", "app", "mysql" })
        {
            Assert.Equal("+0800", (await stack.ExecAsync(container, ["date", "+%z"], cancellationToken)).EnsureSuccess().Output.Trim());
        }
    }
}
