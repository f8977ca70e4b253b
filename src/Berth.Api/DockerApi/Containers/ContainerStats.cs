using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Linux.Cgroups;
using Microsoft.AspNetCore.Http;

namespace Berth.Api.DockerApi.Containers;

/// <summary>What a container uses. Docker Engine API, "Get container stats based on resource usage".</summary>
internal static class ContainerStats
{
    private const long NanosecondsPerTick = 10_000_000; // USER_HZ
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstInterval = TimeSpan.FromMilliseconds(500); // long enough for a share of the processors that means something
    private static readonly string[] NetworkFields = ["rx_bytes", "rx_packets", "rx_errors", "rx_dropped", "tx_bytes", "tx_packets", "tx_errors", "tx_dropped"];
    private static readonly int[] NetworkColumns = [0, 1, 2, 3, 8, 9, 10, 11]; // of /proc/net/dev, proc_pid_net(5)

    internal static async Task WriteAsync(HttpContext context, EngineHost engine, Container container)
    {
        var (isStream, isOneShot) = (context.Flag("stream", fallback: true), context.Flag("one-shot"));
        if (isStream && isOneShot)
        {
            throw BerthException.Invalid("cannot have stream=true and one-shot=true");
        }

        context.Response.ContentType = "application/json";
        var before = isOneShot ? null : Sample.Take(engine, container);
        await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        if (before is not null)
        {
            await Task.Delay(FirstInterval, engine.Time, context.RequestAborted).ConfigureAwait(false);
        }

        while (true)
        {
            var now = Sample.Take(engine, container);
            await context.Response.WriteAsync(View(engine, container, now, before).ToJsonString() + "\n", context.RequestAborted).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
            if (!isStream)
            {
                return;
            }

            before = now;
            await Task.Delay(Interval, engine.Time, context.RequestAborted).ConfigureAwait(false);
            if (engine.Containers.All.All(other => other.Id != container.Id))
            {
                return; // removed
            }
        }
    }

    private static JsonObject View(EngineHost engine, Container container, Sample? now, Sample? before)
    {
        var view = new JsonObject
        {
            ["name"] = "/" + container.Name,
            ["id"] = container.Id,
            ["os_type"] = "linux",
            ["read"] = Http.Time(now?.Time),
            ["preread"] = Http.Time(before?.Time),
            ["pids_stats"] = now is null ? new JsonObject() : Processes(now.Usage),
            ["blkio_stats"] = BlockDevices(now?.Usage),
            ["num_procs"] = 0,
            ["storage_stats"] = new JsonObject(),
            ["cpu_stats"] = Cpu(now),
            ["precpu_stats"] = Cpu(before),
            ["memory_stats"] = now is null ? new JsonObject() : Memory(now.Usage),
        };
        if (now?.Networks is { Count: > 0 } networks)
        {
            view["networks"] = networks;
        }

        return view;
    }

    private static JsonObject Processes(CgroupUsage usage)
    {
        var view = new JsonObject { ["current"] = usage.Processes };
        view["limit"] = usage.ProcessLimit > 0 ? usage.ProcessLimit : ulong.MaxValue;
        return view;
    }

    private static JsonObject BlockDevices(CgroupUsage? usage) => new()
    {
        ["io_service_bytes_recursive"] = usage is null ? null : new JsonArray([.. usage.BlockBytes.Select(one => new JsonObject
        {
            ["major"] = one.Major, ["minor"] = one.Minor, ["op"] = one.Operation, ["value"] = one.Bytes,
        })]),
        ["io_serviced_recursive"] = null,
        ["io_queue_recursive"] = null,
        ["io_service_time_recursive"] = null,
        ["io_wait_time_recursive"] = null,
        ["io_merged_recursive"] = null,
        ["io_time_recursive"] = null,
        ["sectors_recursive"] = null,
    };

    private static JsonObject Cpu(Sample? sample)
    {
        var usage = new JsonObject { ["total_usage"] = sample?.Usage.CpuTotal ?? 0 };
        if (sample?.Usage.CpuEach is { Count: > 0 } each)
        {
            usage["percpu_usage"] = new JsonArray([.. each.Select(one => (JsonNode)one)]);
        }

        usage["usage_in_kernelmode"] = sample?.Usage.CpuSystem ?? 0;
        usage["usage_in_usermode"] = sample?.Usage.CpuUser ?? 0;
        var view = new JsonObject { ["cpu_usage"] = usage };
        if (sample is not null)
        {
            view["system_cpu_usage"] = sample.SystemCpu;
            view["online_cpus"] = Environment.ProcessorCount;
        }

        view["throttling_data"] = new JsonObject
        {
            ["periods"] = sample?.Usage.Periods ?? 0, ["throttled_periods"] = sample?.Usage.ThrottledPeriods ?? 0, ["throttled_time"] = sample?.Usage.ThrottledTime ?? 0,
        };
        return view;
    }

    private static JsonObject Memory(CgroupUsage usage)
    {
        var details = new JsonObject();
        foreach (var (name, value) in usage.MemoryDetails)
        {
            details[name] = value;
        }

        var view = new JsonObject { ["usage"] = usage.Memory };
        if (usage.MemoryPeak > 0)
        {
            view["max_usage"] = usage.MemoryPeak;
        }

        view["stats"] = details;
        if (usage.MemoryFailures > 0)
        {
            view["failcnt"] = usage.MemoryFailures;
        }

        view["limit"] = usage.MemoryLimit > 0 ? usage.MemoryLimit : Http.TotalMemory();
        return view;
    }

    /// <summary>What was used until a moment.</summary>
    private sealed record Sample(DateTimeOffset Time, CgroupUsage Usage, long SystemCpu, JsonObject? Networks)
    {
        /// <returns>Null while the container does not run.</returns>
        internal static Sample? Take(EngineHost engine, Container container)
        {
            var record = container.Record;
            return record.IsRunning && CgroupUsage.Read(engine.Cgroups, engine.Options.CgroupOf(record)) is { } usage
                ? new(engine.Time.GetUtcNow(), usage, SystemTime(), record.Endpoints.Any(endpoint => endpoint.IsWired) ? Interfaces(record.Pid) : null)
                : null;
        }

        // The first line: all processors' time by what they did; the last two fields are in the first two already. proc_stat(5)
        private static long SystemTime() => File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8)
            .Sum(field => long.Parse(field, CultureInfo.InvariantCulture)) * NanosecondsPerTick;

        private static JsonObject? Interfaces(int pid)
        {
            try
            {
                var view = new JsonObject();
                foreach (var line in File.ReadAllLines($"/proc/{pid}/net/dev", Encoding.ASCII).Skip(2))
                {
                    var colon = line.IndexOf(':', StringComparison.Ordinal);
                    var (name, numbers) = (line[..colon].Trim(), line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries));
                    if (name == "lo")
                    {
                        continue;
                    }

                    var one = new JsonObject();
                    for (var i = 0; i < NetworkFields.Length; i++)
                    {
                        one[NetworkFields[i]] = long.Parse(numbers[NetworkColumns[i]], CultureInfo.InvariantCulture);
                    }

                    view[name] = one;
                }

                return view;
            }
            catch (IOException)
            {
                return null; // the process has just ended
            }
        }
    }
}
