namespace Berth.Engine.Containers;

/// <summary>What a container takes from its image.</summary>
/// <param name="Id">The image's digest.</param>
/// <param name="LowerDirectories">Layer directories, uppermost first.</param>
/// <param name="Config">Defaults for the container.</param>
public sealed record ContainerImage(string Id, IReadOnlyList<string> LowerDirectories, ContainerConfig Config);

/// <summary>Where containers find images.</summary>
public interface IContainerImages
{
    /// <exception cref="Errors.BerthException">No such image.</exception>
    ContainerImage Resolve(string reference);
}
