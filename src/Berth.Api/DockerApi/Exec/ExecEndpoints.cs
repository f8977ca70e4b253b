using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Api.Hijack;
using Berth.Engine;
using Berth.Engine.Containers.Exec;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Exec;

/// <summary>Docker Engine API, "Exec".</summary>
internal static class ExecEndpoints
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine)
    {
        var execs = engine.Containers.Execs;
        routes.MapPost("/containers/{id}/exec", async context =>
        {
            var config = await context.ReadAsync(ApiJson.Default.ExecConfig).ConfigureAwait(false);
            var session = execs.Create(config.Cmd is { Count: > 0 } ? engine.Containers.Resolve(context.Route("id")) : throw BerthException.Invalid("No exec command specified"), config);
            await context.WriteAsync(new JsonObject { ["Id"] = session.Id }, 201).ConfigureAwait(false);
        });
        routes.MapPost("/exec/{id}/start", context => StartAsync(context, execs));
        routes.MapPost("/exec/{id}/resize", async context =>
        {
            var (rows, columns) = context.TerminalSize();
            await execs.ResizeAsync(execs.Resolve(context.Route("id")), rows, columns).ConfigureAwait(false);
        });
        routes.MapGet("/exec/{id}/json", context => context.WriteAsync(Inspect(execs.Resolve(context.Route("id")))));
    }

    private static async Task StartAsync(HttpContext context, ExecService execs)
    {
        var session = execs.Resolve(context.Route("id"));
        var request = await context.ReadAsync(ApiJson.Default.ExecStartRequest).ConfigureAwait(false);
        session.ConsoleSize = request.ConsoleSize;
        if (request.Detach)
        {
            await execs.StartAsync(session, null, CancellationToken.None).ConfigureAwait(false);
            return;
        }

        // Before it runs: docker-py loses output that comes together with the answer's head.
        ExecService.RequireStartable(session);
        var stream = await HijackedStream.TakeAsync(context, session.Config.Tty).ConfigureAwait(false);
        try
        {
            await execs.StartAsync(session, () => Task.FromResult<Stream>(stream), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when ((exception as BerthException ?? context.ShortageIn(exception)) is not null)
        {
            // As in Docker: the words go to the client's output, the exit code is what it asks for next.
            await stream.WriteAsync(Frame((context.ShortageIn(exception) ?? exception).Message + "\r\n", session.Config.Tty), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            await stream.CloseConnectionAsync().ConfigureAwait(false);
        }
    }

    private static byte[] Frame(string text, bool raw)
    {
        var data = Encoding.UTF8.GetBytes(text);
        byte[] head = raw ? [] : [1, 0, 0, 0, 0, 0, 0, 0];
        if (!raw)
        {
            BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(4), data.Length);
        }

        return [.. head, .. data];
    }

    private static JsonObject Inspect(ExecSession session) => new()
    {
        ["ID"] = session.Id,
        ["Running"] = session is { Started: true, ExitCode: null },
        ["ExitCode"] = session.ExitCode,
        ["ProcessConfig"] = new JsonObject
        {
            ["tty"] = session.Config.Tty,
            ["entrypoint"] = session.Config.Cmd?[0],
            ["arguments"] = Http.Strings(session.Config.Cmd?.Skip(1)),
            ["privileged"] = session.Config.Privileged,
            ["user"] = session.Config.User,
        },
        ["OpenStdin"] = session.Config.AttachStdin,
        ["OpenStderr"] = session.Config.AttachStderr,
        ["OpenStdout"] = session.Config.AttachStdout,
        ["CanRemove"] = session.ExitCode is not null,
        ["ContainerID"] = session.Container.Id,
        ["DetachKeys"] = "",
        ["Pid"] = session.Pid,
    };
}
