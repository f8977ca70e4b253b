using System.Collections.Concurrent;
using System.Text;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Build;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Linux.Files;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Releases.Planning;

namespace Berth.Releases.Projects;

/// <summary>Builds and pulls what a plan needs, side by side; what cannot be had is collected and told at once.</summary>
internal sealed class ProjectImages(EngineHost engine)
{
    private const int SecretLimitBytes = 500 * 1024; // Docker's limit for a secret

    internal async Task PrepareAsync(
        ProjectModel project, IReadOnlyList<PlanAction> actions, ProjectBuildOptions options, ProjectProgress progress, CancellationToken cancellationToken)
    {
        // An image on which another is built comes first.
        var made = actions.Select(action => action is BuildImage build ? build.Image : ((PullImage)action).Image).Distinct(StringComparer.Ordinal)
            .ToDictionary(image => image, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), StringComparer.Ordinal);
        var failures = new ConcurrentDictionary<string, (string Message, bool IsPull)>(StringComparer.Ordinal);
        await Task.WhenAll(actions.Select(async action =>
        {
            var image = action is BuildImage one ? one.Image : ((PullImage)action).Image;
            try
            {
                await Task.WhenAll(ImagePlanner.BuiltOn(project, action).Where(made.ContainsKey).Select(other => made[other].Task)).ConfigureAwait(false);
                await (action switch
                {
                    BuildImage build when ImagePlanner.BuiltOn(project, build).FirstOrDefault(failures.ContainsKey) is { } other =>
                        throw BerthException.Invalid($"it is built on {other}, which cannot be had"),
                    BuildImage build => BuildAsync(project, build, options, progress, cancellationToken),
                    PullImage pull => PullAsync(pull, progress, cancellationToken),
                    _ => throw new InvalidOperationException($"{action.GetType().Name} is no work on an image"),
                }).ConfigureAwait(false);
            }
            catch (BerthException exception)
            {
                failures[image] = (exception.Message, action is PullImage);
            }
            finally
            {
                made[image].TrySetResult();
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

    private Task BuildAsync(ProjectModel project, BuildImage build, ProjectBuildOptions options, ProjectProgress progress, CancellationToken cancellationToken)
    {
        var model = build.Service.Build!;
        if (model.Context.Contains("://", StringComparison.Ordinal) || !Directory.Exists(model.Context))
        {
            throw BerthException.Invalid(model.Context.Contains("://", StringComparison.Ordinal)
                ? $"the build context '{model.Context}' is remote, which is not supported; clone it and name the folder"
                : $"the build context '{model.Context}' does not exist");
        }

        foreach (var (name, folder) in model.AdditionalContexts.Where(context => BuildContexts.IsFolder(context.Value) && !Directory.Exists(context.Value)))
        {
            throw BerthException.Invalid($"the additional context '{name}', the folder '{folder}', does not exist");
        }

        var config = new BuildConfig
        {
            ContextDirectory = model.Context,
            Contexts = model.AdditionalContexts.ToDictionary(context => context.Key, BuildContext (context) => ContextOf(project, context.Value), StringComparer.OrdinalIgnoreCase),
            DockerfilePath = model.Dockerfile ?? "Dockerfile",
            DockerfileText = model.DockerfileInline,
            BuildArguments = model.Args.Where(pair => pair.Value is not null).Concat(options.Arguments)
                .GroupBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Last().Value, StringComparer.Ordinal),
            Target = model.Target,
            Tags = [ImageReference.Parse(build.Image), .. model.Tags.Select(ParseTag)],
            Labels = model.Labels,
            NoCache = options.NoCache || model.NoCache,
            Pull = options.Pull || model.Pull,
            Identity = $"{model.Context} {build.Image}",
            Platform = ParsePlatform(model.Platform ?? build.Service.Platform),
            ExtraHosts = model.ExtraHosts,
            Network = model.Network ?? "default",
            Secrets = model.Secrets.GroupBy(secret => secret.Target, StringComparer.Ordinal)
                .ToDictionary(group => group.Key, group => ContentOf(project.Secrets[group.Last().Source]), StringComparer.Ordinal),
            Agents = AgentsOf(model, options),
            AllowsInsecure = model.Privileged || model.Entitlements.Contains("security.insecure"),
            Limits = new()
            {
                Memory = options.MemoryBytes ?? 0,
                ShmSize = model.ShmSizeBytes ?? 0,
                Ulimits = model.Ulimits.Count > 0 ? [.. model.Ulimits.Select(pair => new UlimitConfig { Name = pair.Key, Soft = pair.Value.Soft, Hard = pair.Value.Hard })] : null,
            },
        };
        return progress.StepAsync(
            engine.Time, ProjectEventKind.Image, build.Image, "Building", "Built", () => RunAsync(build, config, progress, cancellationToken), build.Reason);
    }

    private static Dictionary<string, string> AgentsOf(BuildModel model, ProjectBuildOptions options)
    {
        var agents = model.Ssh.Where(agent => !options.Agents.ContainsKey(agent.Id)).ToDictionary(
            agent => agent.Id,
            agent => agent.Path ?? agent.CallersSocket ?? throw BerthException.Invalid("build.ssh asks for your SSH agent, and SSH_AUTH_SOCK names none: start one with 'eval $(ssh-agent)' and 'ssh-add', or name a key: default=PATH"),
            StringComparer.Ordinal);
        return agents.Concat(options.Agents).ToDictionary(StringComparer.Ordinal);
    }

    private static BuildContext ContextOf(ProjectModel project, string value) =>
        BuildContexts.IsFolder(value) ? new FolderContext(value)
        : value.StartsWith(BuildContexts.Image, StringComparison.Ordinal) ? new ImageContext(value[BuildContexts.Image.Length..], IsLocal: false)
        : new ImageContext(ImagePlanner.ImageOf(project, project.Services[value[BuildContexts.Service.Length..]]), IsLocal: true);

    private static ImageReference ParseTag(string text) =>
        ImageReference.TryParse(text, out var reference) ? reference : throw BerthException.Invalid($"build.tags: '{text}' is not an image's name");

    private static byte[] ContentOf(FileObjectModel secret)
    {
        if (secret.IsExternal)
        {
            throw BerthException.Invalid($"the secret '{secret.Key}' is external: a build takes secrets from a file, a variable or the compose file");
        }

        if (secret.File is not { } path)
        {
            return Encoding.UTF8.GetBytes(secret.Content ?? "");
        }

        try
        {
            using var file = RegularFile.Open(path);
            if (file.Length > SecretLimitBytes)
            {
                throw BerthException.Invalid($"the secret '{secret.Key}' has {file.Length} bytes; a build takes at most {SecretLimitBytes}");
            }

            var content = new byte[file.Length];
            file.ReadExactly(content);
            return content;
        }
        catch (IOException exception)
        {
            throw BerthException.Invalid($"the secret '{secret.Key}' cannot be read: {exception.Message}");
        }
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
