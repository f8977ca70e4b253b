using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Containers.Devices;
using Berth.Engine.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Berth.Api.DockerApi.Server;

/// <summary>Docker Engine API, "System".</summary>
internal static class SystemEndpoints
{
    internal static void Map(IEndpointRouteBuilder routes, EngineHost engine, DaemonFacts facts)
    {
        routes.MapMethods("/_ping", ["GET", "HEAD"], PingAsync);
        routes.MapGet("/version", context => context.WriteAsync(Version(engine, facts)));
        routes.MapGet("/info", context => context.WriteAsync(Info(engine, facts)));
        routes.MapGet("/events", context => EventsAsync(context, engine));
        routes.MapGet("/system/df", context => SystemUsage.WriteAsync(context, engine));
        routes.MapPost("/berth/v1/stop", context =>
        {
            context.Response.OnCompleted(() =>
            {
                facts.RequestStop();
                return Task.CompletedTask;
            });
            return context.NoContent();
        });
    }

    private static async Task PingAsync(HttpContext context)
    {
        context.Response.Headers["Builder-Version"] = "1"; // the classic builder: the client sends the context as an archive
        context.Response.Headers["Docker-Experimental"] = "false";
        context.Response.Headers["Swarm"] = "inactive";
        context.Response.Headers.CacheControl = "no-cache, no-store, must-revalidate";
        context.Response.Headers.Pragma = "no-cache";
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.ContentLength = 2;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.WriteAsync("OK", context.RequestAborted).ConfigureAwait(false);
        }
    }

    private static JsonObject Version(EngineHost engine, DaemonFacts facts) => new()
    {
        ["Platform"] = new JsonObject { ["Name"] = "Berth" },
        ["Components"] = new JsonArray(
            new JsonObject
            {
                ["Name"] = "Engine",
                ["Version"] = facts.Version,
                ["Details"] = new JsonObject
                {
                    ["ApiVersion"] = ApiHost.Version, ["MinAPIVersion"] = ApiHost.OldestVersion, ["Os"] = "linux", ["Arch"] = Architecture(),
                    ["KernelVersion"] = KernelVersion(), ["Experimental"] = "false", ["GitCommit"] = "", ["GoVersion"] = "", ["BuildTime"] = "",
                },
            },
            new JsonObject { ["Name"] = engine.Runtime.Name, ["Version"] = engine.Runtime.Path, ["Details"] = new JsonObject { ["Reason"] = engine.Runtime.Reason } }),
        ["Version"] = facts.Version,
        ["ApiVersion"] = ApiHost.Version,
        ["MinAPIVersion"] = ApiHost.OldestVersion,
        ["GitCommit"] = "",
        ["GoVersion"] = "",
        ["Os"] = "linux",
        ["Arch"] = Architecture(),
        ["KernelVersion"] = KernelVersion(),
        ["BuildTime"] = "",
    };

    private static JsonObject Info(EngineHost engine, DaemonFacts facts)
    {
        var containers = engine.Containers.All;
        var mirrors = Http.Strings(facts.RegistryMirrors);
        var devices = CdiRegistry.Read(engine.Options.CdiDirectories);
        return new()
        {
            ["ID"] = engine.Options.DataRoot,
            ["Containers"] = containers.Count,
            ["ContainersRunning"] = containers.Count(container => container.Record.Status == ContainerStatus.Running),
            ["ContainersPaused"] = containers.Count(container => container.Record.Status == ContainerStatus.Paused),
            ["ContainersStopped"] = containers.Count(container => !container.Record.IsRunning),
            ["Images"] = engine.Images.All.Count,
            ["Driver"] = "overlay2",
            ["DriverStatus"] = new JsonArray(new JsonArray("Backing Filesystem", BackingFileSystem(engine.Options.DataRoot))),
            ["Plugins"] = new JsonObject
            {
                ["Volume"] = new JsonArray("local"), ["Network"] = new JsonArray("bridge", "host", "null"), ["Authorization"] = null, ["Log"] = new JsonArray("json-file", "local", "none"),
            },
            ["MemoryLimit"] = true,
            ["SwapLimit"] = true,
            ["CpuCfsPeriod"] = true,
            ["CpuCfsQuota"] = true,
            ["CPUShares"] = true,
            ["CPUSet"] = true,
            ["PidsLimit"] = true,
            ["IPv4Forwarding"] = File.ReadAllText("/proc/sys/net/ipv4/ip_forward").Trim() == "1",
            ["OomKillDisable"] = engine.Cgroups.Mode != Berth.Linux.Cgroups.CgroupMode.Unified,
            ["Debug"] = false,
            ["NFd"] = Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(),
            ["NGoroutines"] = ThreadPool.ThreadCount,
            ["SystemTime"] = Http.Time(engine.Time.GetUtcNow()),
            ["LoggingDriver"] = "json-file",
            ["CgroupDriver"] = "cgroupfs",
            ["CgroupVersion"] = engine.Cgroups.Mode == Berth.Linux.Cgroups.CgroupMode.Unified ? "2" : "1",
            ["NEventsListener"] = 0,
            ["KernelVersion"] = KernelVersion(),
            ["OperatingSystem"] = OperatingSystem(),
            ["OSVersion"] = "",
            ["OSType"] = "linux",
            ["Architecture"] = RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "aarch64" : "x86_64",
            ["IndexServerAddress"] = "https://index.docker.io/v1/",
            ["RegistryConfig"] = new JsonObject
            {
                ["InsecureRegistryCIDRs"] = new JsonArray("127.0.0.0/8", "::1/128"),
                ["IndexConfigs"] = new JsonObject
                {
                    ["docker.io"] = new JsonObject { ["Name"] = "docker.io", ["Mirrors"] = mirrors, ["Secure"] = true, ["Official"] = true },
                },
                ["Mirrors"] = mirrors.DeepClone(),
            },
            ["NCPU"] = Environment.ProcessorCount,
            ["MemTotal"] = Http.TotalMemory(),
            ["GenericResources"] = null,
            ["DockerRootDir"] = engine.Options.DataRoot,
            ["HttpProxy"] = "",
            ["HttpsProxy"] = "",
            ["NoProxy"] = "",
            ["Name"] = Environment.MachineName,
            ["Labels"] = Http.Strings(engine.Options.Labels.Select(label => $"{label.Key}={label.Value}")),
            ["ExperimentalBuild"] = false,
            ["ServerVersion"] = facts.Version,
            ["Runtimes"] = new JsonObject { [engine.Runtime.Name] = new JsonObject { ["path"] = engine.Runtime.Path } },
            ["DefaultRuntime"] = engine.Runtime.Name,
            ["Swarm"] = new JsonObject { ["NodeID"] = "", ["LocalNodeState"] = "inactive", ["ControlAvailable"] = false, ["Error"] = "", ["RemoteManagers"] = null },
            ["LiveRestoreEnabled"] = true,
            ["Isolation"] = "",
            ["InitBinary"] = "tini",
            ["ContainerdCommit"] = new JsonObject { ["ID"] = "" },
            ["RuncCommit"] = new JsonObject { ["ID"] = "" },
            ["InitCommit"] = new JsonObject { ["ID"] = "" },
            ["SecurityOptions"] = Security(engine.Options),
            ["CDISpecDirs"] = Http.Strings(engine.Options.CdiDirectories),
            ["DiscoveredDevices"] = devices.Names.Count > 0 ? new JsonArray([.. devices.Names.Select(name => new JsonObject { ["Source"] = "cdi", ["ID"] = name })]) : null,
            ["Warnings"] = devices.Errors.Count > 0 ? Http.Strings(devices.Errors.Select(error => "CDI: " + error)) : null,
        };
    }

    private static async Task EventsAsync(HttpContext context, EngineHost engine)
    {
        var filters = Filters.Read(context, "container", "event", "image", "label", "network", "type", "volume", "daemon", "scope");
        var since = TimeParameter.Moment(context.Query("since"));
        var until = TimeParameter.Moment(context.Query("until"));
        if (since > until)
        {
            throw BerthException.Invalid($"`since` time ({context.Query("since")}) cannot be after `until` time ({context.Query("until")})");
        }

        using var subscription = engine.Events.Subscribe(since);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        if (until is { } end)
        {
            var rest = end - engine.Time.GetUtcNow();
            ending.CancelAfter(TimeSpan.FromTicks(Math.Clamp(rest.Ticks, TimeSpan.TicksPerMillisecond, TimeSpan.FromDays(40).Ticks))); // a timer reaches no further
        }

        context.Response.ContentType = "application/json";
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        try
        {
            do
            {
                await SendWaitingAsync().ConfigureAwait(false); // before any look at the time: "until" may be past, and all before it is wanted
            }
            while (await subscription.Reader.WaitToReadAsync(ending.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            await SendWaitingAsync().ConfigureAwait(false); // "until" has come
        }

        async Task SendWaitingAsync()
        {
            while (subscription.Reader.TryRead(out var engineEvent))
            {
                if (Fits(engineEvent, filters) && (until is null || engineEvent.Time <= until))
                {
                    await context.Response.WriteAsync(Describe(engineEvent).ToJsonString() + "\n", context.RequestAborted).ConfigureAwait(false);
                    await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
                }
            }
        }
    }

    private static bool Fits(Berth.Engine.Events.EngineEvent engineEvent, Filters filters)
    {
        var name = engineEvent.Attributes.GetValueOrDefault("name", "");
        bool Actor(string type) => filters.Any(type, value => engineEvent.ActorId.StartsWith(value, StringComparison.Ordinal) || name.StartsWith(value, StringComparison.Ordinal));
        var image = engineEvent.Type == "image" ? name : engineEvent.Attributes.GetValueOrDefault("image", "");
        return filters.Any("type", value => value == engineEvent.Type)
            && filters.Any("event", value => engineEvent.Action == value || engineEvent.Action.StartsWith(value + ":", StringComparison.Ordinal))
            && filters.Any("image", value => engineEvent.ActorId == value || image == value || WithoutTag(image) == value)
            && Actor("container") && Actor("network") && Actor("volume") && Actor("daemon") && filters.Any("scope", value => value == "local") && filters.Labels(engineEvent.Attributes);
    }

    private static string WithoutTag(string image)
    {
        var colon = image.LastIndexOf(':');
        return colon > image.LastIndexOf('/') ? image[..colon] : image;
    }

    private static JsonObject Describe(Berth.Engine.Events.EngineEvent engineEvent)
    {
        var seconds = engineEvent.Time.ToUnixTimeSeconds();
        var result = new JsonObject
        {
            ["Type"] = engineEvent.Type,
            ["Action"] = engineEvent.Action,
            ["Actor"] = new JsonObject { ["ID"] = engineEvent.ActorId, ["Attributes"] = Http.Map(engineEvent.Attributes) },
            ["scope"] = "local",
            ["time"] = seconds,
            ["timeNano"] = (engineEvent.Time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * 100,
        };
        if (engineEvent.Type == "container")
        {
            result["status"] = engineEvent.Action;
            result["id"] = engineEvent.ActorId;
            result["from"] = engineEvent.Attributes.GetValueOrDefault("image", "");
        }

        return result;
    }

    private static string Architecture() => RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        var other => other.ToString().ToLowerInvariant(),
    };

    private static string KernelVersion() => File.ReadAllText("/proc/sys/kernel/osrelease").Trim();

    private static string OperatingSystem() => File.Exists("/etc/os-release")
        ? File.ReadLines("/etc/os-release").FirstOrDefault(line => line.StartsWith("PRETTY_NAME=", StringComparison.Ordinal))?["PRETTY_NAME=".Length..].Trim('"') ?? "Linux"
        : "Linux";

    private static string BackingFileSystem(string path) => new DriveInfo(path).DriveFormat;

    private static JsonArray Security(EngineOptions options)
    {
        var names = new JsonArray();
        if (options.AppArmorProfile is not null)
        {
            names.Add((JsonNode)"name=apparmor");
        }

        names.Add((JsonNode)"name=seccomp,profile=builtin");
        if (options.Users is not null)
        {
            names.Add((JsonNode)"name=userns");
        }

        if (options.NoNewPrivileges)
        {
            names.Add((JsonNode)"name=no-new-privileges");
        }

        return names;
    }
}
