using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads <c>healthcheck</c>.</summary>
internal static class HealthcheckBinder
{
    public static HealthcheckModel? Read(MapReader service)
    {
        if (service.Map("healthcheck") is not { } check)
        {
            return null;
        }

        var test = ReadTest(check);
        var disabled = check.Bool("disable") ?? false;
        var model = new HealthcheckModel(
            test is ["NONE"] ? null : test,
            check.Duration("interval"),
            check.Duration("timeout"),
            check.Integer("retries"),
            check.Duration("start_period"),
            check.Duration("start_interval"),
            disabled || test is ["NONE"])
        {
            IsNone = test is ["NONE"],
        };
        check.Finish();
        return model;
    }

    private static IReadOnlyList<string>? ReadTest(MapReader check)
    {
        if (check.Node("test") is ScalarNode shell)
        {
            return ["CMD-SHELL", shell.Text];
        }

        var test = check.Texts("test");
        if (test.Count == 0)
        {
            return null;
        }

        if (test[0] is not ("CMD" or "CMD-SHELL" or "NONE") || (test[0] == "NONE") != (test.Count == 1) || (test[0] == "CMD-SHELL" && test.Count != 2))
        {
            check.Error("test", "the list must begin with CMD, CMD-SHELL (and one command) or be [\"NONE\"]");
        }

        return test;
    }
}
