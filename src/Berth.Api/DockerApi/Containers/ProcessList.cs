using System.Globalization;
using System.Text.Json.Nodes;
using Berth.Engine;
using Berth.Engine.Containers;
using Berth.Engine.Errors;
using Berth.Linux;
using Berth.Linux.Cgroups;

namespace Berth.Api.DockerApi.Containers;

/// <summary>The processes of a container, as <c>docker top</c> lists them. Docker Engine API, "List processes running inside a container".</summary>
internal static class ProcessList
{
    internal static JsonObject Describe(ContainerRecord record, CgroupLayout cgroups, EngineOptions options)
    {
        if (!record.IsRunning)
        {
            throw BerthException.Conflict($"container {record.Id} is not running");
        }

        var pids = cgroups.Processes(options.CgroupOf(record));
        var rows = new JsonArray();
        foreach (var pid in pids)
        {
            if (Row(pid) is { } row)
            {
                rows.Add((JsonNode)Http.Strings(row));
            }
        }

        return new() { ["Titles"] = Http.Strings(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]), ["Processes"] = rows };
    }

    /// <summary>As ps(1) of the host lists them with these arguments; the others' lines are left out.</summary>
    internal static async Task<JsonObject> DescribeAsync(ContainerRecord record, EngineHost engine, string arguments)
    {
        if (!record.IsRunning)
        {
            throw BerthException.Conflict($"container {record.Id} is not running");
        }

        var listed = await engine.Containers.ListProcessesAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ConfigureAwait(false);
        var titles = listed[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var column = Array.IndexOf(titles, "PID");
        if (column < 0)
        {
            throw new BerthException(ErrorKind.Failed, "Couldn't find PID field in ps output");
        }

        var pids = engine.Cgroups.Processes(engine.Options.CgroupOf(record)).ToHashSet();
        var rows = new JsonArray();
        foreach (var line in listed.Skip(1))
        {
            var fields = line.Split((char[]?)null, titles.Length, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > column && int.TryParse(fields[column], CultureInfo.InvariantCulture, out var pid) && pids.Contains(pid))
            {
                rows.Add((JsonNode)Http.Strings(fields.Select(field => field.TrimEnd())));
            }
        }

        return new() { ["Titles"] = Http.Strings(titles), ["Processes"] = rows };
    }

    private static string[]? Row(int pid)
    {
        try
        {
            var status = File.ReadLines($"/proc/{pid}/status").Select(line => line.Split(':', 2)).Where(parts => parts.Length == 2).ToDictionary(parts => parts[0], parts => parts[1].Trim());
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            var seconds = (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100;
            var command = File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' ').Trim();
            var user = status["Uid"].Split('\t')[0];
            var started = File.GetLastWriteTime($"/proc/{pid}");
            return
            [
                Accounts.UserName(uint.Parse(user, CultureInfo.InvariantCulture)) ?? user, $"{pid}", status["PPid"], "0", started.ToString("HH:mm", CultureInfo.InvariantCulture), "?",
                TimeSpan.FromSeconds(seconds).ToString("c", CultureInfo.InvariantCulture), command.Length > 0 ? command : $"[{status["Name"]}]",
            ];
        }
        catch (IOException)
        {
            return null; // it has exited meanwhile
        }
    }
}
