using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Text.Json;
using Berth.Oci.Images;

namespace Berth.Oci.Registry;

/// <summary>An image as a registry has it, for one platform, and where it was found.</summary>
public sealed record RemoteImage
{
    public required ImageReference Reference { get; init; }

    public required RegistryEndpoint Endpoint { get; init; }

    public required Manifest Manifest { get; init; }

    public required byte[] ManifestBytes { get; init; }

    /// <summary>The digest that names it on the registry: the index's, if the reference led to one.</summary>
    public required Digest Digest { get; init; }

    public required byte[] ConfigBytes { get; init; }

    public required ImageConfig Config { get; init; }
}

/// <summary>Pulls from, and pushes to, registries. Manifests and blobs are checked against digest and size while they arrive.</summary>
/// <remarks>OCI Distribution Spec 1.1. Mirrors come first; a mirror that fails, however, is passed over.</remarks>
public sealed partial class RegistryClient : IDisposable
{
    private const int ManifestLimit = 4 << 20; // the specification asks registries to take this much
    private const int ConfigLimit = 8 << 20;
    private static readonly string[] ManifestTypes =
        [MediaTypes.OciIndex, MediaTypes.DockerManifestList, MediaTypes.OciManifest, MediaTypes.DockerManifest];

    private readonly RegistryOptions _options;
    private readonly TimeProvider _time;
    private readonly RegistryAuthorizer _authorizer = new();
    private readonly HttpClient _verifying;
    private readonly HttpClient _trusting;

    public RegistryClient(RegistryOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        _verifying = Create(verify: true);
        _trusting = Create(verify: false);
    }

    /// <summary>Finds an image and reads its manifest and configuration.</summary>
    /// <exception cref="RegistryException">No endpoint has it; the message lists each and its answer.</exception>
    public async Task<RemoteImage> ResolveAsync(
        ImageReference reference, Platform platform, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        var answers = new List<(RegistryEndpoint Endpoint, RegistryException Failure)>();
        foreach (var endpoint in RegistryEndpoint.For(reference.Registry, _options))
        {
            // A mirror gets no credentials: they were given for the registry.
            var who = endpoint.IsMirror ? null : credentials;
            try
            {
                return await ResolveAsync(endpoint, reference, platform, who, cancellationToken);
            }
            catch (RegistryException exception)
            {
                answers.Add((endpoint, exception));
            }
        }

        throw NotResolved(reference, answers);
    }

    public void Dispose()
    {
        _verifying.Dispose();
        _trusting.Dispose();
    }

    private async Task<RemoteImage> ResolveAsync(
        RegistryEndpoint endpoint, ImageReference reference, Platform platform, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        var (bytes, mediaType) = await ManifestAsync(endpoint, reference, reference.TagOrDigest, credentials, cancellationToken);
        var digest = Digest.Of(bytes);
        CheckDigest(endpoint, reference, reference.Digest, digest);
        var probe = Read(endpoint, reference, bytes);
        if (probe.Manifests is not null && (MediaTypes.IsIndex(probe.MediaType ?? mediaType) || probe.Config is null))
        {
            var chosen = Choose(endpoint, reference, platform, probe.Manifests);
            (bytes, _) = await ManifestAsync(endpoint, reference, chosen.Digest.Value, credentials, cancellationToken);
            CheckDigest(endpoint, reference, chosen.Digest, Digest.Of(bytes));
            probe = Read(endpoint, reference, bytes);
        }

        if (probe.Config is null || probe.Layers is null)
        {
            throw new RegistryException(
                RegistryFailure.Invalid,
                $"{endpoint.BaseAddress.Authority} has {reference.Familiar} in a form that is not an image (schema version {probe.SchemaVersion}, type '{probe.MediaType ?? mediaType}').");
        }

        var image = new RemoteImage
        {
            Reference = reference,
            Endpoint = endpoint,
            Manifest = new() { MediaType = probe.MediaType ?? mediaType, Config = probe.Config, Layers = probe.Layers },
            ManifestBytes = bytes,
            Digest = digest,
            ConfigBytes = [],
            Config = new() { RootFs = new() { DiffIds = [] } },
        };
        return await WithConfigAsync(image, platform, credentials, cancellationToken);
    }

