using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads <c>develop</c>.</summary>
/// <param name="paths">Where relative paths start.</param>
/// <remarks>Compose Specification, develop.md.</remarks>
internal sealed class DevelopBinder(ProjectPaths paths)
{
    private static readonly string[] s_actions = ["sync", "rebuild", "restart", "sync+restart", "sync+exec"];

    /// <param name="hook">Reads a command with its user, folder and environment.</param>
    public List<WatchModel> Read(MapReader service, Func<MapReader, HookModel> hook)
    {
        var rules = new List<WatchModel>();
        if (service.Map("develop") is not { } develop)
        {
            return rules;
        }

        foreach (var (item, number) in develop.Items("watch").Select((item, number) => (item, number)))
        {
            if (item is MapNode map)
            {
                rules.Add(ReadRule(new MapReader(map, $"{develop.Path}.watch[{number}]", develop.Diagnostics), service.Has("build"), hook));
            }
            else
            {
                develop.Diagnostics.Error(item.Place, $"{develop.Path}.watch[{number}]: must be a mapping with 'path' and 'action'");
            }
        }

        develop.Finish();
        return rules;
    }

    private WatchModel ReadRule(MapReader rule, bool isBuilt, Func<MapReader, HookModel> hook)
    {
        var (path, target) = (rule.Text("path"), rule.Text("target"));
        var action = rule.OneOf("action", s_actions);
        var exec = rule.Map("exec") is { } command && command.Node("command") is not null ? hook(command) : null; // Compose prints an empty one
        if (string.IsNullOrEmpty(path) || !rule.Has("action"))
        {
            rule.Diagnostics.Error(rule.Place, $"{rule.Path}: needs a 'path' and an 'action'");
        }

        var copies = action?.StartsWith("sync", StringComparison.Ordinal) == true;
        if (copies && target is not ['/', ..])
        {
            rule.Diagnostics.Error(rule.Place, $"{rule.Path}: the action '{action}' needs a 'target', an absolute path in the container");
        }

        if (action == "rebuild" && !isBuilt)
        {
            rule.Error("action", "a service without a 'build' cannot be built again");
        }

        if (action == "sync+exec" && exec is null)
        {
            rule.Diagnostics.Error(rule.Place, $"{rule.Path}: the action 'sync+exec' needs an 'exec' with a 'command'");
        }

        var model = new WatchModel(paths.Resolve(path ?? "."), Action(action), target)
        {
            Ignore = rule.Texts("ignore"), Include = rule.Texts("include"), InitialSync = rule.Bool("initial_sync") ?? false, Exec = exec,
        };
        rule.Finish();
        return model;
    }

    private static WatchAction Action(string? action) => action switch
    {
        "rebuild" => WatchAction.Rebuild,
        "restart" => WatchAction.Restart,
        "sync+restart" => WatchAction.SyncAndRestart,
        "sync+exec" => WatchAction.SyncAndExec,
        _ => WatchAction.Sync,
    };
}
