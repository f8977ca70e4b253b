namespace Berth.Engine.Containers;

/// <summary>What a container takes from its image.</summary>
/// <param name="Id">The image's digest.</param>
/// <param name="LowerDirectories">Layer directories, uppermost first.</param>
/// <param name="Config">Defaults for the container.</param>
public sealed record ContainerImage(string Id, IReadOnlyList<string> LowerDirectories, ContainerConfig Config);

/// <summary>Where containers find images.</summary>
public interface IContainerImages
{
    /// <summary>Finds an image whose layers stay until the lease is let go of, whatever becomes of the image.</summary>
    /// <exception cref="Errors.BerthException">No such image.</exception>
    (ContainerImage Image, IDisposable Lease) Hold(string reference);

    /// <summary>Removes layers that only a container stood on which is being removed: those of images that were removed before it.</summary>
    Task LetGoAsync(ContainerRecord record);
}

/// <summary>The images that a container is being made of: their layers stay until it is recorded, and stands on them itself.</summary>
internal sealed class HeldImages(IContainerImages images) : IDisposable
{
    private readonly List<IDisposable> _leases = [];

    /// <exception cref="Errors.BerthException">No such image.</exception>
    internal ContainerImage Take(string reference)
    {
        var (image, lease) = images.Hold(reference);
        _leases.Add(lease);
        return image;
    }

    public void Dispose() => _leases.ForEach(lease => lease.Dispose());
}
