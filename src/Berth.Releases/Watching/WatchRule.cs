using Berth.Compose.Model;
using Berth.Dockerfile.Ignore;
using Berth.Engine.Errors;
using Berth.Linux.Files;

namespace Berth.Releases.Watching;

/// <summary>One rule of a service: which changes it is about.</summary>
/// <param name="ignored">What does not count, relative to the rule's path.</param>
/// <param name="contextIgnored">What the service's <c>.dockerignore</c> leaves out, relative to its build context: it is not in the image, and not copied into it.</param>
internal sealed class WatchRule(ServiceModel service, WatchModel watch, DockerIgnore ignored, DockerIgnore included, string? context, DockerIgnore contextIgnored)
{
    // What editors and version control write beside the files that are meant.
    private static readonly string[] s_always = [".git", "**/*~", "**/.*.swp", "**/.*.swx", "**/.#*", "**/#*#", "**/4913"];

    internal ServiceModel Service => service;

    internal WatchModel Watch => watch;

    /// <exception cref="BerthException">A pattern is malformed.</exception>
    internal static WatchRule Of(ServiceModel service, WatchModel watch)
    {
        var context = service.Build?.Context is ['/', ..] folder ? folder : null;
        try
        {
            var file = context is null ? null : Path.Combine(context, ".dockerignore");
            return new(
                service, watch, DockerIgnore.FromPatterns([.. s_always, .. watch.Ignore]), watch.Include.Count == 0 ? DockerIgnore.Empty : DockerIgnore.FromPatterns(watch.Include), context,
                file is not null && File.Exists(file) ? DockerIgnore.Parse(Read(file)) : DockerIgnore.Empty);
        }
        catch (FormatException exception)
        {
            throw BerthException.Invalid($"service '{service.Name}', develop.watch of {watch.Path}: {exception.Message}");
        }
    }

    /// <summary>Those of the paths that it is about.</summary>
    internal IReadOnlyList<string> Matching(IEnumerable<string> paths) => [.. paths.Where(Counts).Order(StringComparer.Ordinal)];

    /// <summary>All that there is now.</summary>
    internal IReadOnlyList<string> Files() => [.. Below(watch.Path)];

    /// <summary>A path, and what of it lies below it, folders first.</summary>
    internal IEnumerable<string> Below(string path)
    {
        if (!Counts(path))
        {
            yield break;
        }

        yield return path;
        if (!Directory.Exists(path) || new FileInfo(path).LinkTarget is not null)
        {
            yield break;
        }

        foreach (var inner in Directory.EnumerateFileSystemEntries(path).Order(StringComparer.Ordinal).SelectMany(Below))
        {
            yield return inner;
        }
    }

    /// <summary>Where a path of this machine is in a container.</summary>
    internal string InContainer(string path)
    {
        var relative = Path.GetRelativePath(watch.Path, path);
        return relative == "." ? watch.Target! : $"{watch.Target!.TrimEnd('/')}/{relative}";
    }

    private bool Counts(string path)
    {
        var relative = Path.GetRelativePath(watch.Path, path);
        if (relative.StartsWith("../", StringComparison.Ordinal) || relative == "..")
        {
            return false;
        }

        var ofContext = context is null ? ".." : Path.GetRelativePath(context, path);
        return (relative == "." || !ignored.Excludes(relative))
            && (relative == "." || watch.Include.Count == 0 || Directory.Exists(path) || included.Excludes(relative))
            && (ofContext is "." or ".." || ofContext.StartsWith("../", StringComparison.Ordinal) || !contextIgnored.Excludes(ofContext));
    }

    private static string Read(string file)
    {
        using var reader = new StreamReader(RegularFile.Open(file));
        var text = new char[(1 << 20) + 1];
        return new(text, 0, reader.ReadBlock(text));
    }
}
