using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers.Runtime;

/// <summary>
/// A seccomp profile as users write it for Docker (<c>--security-opt seccomp=FILE</c>; the client sends the content), turned into the runtime's form: what it says for other
/// machines, kernels and capabilities is left away. Docker documentation, "Seccomp security profiles"; OCI Runtime Spec 1.1, config-linux.md, "Seccomp".
/// </summary>
internal static class SeccompFile
{
    private static readonly string[] s_passedOn = ["defaultAction", "defaultErrnoRet", "flags", "listenerPath", "listenerMetadata"];

    private static string Native => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64";

    /// <summary>The names that profiles have for this machine in <c>includes</c> and <c>excludes</c>.</summary>
    private static string[] Machines => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? ["arm64", "aarch64"] : ["amd64", "x86_64"];

    /// <exception cref="BerthException">Not a profile; the message says what is wrong.</exception>
    internal static JsonObject Read(string text, IReadOnlySet<string> capabilities)
    {
        try
        {
            var profile = JsonNode.Parse(text)?.AsObject() ?? throw new FormatException("it is null");
            var result = new JsonObject();
            foreach (var name in s_passedOn.Where(name => profile[name] is not null))
            {
                result[name] = profile[name]!.DeepClone();
            }

            if (result["defaultAction"] is null)
            {
                throw new FormatException("it has no defaultAction");
            }

            if (Architectures(profile) is { Count: > 0 } architectures)
            {
                result["architectures"] = architectures;
            }

            result["syscalls"] = new JsonArray([.. (profile["syscalls"]?.AsArray() ?? []).OfType<JsonObject>().Where(rule => Applies(rule, capabilities)).Select(Rule)]);
            return result;
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            throw BerthException.Invalid($"Decoding seccomp profile failed: {exception.Message}");
        }
    }

    private static JsonArray Architectures(JsonObject profile)
    {
        var map = (profile["archMap"] as JsonArray ?? []).OfType<JsonObject>().FirstOrDefault(one => (string?)one["architecture"] == Native);
        return map is not null
            ? [Native, .. (map["subArchitectures"] as JsonArray ?? []).Select(one => one?.DeepClone())]
            : (JsonArray)(profile["architectures"]?.DeepClone() ?? new JsonArray());
    }

    private static bool Applies(JsonObject rule, IReadOnlySet<string> capabilities)
    {
        var (includes, excludes) = (rule["includes"] as JsonObject, rule["excludes"] as JsonObject);
        var includedCapabilities = Texts(includes, "caps");
        var includedMachines = Texts(includes, "arches");
        return includedCapabilities.All(capabilities.Contains)
            && (includedMachines.Count == 0 || includedMachines.Any(Machines.Contains))
            && (includes?["minKernel"] is not { } minimum || Kernel() >= Version((string)minimum!))
            && !Texts(excludes, "caps").Any(capabilities.Contains)
            && !Texts(excludes, "arches").Any(Machines.Contains)
            && (excludes?["minKernel"] is not { } limit || Kernel() < Version((string)limit!));
    }

    private static JsonObject Rule(JsonObject rule)
    {
        IEnumerable<string> names = rule["name"] is { } single ? [(string)single!] : Texts(rule, "names");
        var result = new JsonObject { ["names"] = new JsonArray([.. names.Select(name => (JsonNode)name)]), ["action"] = rule["action"]?.DeepClone() ?? throw new FormatException("a rule has no action") };
        if (rule["errnoRet"] is { } errno)
        {
            result["errnoRet"] = errno.DeepClone();
        }

        if (rule["args"] is JsonArray { Count: > 0 } arguments)
        {
            result["args"] = arguments.DeepClone();
        }

        return result;
    }

    private static List<string> Texts(JsonObject? node, string name) => [.. (node?[name] as JsonArray ?? []).Select(one => (string?)one).OfType<string>()];

    // "6.1.0-13-amd64" is 6.1.
    private static Version Kernel() => Version(string.Join('.', File.ReadAllText("/proc/sys/kernel/osrelease").Split('.', '-').Take(2)));

    private static Version Version(string text) => text.Split('.') is [var major, var minor]
        ? new(int.Parse(major, CultureInfo.InvariantCulture), int.Parse(minor, CultureInfo.InvariantCulture))
        : throw new FormatException($"'{text}' is not a kernel version such as 4.8");
}
