using System.Collections.Concurrent;
using Berth.Testing;
using Microsoft.Playwright;

namespace Berth.EndToEnd.Tests.Forum;

/// <summary>Debian's Chromium with one page open, far from Shanghai, so that a time shown in the reader's own zone is noticed.</summary>
public sealed class Browser : IAsyncDisposable
{
    public const string Password = "正确的 battery staple";
    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;
    private readonly List<string> _problems = [];
    private readonly ConcurrentDictionary<IRequest, string> _underWay = [];

    private Browser(IPlaywright playwright, IBrowser browser, IPage page) => (_playwright, _browser, Page) = (playwright, browser, page);

    public IPage Page { get; }

    /// <summary>Exceptions of the page's scripts, and answers of 500 and above.</summary>
    public IReadOnlyList<string> Problems => _problems;

    public static async Task<Browser> OpenAsync(Uri address, int width = 1100, int height = 820)
    {
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = "/usr/bin/chromium",
            Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-proxy-server"],
        });
        var page = await browser.NewPageAsync(new()
        {
            BaseURL = address.AbsoluteUri, Locale = "zh-CN", TimezoneId = "America/New_York", ViewportSize = new() { Width = width, Height = height },
        });
        page.SetDefaultTimeout(15_000);
        var result = new Browser(playwright, browser, page);
        page.PageError += (_, error) => result._problems.Add(error);
        page.RequestFailed += (_, request) => Tell($"{request.Method} {request.Url} failed: {request.Failure}");
        page.Request += (_, request) => result._underWay[request] = request.Url;
        page.RequestFinished += (_, request) => result._underWay.TryRemove(request, out string? _);
        page.Response += (_, response) =>
        {
            if (response.Status >= 500)
            {
                result._problems.Add($"{response.Url}: {response.Status}");
            }
        };
        return result;
    }

    /// <summary>Writes <c>artifacts/screenshots/forum-NAME.png</c>.</summary>
    public async Task ShootAsync(string name) =>
        await Page.ScreenshotAsync(new() { Path = $"{Checkout.Artifacts}/screenshots/forum-{name}.png", FullPage = true, Animations = ScreenshotAnimations.Disabled });

    public async Task SignInAsync(string name, bool isNew)
    {
        await Page.GotoAsync(isNew ? "/register" : "/login");
        await Page.GetByLabel("用户名").FillAsync(name);
        await Page.GetByLabel("密码").FillAsync(Password);
        await Page.GetByRole(AriaRole.Button, new() { Name = isNew ? "注册并登录" : "登录", Exact = true }).ClickAsync();
        await Assertions.Expect(Page.GetByRole(AriaRole.Button, new() { Name = "退出" })).ToBeVisibleAsync();
    }

    public async Task WriteAsync(string title, string body)
    {
        await Page.GotoAsync("/new");
        await Page.GetByLabel("标题").FillAsync(title);
        await Page.GetByLabel("内容").FillAsync(body);
        await Page.GetByRole(AriaRole.Button, new() { Name = "发表", Exact = true }).ClickAsync();
        await Assertions.Expect(Page.Locator("h1")).ToHaveTextAsync(title);
    }

    // Shown with a test that fails.
    private static void Tell(string what) => TestContext.Current.TestOutputHelper?.WriteLine(what);

    public async ValueTask DisposeAsync()
    {
        _problems.ForEach(Tell);
        _underWay.Values.ToList().ForEach(url => Tell($"{url} was not answered yet"));
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}
