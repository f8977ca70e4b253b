using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Berth.Linux.Files;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Berth.Engine.Containers.Devices;

/// <summary>Reads and checks one file of devices, in JSON or YAML. Container Device Interface 1.1, SPEC.md.</summary>
internal static partial class CdiFileReader
{
    private const int MaximumBytes = 4 << 20;
    private const int MaximumDepth = 32;
    private static readonly string[] s_hooks = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

    /// <exception cref="FormatException">All that is wrong with it, one a line.</exception>
    /// <exception cref="IOException">It cannot be read, is no regular file, or has more than 4 MiB.</exception>
    internal static CdiFile Read(string path)
    {
        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        using var directory = DirectoryHandle.Open(Path.GetDirectoryName(target)!);
        using var handle = directory.OpenRegularBelow(Path.GetFileName(target));
        var length = RandomAccess.GetLength(handle);
        if (length > MaximumBytes)
        {
            throw new IOException($"has {length} bytes; {MaximumBytes} are read");
        }

        using var reader = new StreamReader(new FileStream(handle, FileAccess.Read, 0));
        return Parse(reader.ReadToEnd(), isYaml: !path.EndsWith(".json", StringComparison.Ordinal));
    }

    /// <exception cref="FormatException">All that is wrong with it, one a line.</exception>
    internal static CdiFile Parse(string text, bool isYaml)
    {
        CdiFile file;
        try
        {
            var tree = isYaml ? FromYaml(text) : JsonNode.Parse(text, documentOptions: new() { MaxDepth = MaximumDepth });
            RefuseNulls(tree);
            file = tree.Deserialize(CdiJson.Default.CdiFile) ?? new CdiFile();
        }
        catch (Exception exception) when (exception is JsonException or YamlException or InvalidOperationException or ArgumentException or OverflowException)
        {
            throw new FormatException(exception is YamlException yaml ? $"line {yaml.Start.Line}, column {yaml.Start.Column}: {yaml.Message}" : exception.Message);
        }

        var errors = Check(file).ToList();
        return errors.Count == 0 ? file : throw new FormatException(string.Join('\n', errors));
    }

    // Of lists; the serializer itself refuses those of fields.
    private static void RefuseNulls(JsonNode? node)
    {
        if (node is JsonArray list && list.Any(item => item is null))
        {
            throw new FormatException($"{list.GetPath()}: a value is missing");
        }

        foreach (var child in node is JsonArray items ? items : node is JsonObject map ? map.Select(pair => pair.Value) : [])
        {
            RefuseNulls(child);
        }
    }

    private static IEnumerable<string> Check(CdiFile file)
    {
        if (!VersionPattern().IsMatch(file.CdiVersion))
        {
            yield return $"cdiVersion \"{file.CdiVersion}\" is not known; 0.1.0 to 1.1.0 are";
        }

        if (!KindPattern().IsMatch(file.Kind))
        {
            yield return $"kind \"{file.Kind}\" is not VENDOR/CLASS, such as nvidia.com/gpu";
        }

        if (file.Devices is not { Count: > 0 })
        {
            yield return "devices: there are none";
        }

        foreach (var device in file.Devices ?? [])
        {
            if (!NamePattern().IsMatch(device.Name))
            {
                yield return $"devices: \"{device.Name}\" is no name of a device";
            }
            else if (!ReferenceEquals(file.Devices!.First(one => one.Name == device.Name), device))
            {
                yield return $"devices: \"{device.Name}\" is there twice";
            }
            else if (device.ContainerEdits is not { IsEmpty: false })
            {
                yield return $"devices: \"{device.Name}\" has no containerEdits";
            }
        }

        foreach (var error in new[] { file.ContainerEdits }.Concat(file.Devices?.Select(device => device.ContainerEdits) ?? []).OfType<CdiEdits>().SelectMany(Check))
        {
            yield return error;
        }
    }

