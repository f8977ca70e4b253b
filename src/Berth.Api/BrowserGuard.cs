using Berth.Engine.Errors;
using Microsoft.AspNetCore.Http;

namespace Berth.Api;

/// <summary>
/// No page may use a daemon by way of its visitor's browser: a request that a browser sent says so (Fetch Standard, "`Origin` header"; Fetch Metadata Request Headers,
/// "Sec-Fetch-Site") and is refused, also where somebody has put our socket on a port.
/// </summary>
internal static class BrowserGuard
{
    internal static Task RefuseBrowsersAsync(HttpContext context, RequestDelegate next)
    {
        foreach (var header in (ReadOnlySpan<string>)["Origin", "Sec-Fetch-Site"])
        {
            if (context.Request.Headers.ContainsKey(header))
            {
                throw new BerthException(ErrorKind.Forbidden, $"the request has the header {header}, as those of browsers have: the API is not for them, since any page could then use it. Ask with a program instead");
            }
        }

        return next(context);
    }
}
