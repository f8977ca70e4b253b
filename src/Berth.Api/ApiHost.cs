using System.Globalization;
using System.Text.Json.Nodes;
using Berth.Api.BerthApi;
using Berth.Api.DockerApi.Build;
using Berth.Api.DockerApi.Containers;
using Berth.Api.DockerApi.Exec;
using Berth.Api.DockerApi.Images;
using Berth.Api.DockerApi.Networks;
using Berth.Api.DockerApi.Server;
using Berth.Api.DockerApi.Volumes;
using Berth.Api.Hijack;
using Berth.Engine;
using Berth.Engine.Errors;
using Berth.Releases.Projects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;
using Microsoft.Extensions.Logging;

namespace Berth.Api;

/// <summary>Both APIs on one web application: Docker's at its usual paths, Berth's under <c>/berth/v1/</c>.</summary>
public static partial class ApiHost
{
    /// <summary>The newest Docker Engine API version that is spoken, and the oldest.</summary>
    internal const string Version = "1.52";

    internal const string OldestVersion = "1.24";

    internal const int NewestMinor = 52;
    private const int OldestMinor = 24;

    /// <summary>Sets up a listener so that its connections can be taken over by attach and exec.</summary>
    public static void Configure(ListenOptions listener)
    {
        listener.Protocols = HttpProtocols.Http1;
        listener.Use(next => connection => HijackableConnection.InvokeAsync(connection, next));
    }

    /// <summary>Puts the endpoints on the application.</summary>
    public static void Map(WebApplication app, EngineHost engine, ProjectService projects, DaemonFacts facts)
    {
        var logger = app.Logger;
        app.Use((context, next) =>
        {
            context.SetDataRoot(engine.Options.DataRoot);
            return AnswerErrorsAsync(context, next, logger);
        });
        app.Use(BrowserGuard.RefuseBrowsersAsync);
        app.Use(DescriptorGuard.InvokeAsync);
        app.Use(StripVersionAsync);
        app.UseRouting();
        SystemEndpoints.Map(app, engine, facts);
        AbsentEndpoints.Map(app);
        ContainerEndpoints.Map(app, engine);
        ContainerFileEndpoints.Map(app, engine);
        ContainerStreams.Map(app, engine);
        ExecEndpoints.Map(app, engine);
        NetworkEndpoints.Map(app, engine);
        VolumeEndpoints.Map(app, engine);
        ImageEndpoints.Map(app, engine);
        BuildEndpoints.Map(app, engine);
        ProjectEndpoints.Map(app, engine, projects);
        LocalBuildEndpoint.Map(app, engine);
        app.MapFallback(context => throw BerthException.NotFound($"page not found: {context.Request.Method} {context.Request.Path}"));
    }

    /// <summary>The one place where kinds of errors become HTTP.</summary>
    internal static int StatusOf(Exception exception) => exception switch
    {
        BerthException { Kind: ErrorKind.Invalid } => 400,
        BerthException { Kind: ErrorKind.Unauthorized } => 401,
        BerthException { Kind: ErrorKind.Forbidden } => 403,
        BerthException { Kind: ErrorKind.NotFound } => 404,
        BerthException { Kind: ErrorKind.Conflict } => 409,
        BerthException { Kind: ErrorKind.NotModified } => 304,
        BerthException { Kind: ErrorKind.NotSupported } => 501,
        BerthException { Kind: ErrorKind.Unavailable or ErrorKind.Exhausted } => 503,
        BadHttpRequestException bad => bad.StatusCode,
        _ => 500,
    };

    private static async Task AnswerErrorsAsync(HttpContext context, RequestDelegate next, ILogger logger)
    {
        context.Response.Headers["Api-Version"] = Version;
        context.Response.Headers["Ostype"] = "linux";
        context.Response.Headers["Server"] = "Berth";
        try
        {
            await next(context).ConfigureAwait(false);
            if (context.Response is { StatusCode: 405, HasStarted: false })
            {
                throw BerthException.NotFound($"page not found: {context.Request.Method} {context.Request.Path}");
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            LogClientLeft(logger, context.Request.Method, context.Request.Path);
        }
        catch (Exception thrown)
        {
            var exception = context.ShortageIn(thrown) ?? thrown;
            if (exception is not (BerthException or BadHttpRequestException))
            {
                LogUnforeseen(logger, exception, context.Request.Method, context.Request.Path);
            }

            if (context.Response.HasStarted)
            {
                LogBrokenOff(logger, context.Request.Method, context.Request.Path, exception.Message);
                context.Abort(); // too late for a status: the client must see that the answer is not whole
                return;
            }

            var status = StatusOf(exception);
            context.Response.Clear();
            context.Response.Headers["Api-Version"] = Version;
            context.Response.StatusCode = status;
            if (status != 304)
            {
                await context.WriteAsync(new JsonObject { ["message"] = exception.Message }, status).ConfigureAwait(false);
            }
        }
    }

    // /v1.43/containers/json is /containers/json; a version that is not spoken is refused with Docker's words.
    private static Task StripVersionAsync(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path.Value ?? "/";
        if (path.Length > 3 && path[1] == 'v' && char.IsAsciiDigit(path[2]))
        {
            var end = path.IndexOf('/', 1);
            var version = end < 0 ? path[2..] : path[2..end];
            var parts = version.Split('.');
            if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major) || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var minor))
            {
                return next(context); // not a version: a page that is not there
            }

            if (major < 1 || (major == 1 && minor < OldestMinor))
            {
                throw BerthException.Invalid($"client version {version} is too old. Minimum supported API version is {OldestVersion}, please upgrade your client to a newer version");
            }

            if (major > 1 || minor > NewestMinor)
            {
                throw BerthException.Invalid($"client version {version} is too new. Maximum supported API version is {Version}");
            }

            context.Request.Path = end < 0 ? "/" : path[end..];
            context.Items[Http.VersionKey] = minor;
        }

        return next(context);
    }

    [LoggerMessage(5001, LogLevel.Debug, "{Method} {Path}: the client has left")]
    private static partial void LogClientLeft(ILogger logger, string method, PathString path);

    [LoggerMessage(5003, LogLevel.Warning, "{Method} {Path} was broken off after its answer had begun: {Reason}")]
    private static partial void LogBrokenOff(ILogger logger, string method, PathString path, string reason);

    [LoggerMessage(5002, LogLevel.Error, "{Method} {Path} failed unexpectedly")]
    private static partial void LogUnforeseen(ILogger logger, Exception exception, string method, PathString path);
}

/// <summary>What the daemon tells of itself.</summary>
public sealed record DaemonFacts
{
    public required string Version { get; init; }

    public required DateTimeOffset Started { get; init; }

    public IReadOnlyList<string> RegistryMirrors { get; init; } = [];

    public IReadOnlyList<string> InsecureRegistries { get; init; } = [];

    /// <summary>Ends the daemon in order, once the answer is on its way.</summary>
    public required Action RequestStop { get; init; }
}
