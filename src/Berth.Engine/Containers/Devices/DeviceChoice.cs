using System.Globalization;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers.Devices;

/// <summary>From what a container asks for to the full names of devices. Pure.</summary>
internal static class DeviceChoice
{
    private static readonly (string Driver, string Kind)[] s_processors = [("nvidia", "nvidia.com/gpu"), ("amd", "amd.com/gpu"), ("intel", "intel.com/gpu")];

    // What the tools of these vendors call the parts of a driver; a file of devices has them all.
    private static readonly HashSet<string> s_capabilities = new(StringComparer.Ordinal)
    {
        "gpu", "nvidia", "amd", "intel", "compute", "compat32", "graphics", "utility", "video", "display", "ngx",
    };

    /// <exception cref="BerthException">No request of this kind can be answered, whatever there is.</exception>
    internal static void Validate(DeviceRequest request)
    {
        var hasNames = request.DeviceIds is { Count: > 0 };
        if (request.Count != 0 && hasNames)
        {
            throw BerthException.Invalid("cannot set both Count and DeviceIDs on device request");
        }

        if (request.Count < -1)
        {
            throw BerthException.Invalid($"invalid count {request.Count} on device request: it is a number of devices, or -1 for all");
        }

        if (request.Driver == "cdi" && request.Count != 0)
        {
            throw BerthException.Invalid("unexpected count in CDI device request");
        }

        if (request.Driver == "cdi" && request.Options is { Count: > 0 })
        {
            throw BerthException.Invalid("unexpected options in CDI device request");
        }
    }

    /// <param name="warn">Told what has no effect.</param>
    internal static void WarnOfOptions(IReadOnlyList<DeviceRequest> requests, Action<string> warn)
    {
        foreach (var option in requests.SelectMany(request => request.Options?.Keys.ToList() ?? []))
        {
            warn($"The option {option} of a device request has no effect: devices are given as their vendor describes them.");
        }
    }

    /// <returns>Full names, each once, in the order of the requests.</returns>
    /// <exception cref="BerthException">There is no such driver or device; the message says what there is.</exception>
    internal static IReadOnlyList<string> Names(IReadOnlyList<DeviceRequest> requests, CdiDevices devices, IReadOnlyList<string> directories)
    {
        var names = new List<string>();
        foreach (var request in requests)
        {
            Validate(request);
            names.AddRange(request.Driver == "cdi" ? request.DeviceIds ?? [] : Chosen(request, devices, directories));
        }

        var missing = names.Where(name => devices.Find(name) is null).Distinct().ToList();
        return missing.Count == 0 ? [.. names.Distinct()] : throw new BerthException(ErrorKind.Failed,
            $"CDI device injection failed: unresolvable CDI devices {string.Join(", ", missing)}; {Known(devices, directories)}");
    }

    private static IEnumerable<string> Chosen(DeviceRequest request, CdiDevices devices, IReadOnlyList<string> directories)
    {
        if (request is { Count: 0, DeviceIds: not { Count: > 0 } })
        {
            return [];
        }

        var able = request.Capabilities is { Count: > 0 } sets && sets.Any(set => set.All(s_capabilities.Contains));
        var candidates = s_processors.Where(one => able && request.Driver is "" || one.Driver == request.Driver && (able || request.Capabilities is not { Count: > 0 })).Select(one => one.Kind).ToList();
        var kind = candidates.Find(one => devices.Names.Any(name => name.StartsWith(one + "=", StringComparison.Ordinal)))
            ?? throw new BerthException(ErrorKind.Failed, $"could not select device driver \"{request.Driver}\" with capabilities: [{string.Join(' ', (request.Capabilities ?? []).Select(set => $"[{string.Join(' ', set)}]"))}]"
                + (candidates.Count > 0 ? $"; {Known(devices, directories)}" : ""));
        if (request.DeviceIds is { Count: > 0 } ids)
        {
            return ids.Select(id => id.Contains('=', StringComparison.Ordinal) ? id : $"{kind}={id}");
        }

        // Vendors give each processor a number and a serial name, and call all together "all".
        var all = devices.Names.Where(name => name.StartsWith(kind + "=", StringComparison.Ordinal)).ToList();
        var single = all.Where(name => !name.EndsWith("=all", StringComparison.Ordinal)).ToList();
        var numbered = single.Select(name => (Name: name, Number: Number(name[(kind.Length + 1)..]))).Where(one => one.Number is not null).OrderBy(one => one.Number).Select(one => one.Name).ToList();
        var chosen = numbered.Count > 0 ? numbered : single;
        if (request.Count is -1)
        {
            return all.Count > single.Count ? [$"{kind}=all"] : chosen;
        }

        return request.Count <= chosen.Count ? chosen.Take(request.Count) : throw new BerthException(ErrorKind.Failed,
            $"{request.Count} devices {kind} are asked for, and there are {chosen.Count}: {string.Join(", ", chosen)}");
    }

    private static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string Known(CdiDevices devices, IReadOnlyList<string> directories) =>
        (devices.Names.Count == 0 ? $"no device is described in {string.Join(" or ", directories)}; the driver's tools do that, such as nvidia-ctk cdi generate"
            : $"described are {string.Join(", ", devices.Names.Take(20))}{(devices.Names.Count > 20 ? " …" : "")}")
        + (devices.Errors.Count == 0 ? "" : $". Not used: {string.Join("; ", devices.Errors.Take(5))}");
}
