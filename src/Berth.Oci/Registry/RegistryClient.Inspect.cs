using System.Text.Json;
using Berth.Oci.Images;

namespace Berth.Oci.Registry;

/// <summary>What a registry says of a reference, without pulling it.</summary>
/// <param name="Descriptor">Of the manifest, or of the index that lists one for each platform.</param>
public sealed record DistributionInfo(Descriptor Descriptor, IReadOnlyList<Platform> Platforms);

/// <summary>A repository that a search found. Docker Engine API, "ImageSearch".</summary>
public sealed record FoundRepository(string Name, string Description, int Stars, bool IsOfficial);

public sealed partial class RegistryClient
{
    private const int SearchLimit = 4 << 20;
    private const int TagsAtOnce = 1000;
    private const int MostTags = 10_000;

    /// <summary>Asks a registry whether it knows the credentials. OCI Distribution Spec 1.1, "Determining Support".</summary>
    /// <exception cref="RegistryException">Denied, or it could not be asked.</exception>
    public async Task CheckLoginAsync(string registry, RegistryCredentials credentials, CancellationToken cancellationToken)
    {
        await AskAsync(registry, async endpoint =>
        {
            using var response = await SendAsync(endpoint, "", credentials, () => new(HttpMethod.Get, new Uri(endpoint.BaseAddress, "/v2/")), cancellationToken);
            return response.IsSuccessStatusCode ? true : throw await RefusedAsync(endpoint, response, "the login", cancellationToken);
        });
    }

