using System.Net;

namespace Berth.Oci.Registry;

// What goes to a registry.
public sealed partial class RegistryClient
{
    /// <summary>Uploads a blob unless the registry has it already. Returns whether it did.</summary>
    public async Task<bool> PushBlobAsync(
        ImageReference reference, Digest digest, long size, RegistryCredentials? credentials, Func<Stream> open, CancellationToken cancellationToken)
    {
        var endpoint = await PushEndpointAsync(reference, credentials, cancellationToken);
        var scope = Scope(reference, push: true);
        using (var head = await SendAsync(
            endpoint, scope, credentials, () => new(HttpMethod.Head, Address(endpoint, reference, $"blobs/{digest}")), cancellationToken))
        {
            if (head.IsSuccessStatusCode)
            {
                return true;
            }
        }

        using var start = await SendAsync(
            endpoint, scope, credentials, () => new(HttpMethod.Post, Address(endpoint, reference, "blobs/uploads/")), cancellationToken);
        if (start.StatusCode != HttpStatusCode.Accepted || start.Headers.Location is not { } location)
        {
            throw await RefusedAsync(endpoint, start, $"to push to {reference.FamiliarName}", cancellationToken);
        }

        var upload = new UriBuilder(new Uri(endpoint.BaseAddress, location));
        upload.Query = (upload.Query.Length > 1 ? upload.Query[1..] + "&" : "") + "digest=" + Uri.EscapeDataString(digest.Value);
        using var put = await SendAsync(
            endpoint, scope, credentials,
            () => new(HttpMethod.Put, upload.Uri)
            {
                Content = new StreamContent(open()) { Headers = { ContentLength = size, ContentType = new("application/octet-stream") } },
            },
            cancellationToken);
        return put.StatusCode == HttpStatusCode.Created
            ? false
            : throw await RefusedAsync(endpoint, put, $"the blob {digest} for {reference.FamiliarName}", cancellationToken);
    }

    /// <summary>Uploads a manifest under the reference's tag, after all blobs that it names.</summary>
    public async Task PushManifestAsync(
        ImageReference reference, string mediaType, byte[] manifest, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        var endpoint = await PushEndpointAsync(reference, credentials, cancellationToken);
        using var put = await SendAsync(
            endpoint, Scope(reference, push: true), credentials,
            () => new(HttpMethod.Put, Address(endpoint, reference, $"manifests/{reference.TagOrDigest}"))
            {
                Content = new ByteArrayContent(manifest) { Headers = { ContentType = new(mediaType) } },
            },
            cancellationToken);
        if (put.StatusCode != HttpStatusCode.Created)
        {
            throw await RefusedAsync(endpoint, put, $"the manifest of {reference.Familiar}", cancellationToken);
        }
    }

    private async Task<RegistryEndpoint> PushEndpointAsync(
        ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        var endpoints = RegistryEndpoint.For(reference.Registry, _options).Where(endpoint => !endpoint.IsMirror).ToList();
        foreach (var endpoint in endpoints.SkipLast(1))
        {
            try
            {
                using var answer = await SendAsync(
                    endpoint, Scope(reference, push: true), credentials, () => new(HttpMethod.Get, new Uri(endpoint.BaseAddress, "/v2/")), cancellationToken);
                return endpoint;
            }
            catch (RegistryException exception) when (exception.Failure == RegistryFailure.Unreachable)
            {
                continue; // speaks no TLS; the next one is the same registry without
            }
        }

        return endpoints[^1];
    }
}
