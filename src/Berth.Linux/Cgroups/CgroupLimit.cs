namespace Berth.Linux.Cgroups;

/// <summary>What a control group can be limited in, and be freed of while its processes run.</summary>
public enum CgroupLimit
{
    /// <summary>Memory, and memory with swap.</summary>
    Memory,

    /// <summary>What is kept when memory is short.</summary>
    MemoryReservation,

    Processes,

    /// <summary>Time of processors in each period.</summary>
    CpuTime,

    /// <summary>The share beside others.</summary>
    CpuShare,

    /// <summary>Which processors.</summary>
    Cpus,

    /// <summary>The share of disks.</summary>
    DiskShare,
}
