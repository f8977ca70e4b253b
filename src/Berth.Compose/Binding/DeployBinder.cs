using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads <c>deploy</c>.</summary>
/// <remarks>Compose Specification, deploy.md.</remarks>
internal static class DeployBinder
{
    public static DeployModel? Read(MapReader service)
    {
        if (service.Map("deploy") is not { } deploy)
        {
            return null;
        }

        var mode = deploy.OneOf("mode", "replicated", "global");
        if (mode == "global" && deploy.Has("replicas"))
        {
            deploy.Error("replicas", "cannot stand together with mode 'global', which is one container on each machine");
        }

        var resources = deploy.Map("resources");
        var limits = ReadResources(resources?.Map("limits"));
        var reservations = ReadResources(resources?.Map("reservations"), areReserved: true);
        resources?.Finish();
        var model = new DeployModel(
            deploy.Integer("replicas", 0, 10_000),
            deploy.OneOf("endpoint_mode", "vip", "dnsrr"),
            limits,
            reservations,
            ReadRestart(deploy.Map("restart_policy")),
            ReadUpdate(deploy.Map("update_config")),
            ReadUpdate(deploy.Map("rollback_config")),
            deploy.TextMap("labels"))
        {
            Mode = mode, Placement = ReadPlacement(deploy.Map("placement")),
        };
        deploy.Finish();
        return model;
    }

    private static PlacementModel? ReadPlacement(MapReader? placement)
    {
        if (placement is null)
        {
            return null;
        }

        var spreads = new List<string>();
        foreach (var item in placement.Items("preferences"))
        {
            if (item is not MapNode map)
            {
                placement.Diagnostics.Error(item.Place, $"{placement.Path}.preferences: must be a list of mappings with 'spread'");
                continue;
            }

            var preference = new MapReader(map, $"{placement.Path}.preferences", placement.Diagnostics);
            spreads.Add(preference.Text("spread") ?? "");
            preference.Finish();
        }

        var model = new PlacementModel(placement.Texts("constraints"), spreads, placement.Integer("max_replicas_per_node"));
        placement.Finish();
        return model;
    }

    private static ResourcesModel? ReadResources(MapReader? resources, bool areReserved = false)
    {
        if (resources is null)
        {
            return null;
        }

        var model = new ResourcesModel(resources.Decimal("cpus"), resources.Bytes("memory"), resources.Number("pids", -1, long.MaxValue))
        {
            Devices = areReserved ? DeviceBinder.ReadReserved(resources) : [],
        };
        resources.Finish(("generic_resources", "there is nothing of the kind on one machine"));
        return model;
    }

    private static DeployRestartPolicy? ReadRestart(MapReader? policy)
    {
        if (policy is null)
        {
            return null;
        }

        var model = new DeployRestartPolicy(
            policy.OneOf("condition", "none", "on-failure", "any"),
            policy.Duration("delay"),
            policy.Integer("max_attempts"),
            policy.Duration("window"));
        policy.Finish();
        return model;
    }

    private static UpdateConfig? ReadUpdate(MapReader? update)
    {
        if (update is null)
        {
            return null;
        }

        var model = new UpdateConfig(
            update.Integer("parallelism"),
            update.Duration("delay"),
            update.OneOf("failure_action", "continue", "pause", "rollback"),
            update.Duration("monitor"),
            update.Decimal("max_failure_ratio"),
            update.OneOf("order", "stop-first", "start-first"));
        update.Finish();
        return model;
    }
}
