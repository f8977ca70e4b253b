using Berth.Compose.Model;

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

        _ = deploy.OneOf("mode", "replicated");
        var resources = deploy.Map("resources");
        var limits = ReadResources(resources?.Map("limits"));
        var reservations = ReadResources(resources?.Map("reservations"));
        resources?.Finish();
        var model = new DeployModel(
            deploy.Integer("replicas", 0, 10_000),
            deploy.OneOf("endpoint_mode", "vip", "dnsrr"),
            limits,
            reservations,
            ReadRestart(deploy.Map("restart_policy")),
            ReadUpdate(deploy.Map("update_config")),
            ReadUpdate(deploy.Map("rollback_config")),
            deploy.TextMap("labels"));
        deploy.Finish("placement");
        return model;
    }

    private static ResourcesModel? ReadResources(MapReader? resources)
    {
        if (resources is null)
        {
            return null;
        }

        var model = new ResourcesModel(resources.Decimal("cpus"), resources.Bytes("memory"), resources.Number("pids", -1, long.MaxValue));
        resources.Finish("devices", "generic_resources");
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
