using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli;

/// <summary>
/// The command line as a plugin of Docker's: a link named <c>docker-compose</c> in a folder such as <c>~/.docker/cli-plugins</c>, so that <c>docker compose</c> is Berth's. Docker asks what it is,
/// and then calls it with all of its own command line, the word <c>compose</c> among it.
/// </summary>
/// <remarks>Docker CLI, "cli-plugins": the metadata subcommand and its fields.</remarks>
internal static class DockerPlugin
{
    private const string Metadata = "docker-cli-plugin-metadata";
    private const string Word = "compose";

    /// <summary>What Docker is told; null when it does not ask.</summary>
    internal static string? Describe(IReadOnlyList<string> arguments) => arguments is [Metadata, ..]
        ? new JsonObject { ["SchemaVersion"] = "0.1.0", ["Vendor"] = "Berth", ["Version"] = CliProgram.Version, ["ShortDescription"] = "Berth Compose" }.ToJsonString(Listing.Line)
        : null;

    /// <summary>The command line without Docker's own word for the plugin; null when it was not called as one.</summary>
    /// <param name="options">What may stand before that.</param>
    internal static IReadOnlyList<string>? WithoutWord(IReadOnlyList<string> arguments, IReadOnlyList<Option> options)
    {
        var rest = CommandLine.Parse(arguments, options, stopsAtArgument: true).Arguments;
        var place = arguments.Count - rest.Count;
        return rest is [Word, ..] ? [.. arguments.Take(place), .. arguments.Skip(place + 1)] : null;
    }
}
