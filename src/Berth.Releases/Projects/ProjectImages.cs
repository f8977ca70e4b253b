using System.Collections.Concurrent;
using System.Text;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Build;
using Berth.Engine.Errors;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Releases.Planning;

namespace Berth.Releases.Projects;

/// <summary>Builds and pulls what a plan needs, side by side; what cannot be had is collected and told at once.</summary>
internal sealed class ProjectImages(EngineHost engine)
{
    internal async Task PrepareAsync(
        ProjectModel project, IReadOnlyList<PlanAction> actions, ProjectBuildOptions options, ProjectProgress progress, CancellationToken cancellationToken)
    {
        var failures = new ConcurrentDictionary<string, (string Message, bool IsPull)>(StringComparer.Ordinal);
        await Task.WhenAll(actions.Select(async action =>
        {
            try
            {
                await (action switch
                {
                    BuildImage build => BuildAsync(build, options, progress, cancellationToken),
                    PullImage pull => PullAsync(pull, progress, cancellationToken),
                    _ => throw new InvalidOperationException($"{action.GetType().Name} is no work on an image"),
                }).ConfigureAwait(false);
            }
            catch (BerthException exception)
            {
                var image = action is BuildImage build ? build.Image : ((PullImage)action).Image;
                failures[image] = (exception.Message, action is PullImage);
            }
        })).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (!failures.IsEmpty)
        {
            throw new BerthException(ErrorKind.Unavailable, Describe(project, failures));
        }
    }

    private static string Describe(ProjectModel project, IReadOnlyDictionary<string, (string Message, bool IsPull)> failures)
    {
        var text = new StringBuilder(failures.Count == 1 ? "One image cannot be had; nothing was started:" : $"{failures.Count} images cannot be had; nothing was started:");
        foreach (var (image, (message, isPull)) in failures.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var services = project.Services.Values.Where(service => ImagePlanner.ImageOf(project, service) == image).Select(service => service.Name).Order(StringComparer.Ordinal);
            text.Append($"\n  {image} (service {string.Join(", ", services)}{(isPull ? "" : ", built")}): {message.ReplaceLineEndings("\n    ")}");
        }

        if (failures.Values.Any(failure => failure.IsPull))
        {
            text.Append("\nIf a registry cannot be reached from here, name a mirror in /etc/berth/daemon.json, "
                + "for example { \"registry-mirrors\": [\"https://mirror.example\"] }, and restart the daemon; or bring the image with 'berth load'.");
        }

        return text.ToString();
    }

    private async Task PullAsync(PullImage pull, ProjectProgress progress, CancellationToken cancellationToken)
    {
        if (!ImageReference.TryParse(pull.Image, out var reference))
        {
            throw BerthException.Invalid($"'{pull.Image}' is not an image's name");
        }

        var platform = ParsePlatform(pull.Platform);
        await progress.StepAsync(
            engine.Time, ProjectEventKind.Image, pull.Image, "Pulling", "Pulled",
            async () =>
            {
                var image = await engine.Images.PullAsync(
                    reference, platform, null, one => progress(new(ProjectEventKind.Image, pull.Image, "Pulling", Detail: Line(one))), cancellationToken).ConfigureAwait(false);
                engine.Events.Publish("image", "pull", reference.Familiar, new Dictionary<string, string> { ["name"] = image.DisplayName });
            },
            pull.Reason).ConfigureAwait(false);
    }

    private static string Line(Engine.Images.ImageProgress one) => (one.Id is null ? "" : one.Id + ": ") + one.Status
        + (one is { Current: { } current, Total: > 0 and var total } ? $" {current * 100 / total}%" : "");

    private Task BuildAsync(BuildImage build, ProjectBuildOptions options, ProjectProgress progress, CancellationToken cancellationToken)
    {
        var model = build.Service.Build!;
        if (model.Context.Contains("://", StringComparison.Ordinal) || !Directory.Exists(model.Context))
        {
            throw BerthException.Invalid(model.Context.Contains("://", StringComparison.Ordinal)
                ? $"the build context '{model.Context}' is remote, which is not supported; clone it and name the folder"
                : $"the build context '{model.Context}' does not exist");
        }

        var config = new BuildConfig
        {
            ContextDirectory = model.Context,
            DockerfilePath = model.Dockerfile ?? "Dockerfile",
            DockerfileText = model.DockerfileInline,
            BuildArguments = model.Args.Where(pair => pair.Value is not null).Concat(options.Arguments)
                .GroupBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Last().Value, StringComparer.Ordinal),
            Target = model.Target,
            Tags = [ImageReference.Parse(build.Image)],
            Labels = model.Labels,
            NoCache = options.NoCache,
            Pull = options.Pull,
            Identity = $"{model.Context} {build.Image}",
            Platform = ParsePlatform(build.Service.Platform),
        };
        return progress.StepAsync(
            engine.Time, ProjectEventKind.Image, build.Image, "Building", "Built", () => RunAsync(build, config, progress, cancellationToken), build.Reason);
    }

    private async Task RunAsync(BuildImage build, BuildConfig config, ProjectProgress progress, CancellationToken cancellationToken)
    {
        var output = new BuildOutput(build.Service.Name, progress);
        BuildFailed? failure = null;
        await foreach (var one in engine.Builder.BuildAsync(config, cancellationToken).ConfigureAwait(false))
        {
            failure = one as BuildFailed ?? failure;
            output.Write(one);
        }

        if (failure is not null)
        {
            var needsLine = failure is { Line: not null } && !failure.Message.Contains($":{failure.Line}:", StringComparison.Ordinal);
            throw BerthException.Invalid(needsLine ? $"{config.DockerfilePath}:{failure.Line}: {failure.Message}" : failure.Message);
        }
    }

    private static Platform? ParsePlatform(string? text)
    {
        try
        {
            return text is null ? null : Platform.Parse(text);
        }
        catch (FormatException exception)
        {
            throw BerthException.Invalid(exception.Message);
        }
    }
}
