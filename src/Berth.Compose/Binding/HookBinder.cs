using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads the commands that are run in a container once it has started, and before it is stopped.</summary>
/// <remarks>Compose Specification, 05-services.md, <c>post_start</c> and <c>pre_stop</c>.</remarks>
internal static class HookBinder
{
    /// <param name="command">Splits the short form into words.</param>
    /// <param name="resolve">Gives names without a value the caller's.</param>
    public static List<HookModel> Read(
        MapReader service, string key, Func<MapReader, string, IReadOnlyList<string>?> command, Func<IReadOnlyDictionary<string, string?>, Dictionary<string, string?>> resolve)
    {
        var hooks = new List<HookModel>();
        foreach (var (item, number) in service.Items(key).Select((item, number) => (item, number)))
        {
            if (item is not MapNode map)
            {
                service.Diagnostics.Error(item.Place, $"{service.Path}.{key}[{number}]: must be a mapping with a 'command'");
                continue;
            }

            hooks.Add(ReadOne(new MapReader(map, $"{service.Path}.{key}[{number}]", service.Diagnostics), command, resolve));
        }

        return hooks;
    }

    /// <inheritdoc cref="Read"/>
    public static HookModel ReadOne(MapReader hook, Func<MapReader, string, IReadOnlyList<string>?> command, Func<IReadOnlyDictionary<string, string?>, Dictionary<string, string?>> resolve)
    {
        var words = command(hook, "command");
        if (words is not { Count: > 0 })
        {
            hook.Diagnostics.Error(hook.Place, $"{hook.Path}: needs a 'command'");
        }

        var model = new HookModel(words ?? [])
        {
            User = hook.Text("user"),
            Privileged = hook.Bool("privileged") ?? false,
            WorkingDirectory = hook.Text("working_dir"),
            Environment = resolve(hook.OptionalTextMap("environment")),
        };
        hook.Finish();
        return model;
    }
}
