using System.Text.Json.Serialization;

namespace Berth.Edge.State;

/// <summary>
/// The daemon as the data plane may have to start it again: <c>daemon.json</c> beside the state file. A daemon that is to be started
/// again writes it once it serves, and deletes it when it is told to stop; so whoever finds it finds a daemon that lives or has crashed.
/// This source file is compiled into both programs, so that they cannot disagree.
/// </summary>
public sealed record DaemonRecord
{
    public const string FileName = "daemon.json";

    public required int Pid { get; init; }

    /// <summary>Start time in clock ticks since boot; with the id it names one process only.</summary>
    public required long StartTicks { get; init; }

    /// <summary>Absolute path of the program.</summary>
    public required string Path { get; init; }

    /// <summary>Arguments, the program's own name first.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The whole environment, as NAME=VALUE. It may hold secrets: only root may read the file.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    public required string WorkingDirectory { get; init; }

    /// <summary>What its output is appended to.</summary>
    public required string LogPath { get; init; }

    /// <summary>The control groups that it was in, as directories: it must not end up in the data plane's.</summary>
    public required IReadOnlyList<string> Cgroups { get; init; }

    public bool IsSameProcess(DaemonRecord? other) => other is not null && other.Pid == Pid && other.StartTicks == StartTicks;
}

/// <summary>Source-generated JSON of the daemon's record.</summary>
[JsonSerializable(typeof(DaemonRecord))]
public sealed partial class DaemonJson : JsonSerializerContext;
