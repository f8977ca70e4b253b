using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Client;

namespace Berth.Cli.Projects;

/// <summary>Asks the daemon to do something with a project, and shows what it reports.</summary>
internal static class ProjectCommands
{
    /// <summary>Runs a verb and draws its progress. Returns the last line of the answer.</summary>
    /// <exception cref="CliException">It failed.</exception>
    internal static Task<JsonObject> RunAsync(CliContext context, string verb, Action<JsonObject> complete, CancellationToken cancellationToken = default) =>
        RunAsync(context, verb, complete, ProgressView.For(context), cancellationToken);

    /// <param name="view">Shows the progress.</param>
    internal static async Task<JsonObject> RunAsync(CliContext context, string verb, Action<JsonObject> complete, IProgressView view, CancellationToken cancellationToken = default)
    {
        var request = await context.Project.ToRequestAsync(context).ConfigureAwait(false);
        complete(request);
        await using var response = await context.Client.SendJsonAsync("POST", $"/berth/v1/projects/{verb}", request, cancellationToken).ConfigureAwait(false);
        await RequireAsync(response, cancellationToken).ConfigureAwait(false);
        await foreach (var line in DaemonClient.ReadLinesAsync(response, cancellationToken).ConfigureAwait(false))
        {
            if (line["exitCode"] is null)
            {
                view.Show(line);
                continue;
            }

            view.Finish(line);
            return line.Number("exitCode") == 0 ? line : throw new CliException((int)line.Number("exitCode"), line.Text("message"));
        }

        throw new CliException(1, "the daemon's answer broke off; see its log");
    }

    /// <summary>What the daemon knows of the project: its services and containers.</summary>
    internal static async Task<JsonObject> ReadAsync(CliContext context, string verb, Action<JsonObject> complete)
    {
        var request = await context.Project.ToRequestAsync(context).ConfigureAwait(false);
        complete(request);
        await using var response = await context.Client.SendJsonAsync("POST", $"/berth/v1/projects/{verb}", request).ConfigureAwait(false);
        await RequireAsync(response, CancellationToken.None).ConfigureAwait(false);
        return (JsonObject)(await response.ReadJsonAsync(CancellationToken.None).ConfigureAwait(false))!;
    }

    internal static Task<JsonObject> ListAsync(CliContext context, IReadOnlyList<string> services, bool oneOffs = false) => ReadAsync(context, "ps", request =>
    {
        request["services"] = Json.Array(services);
        request["oneOffs"] = oneOffs;
    });

    // Mistakes in the files come one a line, each with its place: nothing is put before them.
    private static async Task RequireAsync(DaemonResponse response, CancellationToken cancellationToken)
    {
        if (response.Status != 400)
        {
            await response.EnsureSuccessAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        var error = await response.ReadJsonAsync(cancellationToken).ConfigureAwait(false);
        throw error?["errors"] is null ? new CliException(1, error.Text("message")) : new ComposeMistakesException(error.Text("message"));
    }
}

/// <summary>A project's files have mistakes: a line for each, with its place.</summary>
internal sealed class ComposeMistakesException(string lines) : Exception(lines);
