using Berth.Engine.Errors;

namespace Berth.Engine.Images;

/// <summary>Files from the web, as <c>docker import URL</c> wants them.</summary>
public static class Download
{
    private static readonly HttpClient s_http = new(new SocketsHttpHandler
    {
        ConnectTimeout = TimeSpan.FromSeconds(15),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(1), // one that is given up leaves no connection behind
    });

    /// <summary>Opens what an address leads to and uses it.</summary>
    /// <exception cref="BerthException">Not an address, or the server does not give it.</exception>
    public static async Task<T> OpenAsync<T>(string address, Func<Stream, Task<T>> use, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps))
        {
            throw BerthException.Invalid($"'{address}' is not an http or https address");
        }

        try
        {
            using var response = await s_http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                throw new BerthException(response.StatusCode == System.Net.HttpStatusCode.NotFound ? ErrorKind.NotFound : ErrorKind.Unavailable, $"cannot download {address}: the server answered {(int)response.StatusCode} {response.ReasonPhrase}");
            }

            await using var content = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            return await use(content).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            throw new BerthException(ErrorKind.Unavailable, $"cannot download {address}: {exception.Message}", exception);
        }
    }
}