    /// <exception cref="RegistryException">No endpoint has it.</exception>
    public Task<DistributionInfo> DescribeAsync(ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        AskAsync(reference.Registry, async endpoint =>
        {
            var (bytes, mediaType) = await ManifestAsync(endpoint, reference, reference.TagOrDigest, credentials, cancellationToken);
            var digest = Digest.Of(bytes);
            CheckDigest(endpoint, reference, reference.Digest, digest);
            var probe = Read(endpoint, reference, bytes);
            var descriptor = new Descriptor { MediaType = probe.MediaType ?? mediaType ?? "", Digest = digest, Size = bytes.Length };
            if (probe.Manifests is { } manifests)
            {
                return new DistributionInfo(descriptor, [.. manifests.Select(one => one.Platform).OfType<Platform>()]);
            }

            if (probe.Config is null || probe.Layers is null)
            {
                return new DistributionInfo(descriptor, []);
            }

            var image = new RemoteImage
            {
                Reference = reference,
                Endpoint = endpoint,
                Manifest = new() { MediaType = descriptor.MediaType, Config = probe.Config, Layers = probe.Layers },
                ManifestBytes = bytes,
                Digest = digest,
                ConfigBytes = [],
                Config = new() { RootFs = new() { DiffIds = [] } },
            };
            var content = new MemoryStream();
            await FetchBlobAsync(image, probe.Config, credentials, content, static _ => { }, cancellationToken);
            return new DistributionInfo(descriptor, [OciJson.ReadConfig(content.ToArray()).Platform]);
        });

    /// <summary>The tags of a reference's repository, in the registry's order. OCI Distribution Spec 1.1, "Listing Tags".</summary>
    /// <exception cref="RegistryException">There is no such repository, it has too many tags, or the registry could not be asked.</exception>
    public Task<IReadOnlyList<string>> TagsAsync(ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        AskAsync<IReadOnlyList<string>>(reference.Registry, async endpoint =>
        {
            var tags = new List<string>();
            string? last = null;
            do
            {
                var query = $"tags/list?n={TagsAtOnce}" + (last is null ? "" : "&last=" + Uri.EscapeDataString(last));
                using var page = await SendAsync(endpoint, Scope(reference, push: false), credentials, () => new(HttpMethod.Get, Address(endpoint, reference, query)), cancellationToken);
                if (!page.IsSuccessStatusCode)
                {
                    throw await RefusedAsync(endpoint, page, $"the tags of {reference.FamiliarName}", cancellationToken);
                }

                tags.AddRange(TagNames(await BoundedContent.ReadAsync(page, SearchLimit, "list of tags", cancellationToken)));
                last = page.Headers.Contains("Link") && tags.Count > 0 && tags[^1] != last ? tags[^1] : null; // the link says only that there are more
            }
            while (last is not null && tags.Count < MostTags);
            return last is null ? [.. tags.Distinct(StringComparer.Ordinal)] : throw new RegistryException(RegistryFailure.Invalid, $"{reference.FamiliarName} has more than {MostTags} tags: pull those that you need by name");
        });

    /// <summary>Looks for repositories. Registries that have no search (most but Docker Hub) are asked for their catalogue instead.</summary>
    /// <param name="limit">At most so many.</param>
    /// <exception cref="RegistryException">The registry has neither, or could not be asked.</exception>
    public Task<IReadOnlyList<FoundRepository>> SearchAsync(string registry, string term, int limit, RegistryCredentials? credentials, CancellationToken cancellationToken) =>
        AskAsync(registry, async endpoint =>
        {
            var searched = registry == ImageReference.DockerHub ? endpoint with { BaseAddress = new("https://index.docker.io") } : endpoint;
            using var search = await SendAsync(
                searched, "", credentials, () => new(HttpMethod.Get, new Uri(searched.BaseAddress, $"/v1/search?q={Uri.EscapeDataString(term)}&n={limit}")), cancellationToken);
            if (search.IsSuccessStatusCode)
            {
                return Results(await BoundedContent.ReadAsync(search, SearchLimit, "search result", cancellationToken));
            }

            using var catalogue = await SendAsync(endpoint, "registry:catalog:*", credentials, () => new(HttpMethod.Get, new Uri(endpoint.BaseAddress, "/v2/_catalog?n=10000")), cancellationToken);
            return catalogue.IsSuccessStatusCode
                ? [.. Names(await BoundedContent.ReadAsync(catalogue, SearchLimit, "catalogue", cancellationToken))
                    .Where(name => name.Contains(term, StringComparison.OrdinalIgnoreCase)).Take(limit).Select(name => new FoundRepository($"{registry}/{name}", "", 0, false))]
                : throw await RefusedAsync(searched, search, $"the search for '{term}'", cancellationToken);
        });

    // The registry's own endpoints only: a mirror knows neither logins nor everything.
    private async Task<T> AskAsync<T>(string registry, Func<RegistryEndpoint, Task<T>> ask)
    {
        var endpoints = RegistryEndpoint.For(registry, _options).Where(endpoint => !endpoint.IsMirror).ToList();
        foreach (var endpoint in endpoints.SkipLast(1))
        {
            try
            {
                return await ask(endpoint);
            }
            catch (RegistryException exception) when (exception.Failure == RegistryFailure.Unreachable)
            {
                continue; // speaks no TLS; the next one is the same registry without
            }
        }

        return await ask(endpoints[^1]);
    }

    private static IReadOnlyList<FoundRepository> Results(byte[] json) => Parse(json, root => root.GetProperty("results").EnumerateArray().Select(one => new FoundRepository(
        one.GetProperty("name").GetString() ?? "",
        one.TryGetProperty("description", out var description) ? description.GetString() ?? "" : "",
        one.TryGetProperty("star_count", out var stars) ? stars.GetInt32() : 0,
        one.TryGetProperty("is_official", out var official) && official.ValueKind == JsonValueKind.True)).ToList());

    private static IReadOnlyList<string> Names(byte[] json) => Parse(json, root => root.GetProperty("repositories").EnumerateArray().Select(one => one.GetString() ?? "").ToList());

    private static IReadOnlyList<string> TagNames(byte[] json) => Parse(json, root =>
        root.TryGetProperty("tags", out var tags) && tags.ValueKind == JsonValueKind.Array ? tags.EnumerateArray().Select(one => one.GetString() ?? "").ToList() : []);

    private static T Parse<T>(byte[] json, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return read(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new RegistryException(RegistryFailure.Invalid, $"the registry's answer cannot be read: {exception.Message}", exception);
        }
    }
}
