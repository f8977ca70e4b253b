using Berth.Compose;
using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>Which images must be built or pulled before a container can start.</summary>
/// <remarks>An image that some service of the project builds is never pulled, so local names need no registry.</remarks>
internal sealed class ImagePlanner(
    ProjectModel project, ActualProject actual, PlanOptions options, PlanScope scope, PlanFindings findings)
{
    public static string ImageOf(ProjectModel project, ServiceModel service) =>
        service.Image ?? ComposeNames.Image(project, service.Name);

    public IReadOnlyList<PlanAction> Plan()
    {
        var builders = project.Services.Values
            .Where(service => service.Build is not null)
            .GroupBy(service => ImageOf(project, service), StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.OrderBy(service => service.Name, StringComparer.Ordinal).First(), StringComparer.Ordinal);
        var actions = new Dictionary<string, PlanAction>(StringComparer.Ordinal);
        foreach (var service in scope.Services)
        {
            var image = ImageOf(project, service);
            PlanAction? action = builders.TryGetValue(image, out var builder) ? PlanBuild(builder, image) : PlanPull(service, image);
            if (action is not null && actions.TryAdd(image, action) && action is BuildImage build)
            {
                AddBases(build, builders, actions);
            }

            foreach (var mounted in Mounted(service).Where(mounted => !builders.ContainsKey(mounted)))
            {
                if (PlanPull(service, mounted) is { } pull)
                {
                    actions.TryAdd(mounted, pull);
                }
            }
        }

        return [.. actions.Values.OrderBy(action => action is BuildImage)]; // a build's own base images come from the builder
    }

    // What it is built on, and that in turn: loading refuses circles.
    private void AddBases(BuildImage build, Dictionary<string, ServiceModel> builders, Dictionary<string, PlanAction> actions)
    {
        foreach (var name in build.Service.Build!.BuildsOn)
        {
            var image = ImageOf(project, project.Services[name]);
            if (PlanBuild(builders[image], image) is { } other && actions.TryAdd(image, other))
            {
                AddBases(other, builders, actions);
            }
        }
    }

    /// <summary>The images of those services on which an image is built.</summary>
    internal static IEnumerable<string> BuiltOn(ProjectModel project, PlanAction action) =>
        action is BuildImage build ? build.Service.Build!.BuildsOn.Select(name => ImageOf(project, project.Services[name])).Where(image => image != build.Image) : [];

    /// <summary>Images whose files a service mounts.</summary>
    internal static IEnumerable<string> Mounted(ServiceModel service) => service.Volumes.Where(mount => mount is { Kind: MountKind.Image, Source: not null }).Select(mount => mount.Source!);

    private BuildImage? PlanBuild(ServiceModel builder, string image)
    {
        var isMissing = !actual.Images.ContainsKey(image);
        var reason = options.Build ? "a build was asked for"
            : builder.PullPolicy == PullPolicy.Build ? "its pull_policy is 'build'"
            : isMissing ? "there is no such image yet"
            : null;
        if (reason is null)
        {
            return null;
        }

        if (!options.NoBuild)
        {
            return new BuildImage(builder, image, reason);
        }

        if (isMissing)
        {
            findings.Problems.Add($"service '{builder.Name}': there is no image '{image}', and building is switched off");
        }

        return null;
    }

    private PullImage? PlanPull(ServiceModel service, string image)
    {
        var policy = options.Pull ?? service.PullPolicy;
        if (policy == PullPolicy.Always)
        {
            return new PullImage(image, service.Platform, "the newest is asked for");
        }

        if (actual.Images.TryGetValue(image, out var found))
        {
            return policy == PullPolicy.Refresh && service.PullEvery is { } every && found.Age >= every
                ? new PullImage(image, service.Platform, "it was last fetched longer ago than its pull_policy allows")
                : null;
        }

        if (policy == PullPolicy.Never)
        {
            findings.Problems.Add($"service '{service.Name}': there is no image '{image}', and pulling is switched off");
            return null;
        }

        return new PullImage(image, service.Platform, "there is no such image here");
    }
}
