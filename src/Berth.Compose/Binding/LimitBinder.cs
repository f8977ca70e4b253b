using System.Globalization;
using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads what a service may use of the machine.</summary>
/// <remarks>Compose Specification, 05-services.md: <c>blkio_config</c>, <c>cpu_period</c> and its kin, <c>ulimits</c>, <c>devices</c>.</remarks>
internal static class LimitBinder
{
    // Whole microseconds, or a duration.
    public static long? Microseconds(MapReader service, string key)
    {
        if (service.Text(key) is not { } text)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= -1)
        {
            return number;
        }

        if (GoDuration.TryParse(text, out var duration) && duration > TimeSpan.Zero)
        {
            return duration.Ticks / TimeSpan.TicksPerMicrosecond;
        }

        service.Error(key, $"'{text}' must be a number of microseconds, or a duration such as 50ms");
        return null;
    }

    public static BlockIoModel? ReadBlockIo(MapReader service)
    {
        if (service.Map("blkio_config") is not { } config)
        {
            return null;
        }

        var model = new BlockIoModel(config.Integer("weight", 10, 1000), Rates(config, "weight_device", (device, key) => device.Number(key, 10, 1000), "weight"))
        {
            ReadBytes = Rates(config, "device_read_bps", (device, key) => device.Bytes(key), "rate"),
            WriteBytes = Rates(config, "device_write_bps", (device, key) => device.Bytes(key), "rate"),
            ReadOperations = Rates(config, "device_read_iops", (device, key) => device.Number(key, 0, long.MaxValue), "rate"),
            WriteOperations = Rates(config, "device_write_iops", (device, key) => device.Number(key, 0, long.MaxValue), "rate"),
        };
        config.Finish();
        return model;
    }

    private static List<DeviceRateModel> Rates(MapReader config, string key, Func<MapReader, string, long?> read, string field)
    {
        var rates = new List<DeviceRateModel>();
        foreach (var (item, number) in config.Items(key).Select((item, number) => (item, number)))
        {
            if (item is not MapNode map)
            {
                config.Diagnostics.Error(item.Place, $"{config.Path}.{key}[{number}]: must be a mapping with 'path' and '{field}'");
                continue;
            }

            var device = new MapReader(map, $"{config.Path}.{key}[{number}]", config.Diagnostics);
            var path = device.Text("path");
            var value = read(device, field);
            if (path is null || !device.Has(field))
            {
                config.Diagnostics.Error(map.Place, $"{device.Path}: needs 'path' and '{field}'");
            }

            device.Finish();
            rates.Add(new DeviceRateModel(path ?? "", value ?? 0));
        }

        return rates;
    }

    public static Dictionary<string, UlimitModel> ReadUlimits(MapReader service)
    {
        var limits = new Dictionary<string, UlimitModel>(StringComparer.Ordinal);
        foreach (var entry in service.MapEntries("ulimits"))
        {
            var isMap = entry.Value is MapNode;
            var map = entry.Value as MapNode ?? new MapNode(entry.KeyPlace, MergeTag.None, [new MapEntry("soft", entry.KeyPlace, entry.Value)]);
            var limit = new MapReader(map, $"{service.Path}.ulimits.{entry.Key}", service.Diagnostics);
            var soft = limit.Number("soft", -1, long.MaxValue) ?? 0;
            var hard = isMap ? limit.Number("hard", -1, long.MaxValue) ?? 0 : soft;
            if (isMap && (!limit.Has("soft") || !limit.Has("hard")))
            {
                service.Diagnostics.Error(entry.KeyPlace, $"{limit.Path}: needs both 'soft' and 'hard'");
            }

            limit.Finish();
            limits[entry.Key] = new UlimitModel(soft, hard, IsSingle: !isMap);
        }

        return limits;
    }
}