    private async Task<RemoteImage> WithConfigAsync(
        RemoteImage image, Platform platform, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        var place = $"{image.Endpoint.BaseAddress.Authority} has {image.Reference.Familiar}";
        if (image.Manifest.Config.Size is < 0 or > ConfigLimit)
        {
            throw new RegistryException(RegistryFailure.Invalid, $"{place} with a configuration of {image.Manifest.Config.Size} bytes; {ConfigLimit} are allowed.");
        }

        var bytes = new MemoryStream();
        await FetchBlobAsync(image, image.Manifest.Config, credentials, bytes, static _ => { }, cancellationToken);
        ImageConfig config;
        try
        {
            config = OciJson.ReadConfig(bytes.ToArray());
        }
        catch (InvalidDataException exception)
        {
            throw new RegistryException(RegistryFailure.Invalid, $"{place}, but: {exception.Message}", exception);
        }

        if (config.RootFs.DiffIds.Count != image.Manifest.Layers.Count)
        {
            throw new RegistryException(
                RegistryFailure.Invalid,
                $"{place} with {image.Manifest.Layers.Count} layers, of which its configuration knows {config.RootFs.DiffIds.Count}.");
        }

        if (image.Manifest.Layers.FirstOrDefault(layer => !MediaTypes.IsLayer(layer.MediaType) || layer.Size < 0) is { } unknown)
        {
            throw new RegistryException(RegistryFailure.Invalid, $"{place} with a layer of the type '{unknown.MediaType}', which Berth cannot unpack.");
        }

        return platform.Accepts(config.Platform) || config.Architecture.Length == 0
            ? image with { Config = config, ConfigBytes = bytes.ToArray() }
            : throw new RegistryException(
                RegistryFailure.NotFound, $"{place} for {config.Platform} only; {platform} was asked for.");
    }

    private async Task<(byte[] Bytes, string? MediaType)> ManifestAsync(
        RegistryEndpoint endpoint, ImageReference reference, string name, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        HttpRequestMessage Request()
        {
            var request = new HttpRequestMessage(HttpMethod.Get, Address(endpoint, reference, $"manifests/{name}"));
            foreach (var type in ManifestTypes)
            {
                request.Headers.Accept.Add(new(type));
            }

            return request;
        }

        using var response = await SendAsync(endpoint, Scope(reference, push: false), credentials, Request, cancellationToken);
        return response.IsSuccessStatusCode
            ? (await BoundedContent.ReadAsync(response, ManifestLimit, "manifest", cancellationToken), response.Content.Headers.ContentType?.MediaType)
            : throw await RefusedAsync(endpoint, response, reference.Familiar, cancellationToken);
    }

