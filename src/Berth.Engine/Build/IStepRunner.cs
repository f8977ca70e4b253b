using Berth.Engine.Containers;

namespace Berth.Engine.Build;

/// <summary>Executes a <c>RUN</c> step in a container. Whatever it makes is gone when the call returns, or after the next start-up.</summary>
public interface IStepRunner
{
    /// <summary>Where a path of the data root is for steps, which have users of their own then; null: they have the host's users.</summary>
    Func<string, string>? Remap { get; }

    /// <summary>Runs the step and returns its exit code. Cancelling kills it.</summary>
    Task<int> RunAsync(StepConfig step, Func<StepOutput, ValueTask> output, CancellationToken cancellationToken);
}

/// <summary>A piece of output as it came; it may end within a line.</summary>
public readonly record struct StepOutput(bool IsError, ReadOnlyMemory<byte> Bytes);

public enum StepMountKind
{
    Bind,
    Tmpfs,
}

/// <summary>Something that the step sees besides its root. <see cref="Target"/> exists in the root and is no link.</summary>
public sealed record StepMount(string Source, string Target, bool IsReadOnly, StepMountKind Kind = StepMountKind.Bind, long? SizeBytes = null);

public sealed record StepConfig
{
    /// <summary>Unique; fit for a container's name.</summary>
    public required string Id { get; init; }

    /// <summary>The mounted root. The mount points that every container has (/proc, /sys, /dev, /etc/resolv.conf, /etc/hosts, /etc/hostname) exist in it.</summary>
    public required string RootPath { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    public required IReadOnlyList<string> Environment { get; init; }

    /// <summary>It has all rights, as a privileged container.</summary>
    public bool IsPrivileged { get; init; }

    public string WorkingDirectory { get; init; } = "/";

    /// <summary><c>user[:group]</c>, names or numbers; empty is root.</summary>
    public string User { get; init; } = "";

    public IReadOnlyList<StepMount> Mounts { get; init; } = [];

    /// <summary><c>default</c>, <c>none</c>, <c>host</c>, or a network's name.</summary>
    public string Network { get; init; } = "default";

    /// <summary>Memory, processors, shared memory, ulimits and the group above; the rest of it does not count.</summary>
    public HostConfig Limits { get; init; } = new();

    /// <summary>Additional lines of /etc/hosts, as <c>NAME:ADDRESS</c>.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];
}
