using Berth.Linux.Processes;

namespace Berth.Cli;

/// <summary>What concerns the installed programs themselves.</summary>
internal static class Installation
{
    internal static Verb Uninstall() => new(
        "uninstall", "[OPTIONS]", "Takes an installed Berth away. Its containers must be stopped; images, volumes and state stay unless --purge is given.",
        "berth uninstall\nberth uninstall --purge", [Option.Flag("purge", "Remove images, volumes, state and settings too")], (_, line) =>
        {
            if (line.Arguments.Count > 0)
            {
                throw new UsageException($"unexpected argument '{line.Arguments[0]}'");
            }

            // It removes the files that this program consists of, so it takes this process over instead of running under it.
            var script = Path.GetFullPath("../uninstall", AppContext.BaseDirectory);
            if (!File.Exists(script))
            {
                throw new CliException(1, $"this berth was not installed: there is no '{script}'. From a checkout it is './berth uninstall'.");
            }

            Spawn.Replace(script, [script, .. line.Flag("purge") ? new[] { "--purge" } : []]);
            return Task.FromResult(1);
        });
}
