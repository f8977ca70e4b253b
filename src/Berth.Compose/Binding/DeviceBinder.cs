using System.Globalization;
using System.Text.RegularExpressions;
using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads <c>devices</c>, <c>gpus</c> and <c>deploy.resources.reservations.devices</c>.</summary>
/// <remarks>Compose Specification, 05-services.md, "devices", "gpus"; deploy.md, "devices".</remarks>
internal static partial class DeviceBinder
{
    public static List<DeviceModel> ReadDevices(MapReader service)
    {
        var devices = new List<DeviceModel>();
        foreach (var item in service.Items("devices"))
        {
            if (item is MapNode map)
            {
                var device = new MapReader(map, $"{service.Path}.devices", service.Diagnostics);
                var source = device.Text("source") ?? string.Empty;
                devices.Add(new DeviceModel(source, device.Text("target") ?? source, device.Text("permissions") ?? "rwm"));
                device.Finish();
            }
            else if (item is ScalarNode scalar)
            {
                var parts = scalar.Text.Split(':');
                devices.Add(new DeviceModel(parts[0], parts.Length > 1 ? parts[1] : parts[0], parts.Length > 2 ? parts[2] : "rwm"));
            }

            if (devices.Count == 0 || !IsPath(devices[^1]) && !IsName(devices[^1]))
            {
                service.Diagnostics.Error(item.Place, $"{service.Path}.devices: must have the form /dev/SOURCE[:/dev/TARGET[:rwm]], or VENDOR/CLASS=NAME as the device's vendor describes it");
            }
        }

        return devices;
    }

    public static IReadOnlyList<DeviceRequestModel> ReadGpus(MapReader service)
    {
        if (service.Node("gpus") is null or ListNode)
        {
            return ReadRequests(service, "gpus", needsCapabilities: false);
        }

        service.Error("gpus", "must be 'all' or a list, such as [{count: 1}]");
        return [];
    }

    public static IReadOnlyList<DeviceRequestModel> ReadReserved(MapReader reservations) => ReadRequests(reservations, "devices", needsCapabilities: true);

    private static List<DeviceRequestModel> ReadRequests(MapReader reader, string key, bool needsCapabilities)
    {
        var requests = new List<DeviceRequestModel>();
        foreach (var (item, number) in reader.Items(key).Select((item, number) => (item, number)))
        {
            var path = $"{reader.Path}.{key}[{number}]";
            if (item is not MapNode map)
            {
                reader.Diagnostics.Error(item.Place, $"{path}: must be a mapping, such as {{count: 1}}");
                continue;
            }

            var request = new MapReader(map, path, reader.Diagnostics);
            if (needsCapabilities && !request.Has("capabilities"))
            {
                reader.Diagnostics.Error(map.Place, $"{path}: needs 'capabilities', such as [gpu]");
            }

            if (request.Has("count") && request.Has("device_ids"))
            {
                request.Error("count", "cannot stand together with 'device_ids'");
            }

            if (request.Has("options"))
            {
                request.Diagnostics.Warning(request.PlaceOf("options"), $"{path}.options: has no effect: devices are given as their vendor describes them");
            }

            var names = request.Texts("device_ids");
            requests.Add(new DeviceRequestModel(request.Text("driver"), ReadCount(request) ?? (names.Count > 0 ? null : -1), names, request.Texts("capabilities"), ReadOptions(request)));
            request.Finish();
        }

        return requests;
    }

    private static int? ReadCount(MapReader request)
    {
        if (request.Text("count") is not { } text)
        {
            return null;
        }

        if (text == "all")
        {
            return -1;
        }

        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count) && count >= -1)
        {
            return count;
        }

        request.Error("count", $"'{text}' must be 'all' or a number");
        return null;
    }

    private static IReadOnlyDictionary<string, string> ReadOptions(MapReader request) => request.Node("options") is ListNode
        ? request.Texts("options").Select(option => option.Split('=', 2)).GroupBy(parts => parts[0]).ToDictionary(group => group.Key, group => group.Last().ElementAtOrDefault(1) ?? "", StringComparer.Ordinal)
        : request.TextMap("options");

    private static bool IsPath(DeviceModel device) => device.Source.StartsWith('/') && device.Permissions.All(letter => "rwm".Contains(letter, StringComparison.Ordinal));

    private static bool IsName(DeviceModel device) => device.IsName && NamePattern().IsMatch(device.Source);

    // Container Device Interface, SPEC.md, "Kind" and "CDI Devices".
    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9_.-]*/[A-Za-z][A-Za-z0-9_-]*=[A-Za-z0-9][A-Za-z0-9_.-]*\z")]
    private static partial Regex NamePattern();
}