    private static Descriptor Choose(
        RegistryEndpoint endpoint, ImageReference reference, Platform platform, IReadOnlyList<Descriptor> offered) =>
        offered.FirstOrDefault(one => one.Platform is { } itsPlatform && platform.Accepts(itsPlatform))
        ?? throw new RegistryException(
            RegistryFailure.NotFound,
            $"{endpoint.BaseAddress.Authority} has {reference.Familiar}, but not for {platform}; it has {string.Join(", ", offered
                .Select(one => one.Platform?.ToString() ?? "").Where(name => name.Length > 0 && !name.StartsWith("unknown/", StringComparison.Ordinal)).Distinct())}.");

    private static void CheckDigest(RegistryEndpoint endpoint, ImageReference reference, Digest? expected, Digest actual)
    {
        if (expected is { } digest && digest != actual)
        {
            throw new RegistryException(
                RegistryFailure.Invalid,
                $"{endpoint.BaseAddress.Authority} answered to {digest} of {reference.FamiliarName} with a manifest whose digest is {actual}.");
        }
    }

    private static ManifestProbe Read(RegistryEndpoint endpoint, ImageReference reference, byte[] bytes)
    {
        try
        {
            return OciJson.ReadManifest(bytes);
        }
        catch (InvalidDataException exception)
        {
            throw new RegistryException(
                RegistryFailure.Invalid, $"{endpoint.BaseAddress.Authority}, asked for {reference.Familiar}: {exception.Message}", exception);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        RegistryEndpoint endpoint, string scope, RegistryCredentials? credentials, Func<HttpRequestMessage> create, CancellationToken cancellationToken)
    {
        var http = endpoint.AllowsUnverified ? _trusting : _verifying;
        using var silence = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        try
        {
            var first = create();
            if (first.Content is null)
            {
                silence.CancelAfter(_options.StallTimeout); // an upload may take its time before the answer comes
            }

            first.Headers.Authorization = _authorizer.Known(endpoint, scope, credentials);
            var response = await http.SendAsync(first, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (response.StatusCode != HttpStatusCode.Unauthorized)
            {
                return response;
            }

            var answer = await _authorizer.AnswerAsync(http, endpoint, scope, credentials, response, either.Token);
            if (answer is null)
            {
                return response;
            }

            response.Dispose();
            var second = create();
            second.Headers.Authorization = answer;
            return await http.SendAsync(second, HttpCompletionOption.ResponseHeadersRead, either.Token);
        }
        catch (HttpRequestException exception)
        {
            throw new RegistryException(
                RegistryFailure.Unreachable, $"{endpoint.BaseAddress.GetLeftPart(UriPartial.Authority)} cannot be reached: {Innermost(exception)}", exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RegistryException(
                RegistryFailure.Unreachable,
                $"{endpoint.BaseAddress.GetLeftPart(UriPartial.Authority)} did not answer in {(silence.IsCancellationRequested ? _options.StallTimeout : _options.ConnectTimeout).TotalSeconds:0.#} s.", exception);
        }
    }

    private static string Innermost(Exception exception) =>
        exception.InnerException is { } inner ? Innermost(inner) : exception.Message;

    private static async Task<RegistryException> RefusedAsync(
        RegistryEndpoint endpoint, HttpResponseMessage response, string what, CancellationToken cancellationToken)
    {
        var failure = response.StatusCode switch
        {
            HttpStatusCode.NotFound => RegistryFailure.NotFound,
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => RegistryFailure.Denied,
            // What a proxy or an overloaded registry says is as good as no answer: it may be asked again.
            >= HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout => RegistryFailure.Unreachable,
            _ => RegistryFailure.Invalid,
        };
        var detail = await ErrorDetailAsync(response, cancellationToken);
        return new(
            failure,
            $"{endpoint.BaseAddress.Authority} refused {what}: {((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)} {response.ReasonPhrase}{detail}");
    }

    // OCI Distribution Spec, "Error Codes": {"errors":[{"code","message"}]}. Anything else adds nothing to the status.
    private static async Task<string> ErrorDetailAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/json")
        {
            return "";
        }

        try
        {
            using var document = JsonDocument.Parse(await BoundedContent.ReadAsync(response, 65536, "error", cancellationToken));
            return document.RootElement.TryGetProperty("errors", out var errors) && errors.ValueKind == JsonValueKind.Array
                ? string.Concat(errors.EnumerateArray().Select(error =>
                    $"; {(error.TryGetProperty("code", out var code) ? code.ToString() : "")}: {(error.TryGetProperty("message", out var text) ? text.ToString() : "")}"))
                : "";
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or IOException)
        {
            return " (its explanation could not be read)";
        }
    }

    private static RegistryException NotResolved(
        ImageReference reference, List<(RegistryEndpoint Endpoint, RegistryException Failure)> answers)
    {
        if (answers.Count == 1)
        {
            return new(answers[0].Failure.Failure, answers[0].Failure.Message, answers[0].Failure);
        }

        // The registry's own words decide; a mirror's, or a failed TLS attempt's, only when it could not be asked.
        var decisive = answers.FindLast(answer => answer.Failure.Failure != RegistryFailure.Unreachable).Failure ?? answers[^1].Failure;
        return new(
            decisive.Failure, $"{reference.Familiar} was looked for in {answers.Count} places: {string.Join(" ", answers.Select(answer => answer.Failure.Message))}",
            decisive);
    }

    private static string Scope(ImageReference reference, bool push) => $"repository:{reference.Repository}:{(push ? "pull,push" : "pull")}";

    private static Uri Address(RegistryEndpoint endpoint, ImageReference reference, string rest) =>
        new($"{endpoint.BaseAddress.AbsoluteUri.TrimEnd('/')}/v2/{reference.Repository}/{rest}");

    private HttpClient Create(bool verify)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = _options.ConnectTimeout,
            AutomaticDecompression = DecompressionMethods.None, // a blob is the bytes that were digested
            UseCookies = false,
            MaxConnectionsPerServer = 8,
        };
        if (!verify)
        {
#pragma warning disable CA5359 // Only for registries that the operator named as insecure, and loopback: RegistryEndpoint.AllowsUnverified.
            handler.SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true };
#pragma warning restore CA5359
        }

        return new(handler)
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestHeaders = { UserAgent = { new ProductInfoHeaderValue("berth", "0.1") } },
        };
    }
}
