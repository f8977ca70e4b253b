using System.Net;
using System.Security.Cryptography;
using Berth.Oci.Images;

namespace Berth.Oci.Registry;

// Blobs, which come over as many connections as it takes.
public sealed partial class RegistryClient
{
    /// <summary>Reads a blob into <paramref name="destination"/>, from its start, and checks it. A dropped connection is resumed where it broke.</summary>
    /// <exception cref="RegistryException">Wrong digest or size, or no progress in the allowed attempts.</exception>
    public async Task FetchBlobAsync(
        RemoteImage image, Descriptor blob, RegistryCredentials? credentials, Stream destination, Action<long> progress,
        CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var download = new Download(image, blob, image.Endpoint.IsMirror ? null : credentials, destination, hash, progress);
        for (var attempt = 1; !await TryFetchAsync(download, attempt, cancellationToken);)
        {
            attempt = download.Advanced ? 1 : attempt + 1;
            await Task.Delay(_options.RetryDelay * Math.Pow(2, attempt - 1), _time, cancellationToken);
        }

        var actual = Digest.OfHash(hash.GetCurrentHash());
        if (actual != blob.Digest)
        {
            throw new RegistryException(
                RegistryFailure.Invalid,
                $"{image.Endpoint.BaseAddress.Authority} sent the blob {blob.Digest} of {image.Reference.Familiar} with other content: its digest is {actual}.");
        }
    }

    private async Task<bool> TryFetchAsync(Download download, int attempt, CancellationToken cancellationToken)
    {
        download.Advanced = false;
        try
        {
            await FetchFromAsync(download, cancellationToken);
            return true;
        }
        catch (Exception exception) when (
            exception is HttpRequestException or HttpIOException or TimeoutException
            || exception is IOException and not RegistryException
            || exception is RegistryException { Failure: RegistryFailure.Unreachable })
        {
            return download.Advanced || attempt < _options.Attempts
                ? false
                : throw new RegistryException(
                    RegistryFailure.Unreachable,
                    $"{download.Image.Endpoint.BaseAddress.Authority} sent {download.Received} of {download.Blob.Size} bytes of the blob {download.Blob.Digest} of {download.Image.Reference.Familiar}; {attempt} further attempts brought nothing: {exception.Message}",
                    exception);
        }
    }

    private async Task FetchFromAsync(Download download, CancellationToken cancellationToken)
    {
        var (image, blob) = (download.Image, download.Blob);
        if (download.Received == blob.Size && blob.Size > 0)
        {
            return;
        }

        HttpRequestMessage Request()
        {
            var request = new HttpRequestMessage(HttpMethod.Get, Address(image.Endpoint, image.Reference, $"blobs/{blob.Digest}"));
            request.Headers.Range = download.Received > 0 ? new(download.Received, null) : null;
            return request;
        }

        using var response = await SendAsync(image.Endpoint, Scope(image.Reference, push: false), download.Credentials, Request, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw await RefusedAsync(image.Endpoint, response, $"the blob {blob.Digest} of {image.Reference.Familiar}", cancellationToken);
        }

        var continues = response.StatusCode == HttpStatusCode.PartialContent
            && response.Content.Headers.ContentRange?.From == download.Received;
        if (!continues)
        {
            download.Restart(); // this registry knows no ranges
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[131072];
        while (await ReadOrStallAsync(body, buffer, cancellationToken) is var read and > 0)
        {
            if (download.Received + read > blob.Size)
            {
                throw new RegistryException(
                    RegistryFailure.Invalid,
                    $"{image.Endpoint.BaseAddress.Authority} sent more than the {blob.Size} bytes of the blob {blob.Digest} of {image.Reference.Familiar}.");
            }

            await download.AddAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        if (download.Received < blob.Size)
        {
            throw new HttpIOException(HttpRequestError.ResponseEnded, "the connection ended early");
        }
    }

    private async Task<int> ReadOrStallAsync(Stream body, byte[] buffer, CancellationToken cancellationToken)
    {
        using var stalled = new CancellationTokenSource(_options.StallTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stalled.Token, cancellationToken);
        try
        {
            return await body.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"nothing came for {_options.StallTimeout.TotalSeconds:0} s");
        }
    }

    /// <summary>How far a blob has come, over all connections.</summary>
    private sealed class Download(
        RemoteImage image, Descriptor blob, RegistryCredentials? credentials, Stream destination, IncrementalHash hash, Action<long> progress)
    {
        public RemoteImage Image => image;

        public Descriptor Blob => blob;

        public RegistryCredentials? Credentials => credentials;

        public long Received { get; private set; }

        /// <summary>Whether the present attempt has brought anything.</summary>
        public bool Advanced { get; set; }

        public async ValueTask AddAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            await destination.WriteAsync(bytes, cancellationToken);
            hash.AppendData(bytes.Span);
            Received += bytes.Length;
            Advanced = true;
            progress(Received);
        }

        public void Restart()
        {
            if (Received > 0)
            {
                _ = hash.GetHashAndReset();
                destination.SetLength(0);
                destination.Position = 0;
                Received = 0;
            }
        }
    }
}
