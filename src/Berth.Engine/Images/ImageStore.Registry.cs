using Berth.Engine.Errors;
using Berth.Oci;
using Berth.Oci.Registry;

namespace Berth.Engine.Images;

// What registries are asked without pulling or pushing.
public sealed partial class ImageStore
{
    /// <exception cref="BerthException">Unauthorized, or the registry did not answer.</exception>
    public async Task CheckLoginAsync(string registry, RegistryCredentials credentials, CancellationToken cancellationToken)
    {
        try
        {
            await _registry.CheckLoginAsync(registry, credentials, cancellationToken).ConfigureAwait(false);
        }
        catch (RegistryException exception)
        {
            var kind = exception.Failure == RegistryFailure.Denied ? ErrorKind.Unauthorized : exception.Failure == RegistryFailure.Unreachable ? ErrorKind.Unavailable : ErrorKind.Failed;
            throw new BerthException(kind, $"login attempt to {registry} failed: {exception.Message}", exception);
        }
    }

    /// <exception cref="BerthException">The registry does not have it, or did not answer.</exception>
    public async Task<DistributionInfo> DescribeAsync(ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        try
        {
            return await _registry.DescribeAsync(reference, credentials, cancellationToken).ConfigureAwait(false);
        }
        catch (RegistryException exception)
        {
            throw Understood(reference, exception);
        }
    }

    /// <summary>All references of a repository that its registry has.</summary>
    /// <exception cref="BerthException">The registry does not have it, or did not answer.</exception>
    public async Task<IReadOnlyList<ImageReference>> AllTagsAsync(ImageReference reference, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        try
        {
            return [.. (await _registry.TagsAsync(reference, credentials, cancellationToken).ConfigureAwait(false)).Select(reference.WithTag)];
        }
        catch (RegistryException exception)
        {
            throw Understood(reference, exception);
        }
    }

    /// <summary>Looks for repositories, in Docker Hub unless the term begins with a registry: <c>localhost:5000/app</c>.</summary>
    /// <exception cref="BerthException">The registry has no search, or did not answer.</exception>
    public async Task<IReadOnlyList<FoundRepository>> SearchAsync(string term, int limit, RegistryCredentials? credentials, CancellationToken cancellationToken)
    {
        var slash = term.IndexOf('/', StringComparison.Ordinal);
        var isRegistry = slash > 0 && (term.AsSpan(0, slash).IndexOfAny('.', ':') >= 0 || term[..slash] == "localhost");
        var (registry, rest) = isRegistry ? (term[..slash], term[(slash + 1)..]) : (ImageReference.DockerHub, term);
        try
        {
            return await _registry.SearchAsync(registry, rest, limit, credentials, cancellationToken).ConfigureAwait(false);
        }
        catch (RegistryException exception)
        {
            throw new BerthException(exception.Failure == RegistryFailure.Unreachable ? ErrorKind.Unavailable : ErrorKind.Failed, $"cannot search {registry}: {exception.Message}", exception);
        }
    }
}
