using System.Globalization;
using Berth.Compose.Model;
using Berth.Compose.Yaml;

namespace Berth.Compose.Binding;

/// <summary>Reads a service's <c>x-berth</c>. Unlike other extensions it is checked key by key.</summary>
internal static class ExtensionBinder
{
    private const string Key = "x-berth";

    /// <param name="volumes">The service's mounts.</param>
    public static ServiceExtension? Read(MapReader service, IReadOnlyList<MountModel> volumes)
    {
        if (service.Map(Key) is not { } extension)
        {
            return null;
        }

        var model = new ServiceExtension(ReadRoll(extension), ReadReady(extension), extension.Bool("release") ?? false, ReadRefresh(extension, volumes));
        extension.Finish();
        return model;
    }

    private static List<string> ReadRefresh(MapReader extension, IReadOnlyList<MountModel> volumes)
    {
        var names = new List<string>();
        foreach (var scalar in extension.Scalars("refresh"))
        {
            var mount = volumes.FirstOrDefault(mount => mount.Kind == MountKind.Volume && mount.Source == scalar.Text);
            var problem = mount is null ? $"'{scalar.Text}' must be a named volume that this service mounts"
                : mount.Subpath is not null ? $"'{scalar.Text}' is mounted with a subpath, and so cannot be refreshed from the image"
                : names.Contains(scalar.Text) ? $"'{scalar.Text}' is named twice"
                : null;
            if (problem is not null)
            {
                extension.Diagnostics.Error(scalar.Place, $"{extension.Path}.refresh: {problem}");
                continue;
            }

            names.Add(scalar.Text);
        }

        return names;
    }

    private static RollModel? ReadRoll(MapReader extension)
    {
        if (extension.Node("roll") is ScalarNode)
        {
            return new(extension.OneOf("roll", "start-first", "stop-first"), null, null, null, null);
        }

        if (extension.Map("roll") is not { } roll)
        {
            return null;
        }

        var model = new RollModel(
            roll.OneOf("order", "start-first", "stop-first"), ReadPercent(roll, "min", 0, 100), ReadPercent(roll, "max", 100, 1000), roll.Duration("drain"), roll.Duration("watch"));
        roll.Finish();
        return model;
    }

    private static int? ReadPercent(MapReader roll, string key, int minimum, int maximum)
    {
        if (roll.Text(key) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text.TrimEnd('%'), NumberStyles.None, CultureInfo.InvariantCulture, out var percent) && percent >= minimum && percent <= maximum)
        {
            return percent;
        }

        roll.Error(key, $"'{text}' must be a percentage from {minimum}% to {maximum}%");
        return null;
    }

    // As `ready: mysql`, or with the port and what else there is to say: `ready: {http: /healthz, port: 8000}`.
    private static ReadyModel? ReadReady(MapReader extension)
    {
        if (extension.Node("ready") is ScalarNode)
        {
            return extension.OneOf("ready", "tcp", "http", "mysql", "postgres", "redis", "amqp") is { } kind ? new(Kind(kind), null, kind == "http" ? "/" : null, null) : null;
        }

        if (extension.Map("ready") is not { } ready)
        {
            return null;
        }

        var path = ready.Text("http");
        var check = ready.OneOf("check", "tcp", "http", "mysql", "postgres", "redis", "amqp");
        if (path is not null && (!path.StartsWith('/') || path.Any(letter => letter is <= ' ' or > '~')))
        {
            ready.Error("http", $"'{path}' must be a path such as /healthz");
        }

        if (path is not null && check is not (null or "http"))
        {
            ready.Error("check", "cannot stand together with 'http'");
        }

        var model = new ReadyModel(path is not null ? ReadyKind.Http : Kind(check ?? "tcp"), ready.Integer("port", 1, 65535), path ?? (check == "http" ? "/" : null), ready.Duration("timeout"));
        ready.Finish();
        return model;
    }

    private static ReadyKind Kind(string text) => text switch
    {
        "http" => ReadyKind.Http,
        "mysql" => ReadyKind.MySql,
        "postgres" => ReadyKind.PostgreSql,
        "redis" => ReadyKind.Redis,
        "amqp" => ReadyKind.Amqp,
        _ => ReadyKind.Tcp,
    };
}
