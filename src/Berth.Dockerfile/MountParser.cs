using System.Globalization;

namespace Berth.Dockerfile;

/// <summary>Reads the value of <c>RUN --mount</c>: comma-separated <c>key=value</c> pairs, a pair may be quoted.</summary>
/// <remarks>Dockerfile reference, "RUN --mount".</remarks>
internal static class MountParser
{
    private static readonly Dictionary<string, string[]> s_keys = new(StringComparer.Ordinal)
    {
        ["bind"] = ["target", "source", "from", "writable"],
        ["cache"] = ["target", "id", "readonly", "sharing", "from", "source", "mode", "uid", "gid"],
        ["tmpfs"] = ["target", "size"],
        ["ssh"] = ["target", "id", "required", "mode", "uid", "gid"],
        ["secret"] = ["target", "id", "env", "required", "mode", "uid", "gid"],
    };

    public static RunMount? Parse(string text, Action<string> report)
    {
        var failed = false;
        var values = ReadPairs(text, Report);
        var type = values.Remove("type", out var given) ? given : "bind";
        if (!s_keys.TryGetValue(type, out var allowed))
        {
            Report($"unknown type '{type}'.{Nearest.Suggest(type, s_keys.Keys)}");
            return null;
        }

        foreach (var key in values.Keys.Except(allowed))
        {
            Report($"a {type} mount has no '{key}'.{Nearest.Suggest(key, allowed)}");
        }

        if (type is not ("secret" or "ssh") && values.GetValueOrDefault("target") is null or "")
        {
            Report("a target is missing: target=/path");
        }

        var reader = new MountValues(values, Report);
        var mount = Build(type, reader);
        return failed ? null : mount;

        void Report(string mistake)
        {
            failed = true;
            report(mistake);
        }
    }

    private static RunMount Build(string type, MountValues values)
    {
        var target = values.Text("target");
        return type switch
        {
            "bind" => new BindMount(target ?? "", values.Text("from"), values.Text("source") ?? "/", values.Flag("writable")),
            "cache" => new CacheMount(
                target ?? "",
                values.Text("id") ?? target ?? "",
                values.Sharing(),
                values.Flag("readonly"),
                values.Text("from"),
                values.Text("source") ?? "/",
                values.Mode(Convert.ToInt32("755", 8)),
                values.Number("uid"),
                values.Number("gid")),
            "tmpfs" => new TmpfsMount(target ?? "", values.Size()),
            "ssh" => new SshMount(
                target, values.Text("id") ?? "default", values.Flag("required"), values.Mode(Convert.ToInt32("600", 8)), values.Number("uid"), values.Number("gid")),
            _ => new SecretMount(
                target,
                values.SecretId(),
                values.Text("env"),
                values.Flag("required"),
                values.Mode(Convert.ToInt32("400", 8)),
                values.Number("uid"),
                values.Number("gid")),
        };
    }

    private static Dictionary<string, string> ReadPairs(string text, Action<string> report)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in SplitAtCommas(text))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var key = Canonical((equals < 0 ? pair : pair[..equals]).Trim().ToLowerInvariant());
            var value = equals < 0 ? "true" : pair[(equals + 1)..].Trim('"');
            if (key is "!readonly")
            {
                (key, value) = ("writable", value is "false" or "0" ? "true" : "false");
            }

            if (equals < 0 && key is not ("readonly" or "writable" or "required"))
            {
                report($"'{pair}' must have the form key=value");
            }
            else
            {
                values[key] = value;
            }
        }

        if (values.GetValueOrDefault("type") == "cache" && values.Remove("writable", out var writable))
        {
            values["readonly"] = writable is "true" or "1" ? "false" : "true";
        }

        return values;
    }

    private static string Canonical(string key) => key switch
    {
        "dst" or "destination" => "target",
        "src" => "source",
        "rw" or "readwrite" => "writable",
        "ro" or "readonly" => "!readonly",
        _ => key,
    };

    private static IEnumerable<string> SplitAtCommas(string text)
    {
        var start = 0;
        var quoted = false;
        for (var index = 0; index <= text.Length; index++)
        {
            if (index == text.Length || text[index] == ',' && !quoted)
            {
                if (index > start)
                {
                    yield return text[start..index].Trim('"');
                }

                start = index + 1;
            }
            else if (text[index] == '"')
            {
                quoted = !quoted;
            }
        }
    }
}

/// <summary>The typed values of one mount.</summary>
internal sealed class MountValues(Dictionary<string, string> values, Action<string> report)
{
    public string? Text(string key) => values.GetValueOrDefault(key) is { Length: > 0 } text ? text : null;

    public bool Flag(string key)
    {
        switch (Text(key))
        {
            case null or "false" or "0":
                return false;
            case "true" or "1":
                return true;
            default:
                report($"{key} must be true or false, not '{Text(key)}'");
                return false;
        }
    }

    public int Number(string key)
    {
        if (Text(key) is not { } text)
        {
            return 0;
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            report($"{key} must be a number, not '{text}'");
        }

        return number;
    }

    public int Mode(int standard)
    {
        if (Text("mode") is not { } text)
        {
            return standard;
        }

        if (text.Length <= 5 && text.All(digit => digit is >= '0' and <= '7'))
        {
            return Convert.ToInt32(text, 8);
        }

        report($"mode must be octal such as 0644, not '{text}'");
        return standard;
    }

    public CacheSharing Sharing()
    {
        switch (Text("sharing"))
        {
            case null or "shared":
                return CacheSharing.Shared;
            case "private":
                return CacheSharing.Private;
            case "locked":
                return CacheSharing.Locked;
            default:
                report($"sharing must be shared, private or locked, not '{Text("sharing")}'");
                return CacheSharing.Shared;
        }
    }

    /// <summary>A secret is known by its id, else by the last part of its target.</summary>
    public string SecretId()
    {
        var id = Text("id") ?? Text("target")?.Split('/')[^1];
        if (string.IsNullOrEmpty(id))
        {
            report("a secret needs an id: id=NAME");
        }

        return id ?? string.Empty;
    }

    public long? Size()
    {
        if (Text("size") is not { } text)
        {
            return null;
        }

        var bare = text.ToLowerInvariant().TrimEnd('b').TrimEnd('i');
        var shift = bare.LastOrDefault() switch { 'k' => 10, 'm' => 20, 'g' => 30, _ => 0 };
        var digits = shift == 0 ? bare : bare[..^1];
        if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= long.MaxValue >> shift)
        {
            return number << shift;
        }

        report($"size must be a number of bytes such as 64m, not '{text}'");
        return null;
    }
}