    private static IEnumerable<string> Check(CdiEdits edits)
    {
        foreach (var variable in (edits.Env ?? []).Concat(edits.Hooks?.SelectMany(hook => hook.Env ?? []) ?? []).Where(one => one.IndexOf('=', StringComparison.Ordinal) <= 0))
        {
            yield return $"env \"{variable}\" is not NAME=VALUE";
        }

        foreach (var node in edits.DeviceNodes ?? [])
        {
            if (!node.Path.StartsWith('/') || node.HostPath is { } host && !host.StartsWith('/'))
            {
                yield return $"deviceNodes \"{node.Path}\": a path must be absolute";
            }

            if (node.Type is not (null or "" or "b" or "c" or "u" or "p"))
            {
                yield return $"deviceNodes \"{node.Path}\": the type \"{node.Type}\" is not one of b, c, u, p";
            }

            if ((node.Permissions ?? "").Any(letter => !"rwm".Contains(letter, StringComparison.Ordinal)))
            {
                yield return $"deviceNodes \"{node.Path}\": the permissions \"{node.Permissions}\" are not of r, w, m";
            }
        }

        foreach (var mount in (edits.Mounts ?? []).Where(mount => mount.HostPath.Length == 0 || !mount.ContainerPath.StartsWith('/')))
        {
            yield return $"mounts \"{mount.HostPath}\" on \"{mount.ContainerPath}\": needs a hostPath, and a containerPath that is absolute";
        }

        foreach (var hook in (edits.Hooks ?? []).Where(hook => !s_hooks.Contains(hook.HookName) || !hook.Path.StartsWith('/')))
        {
            yield return $"hooks \"{hook.HookName}\" \"{hook.Path}\": the name must be one of {string.Join(", ", s_hooks)}, and the path absolute";
        }
    }

    // Every value becomes a text, and numbers are read from texts: what a bare 0 or 195 is, the field that it stands in says.
    private static JsonNode? FromYaml(string text)
    {
        var parser = new Parser(new Scanner(new StringReader(text)));
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
        {
            return null;
        }

        parser.Consume<DocumentStart>();
        var node = Value(parser, 0);
        parser.Consume<DocumentEnd>();
        return parser.Accept<StreamEnd>(out _) ? node : throw new FormatException("it has more than one document");
    }

    private static JsonNode? Value(Parser parser, int depth)
    {
        if (depth > MaximumDepth)
        {
            throw new YamlException(parser.Current!.Start, parser.Current.End, $"nested more than {MaximumDepth} deep");
        }

        if (parser.TryConsume<Scalar>(out var scalar))
        {
            return scalar.IsPlainImplicit && scalar.Value is "" or "~" or "null" ? null : JsonValue.Create(scalar.IsPlainImplicit ? Plain(scalar.Value) : scalar.Value);
        }

        if (parser.TryConsume<SequenceStart>(out _))
        {
            var list = new JsonArray();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                list.Add(Value(parser, depth + 1));
            }

            return list;
        }

        if (parser.TryConsume<MappingStart>(out _))
        {
            var map = new JsonObject();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                var key = parser.Consume<Scalar>();
                if (map.ContainsKey(key.Value))
                {
                    throw new YamlException(key.Start, key.End, $"the key '{key.Value}' is there twice");
                }

                map[key.Value] = Value(parser, depth + 1);
            }

            return map;
        }

        throw new YamlException(parser.Current!.Start, parser.Current.End, "aliases are not read here");
    }

    // Permissions are written as 0666 and 0o666 too. YAML 1.1, "Integer Language-Independent Type"; YAML 1.2.2, section 10.3.2.
    private static string Plain(string text)
    {
        var isOctal = OctalPattern().Match(text);
        return isOctal.Success ? Convert.ToUInt32(isOctal.Groups[1].Value, 8).ToString(CultureInfo.InvariantCulture) : text;
    }

    [GeneratedRegex(@"^(0\.[1-8]\.0|1\.[01]\.0)$")]
    private static partial Regex VersionPattern();

    [GeneratedRegex(@"^[A-Za-z]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?/[A-Za-z]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\z")]
    private static partial Regex KindPattern();

    [GeneratedRegex(@"^[A-Za-z0-9]([A-Za-z0-9_.:-]{0,253}[A-Za-z0-9])?\z")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"^0o?([0-7]{1,10})\z")]
    private static partial Regex OctalPattern();
}
