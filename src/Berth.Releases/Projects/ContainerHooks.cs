using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Compose;
using Berth.Compose.Model;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Exec;
using Berth.Engine.Errors;

namespace Berth.Releases.Projects;

/// <summary>
/// The commands that a service has run in its containers once they have started and before they are stopped. A container carries them in a label, so that they are run
/// too where nobody has the compose file at hand. What ends by itself, or is started again by its policy, is not Compose's doing and has none run. A release that goes on after its daemon was killed runs those after the start once more.
/// </summary>
/// <remarks>Compose Specification, 05-services.md, <c>post_start</c> and <c>pre_stop</c>.</remarks>
internal static class ContainerHooks
{
    internal const string Label = "org.berth.hooks";
    private const string PostStart = "post_start";
    private const string PreStop = "pre_stop";
    private const int KeptBytes = 4096;
    private static readonly TimeSpan s_longestStart = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_shortestStop = TimeSpan.FromSeconds(10);

    /// <summary>The label's value; null for a service without.</summary>
    internal static string? Describe(ServiceModel service) => service.PostStart.Count + service.PreStop.Count == 0
        ? null
        : new JsonObject { [PostStart] = Views(service.PostStart), [PreStop] = Views(service.PreStop) }.ToJsonString();

    /// <exception cref="BerthException">A command failed; those after it are not run.</exception>
    internal static async Task StartedAsync(EngineHost engine, Container container)
    {
        foreach (var hook in Of(container, PostStart))
        {
            if (await RunAsync(engine, container, PostStart, hook, s_longestStart).ConfigureAwait(false) is { } failure)
            {
                throw new BerthException(ErrorKind.Failed, failure);
            }
        }
    }

    /// <summary>A container is stopped whether its commands succeed or not: who stops it wants it stopped. They have the time that it has to stop, and at least ten seconds.</summary>
    /// <param name="timeoutSeconds">Null for the container's own.</param>
    /// <returns>What failed, for people; null when nothing did.</returns>
    internal static async Task<string?> StoppingAsync(EngineHost engine, Container container, int? timeoutSeconds)
    {
        if (container.Record.Status != ContainerStatus.Running) // in one that is frozen nothing runs
        {
            return null;
        }

        var seconds = timeoutSeconds ?? container.Record.Config.StopTimeout ?? 10;
        var limit = seconds < 0 ? s_longestStart : TimeSpan.FromSeconds(Math.Max(seconds, s_shortestStop.TotalSeconds));
        foreach (var hook in Of(container, PreStop))
        {
            if (await RunAsync(engine, container, PreStop, hook, limit).ConfigureAwait(false) is { } failure && container.Record.Status == ContainerStatus.Running)
            {
                return failure;
            }
        }

        return null;
    }

    private static JsonArray Views(IReadOnlyList<HookModel> hooks) => new([.. hooks.Select(hook => (JsonNode)new JsonObject
    {
        ["command"] = Texts(hook.Command),
        ["user"] = hook.User,
        ["privileged"] = hook.Privileged,
        ["working_dir"] = hook.WorkingDirectory,
        ["environment"] = Texts(hook.Environment.Where(pair => pair.Value is not null).Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal)),
    })]);

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text!)]);

    private static IEnumerable<ExecConfig> Of(Container container, string kind)
    {
        if (container.Record.Label(Label) is not { Length: > 0 } text)
        {
            return [];
        }

        try
        {
            var hooks = JsonNode.Parse(text) is JsonObject all && all[kind] is JsonArray items ? items.OfType<JsonObject>() : [];
            return [.. hooks.Select(hook => new ExecConfig
            {
                Cmd = Texts(hook["command"]),
                User = Text(hook["user"]),
                Privileged = hook["privileged"] is JsonValue flag && flag.GetValueKind() == JsonValueKind.True,
                WorkingDir = Text(hook["working_dir"]),
                Env = Texts(hook["environment"]),
            }).Where(hook => hook.Cmd is { Count: > 0 })];
        }
        catch (JsonException exception)
        {
            throw BerthException.Invalid($"container {container.Name}: its label {Label} cannot be read: {exception.Message}");
        }
    }

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    private static List<string> Texts(JsonNode? node) => node is JsonArray items ? [.. items.Select(Text)] : [];

    /// <returns>Why it failed; null when it did not.</returns>
    private static async Task<string?> RunAsync(EngineHost engine, Container container, string kind, ExecConfig hook, TimeSpan limit)
    {
        var what = $"{kind} of service '{container.Record.Label(ComposeLabels.Service)}' in {container.Name}: {string.Join(' ', hook.Cmd!)}";
        using var timeout = new CancellationTokenSource(limit, engine.Time);
        try
        {
            var (exitCode, output) = await engine.Containers.Execs.CaptureAsync(container, hook, KeptBytes, timeout.Token).ConfigureAwait(false);
            return timeout.IsCancellationRequested ? string.Create(CultureInfo.InvariantCulture, $"{what}: it was ended after {limit.TotalSeconds:0.#} s")
                : exitCode == 0 ? null
                : $"{what}: it ended with exit code {exitCode}{(output.Trim().Length > 0 ? ": " + output.Trim() : "")}";
        }
        catch (BerthException exception)
        {
            return $"{what}: {exception.Message}";
        }
    }
}
