using System.Text.Json.Serialization;

namespace Berth.Engine.Containers;

/// <summary>An empty JSON object, as Docker writes the values of its sets: <c>"ExposedPorts": {"80/tcp": {}}</c>.</summary>
public sealed record EmptyObject
{
    public static EmptyObject Value { get; } = new();
}

/// <summary>What of a container comes along with its image. Docker Engine API, "ContainerConfig".</summary>
/// <remarks>Set, not init: generated JSON code gives an init-only property that is absent null instead of its default.</remarks>
public sealed record ContainerConfig
{
    public string Hostname { get; set; } = "";

    public string Domainname { get; set; } = "";

    public string User { get; set; } = "";

    public bool AttachStdin { get; set; }

    public bool AttachStdout { get; set; }

    public bool AttachStderr { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SortedDictionary<string, EmptyObject>? ExposedPorts { get; set; }

    public bool Tty { get; set; }

    public bool OpenStdin { get; set; }

    public bool StdinOnce { get; set; }

    public IReadOnlyList<string>? Env { get; set; }

    [JsonConverter(typeof(StringOrListConverter))]
    public IReadOnlyList<string>? Cmd { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HealthcheckConfig? Healthcheck { get; set; }

    public string Image { get; set; } = "";

    public SortedDictionary<string, EmptyObject>? Volumes { get; set; }

    public string WorkingDir { get; set; } = "";

    [JsonConverter(typeof(StringOrListConverter))]
    public IReadOnlyList<string>? Entrypoint { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NetworkDisabled { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MacAddress { get; set; }

    public SortedDictionary<string, string>? Labels { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StopSignal { get; set; }

    /// <summary>Seconds between the stop signal and SIGKILL; 10 when null, for ever when negative.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? StopTimeout { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Shell { get; set; }
}

/// <summary>How to tell that a container works. Times in nanoseconds; zero means inherit or default.</summary>
public sealed record HealthcheckConfig
{
    /// <summary>Empty: inherit. <c>["NONE"]</c>: none. <c>["CMD", …]</c> or <c>["CMD-SHELL", command]</c>.</summary>
    public IReadOnlyList<string>? Test { get; set; }

    public long Interval { get; set; }

    public long Timeout { get; set; }

    public long StartPeriod { get; set; }

    public long StartInterval { get; set; }

    public int Retries { get; set; }
}
