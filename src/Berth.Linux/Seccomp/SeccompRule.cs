namespace Berth.Linux.Seccomp;

/// <summary>What a filter answers to system calls, by their names; the names that this host's libseccomp does not know have no effect.</summary>
/// <param name="Refusal">The error with which they fail; null when they are allowed.</param>
/// <param name="Argument">The rule holds only for calls with such an argument; null for all.</param>
public sealed record SeccompRule(IReadOnlyList<string> Calls, Errno? Refusal = null, SeccompArgument? Argument = null);

/// <summary>A comparison of one argument of a system call.</summary>
/// <param name="Index">Which one, from zero.</param>
/// <param name="Value">What it is compared with; the mask of <see cref="SeccompComparison.MaskedEqual"/>.</param>
/// <param name="ValueTwo">What must remain under the mask.</param>
public readonly record struct SeccompArgument(uint Index, SeccompComparison Comparison, ulong Value, ulong ValueTwo = 0);

/// <summary>As libseccomp numbers them: <c>enum scmp_compare</c> of seccomp.h.</summary>
public enum SeccompComparison
{
    NotEqual = 1,
    Equal = 4,
    MaskedEqual = 7,
}

/// <summary>Numbers of linux/audit.h, which libseccomp uses too.</summary>
public enum SeccompArchitecture : uint
{
    X86 = 0x40000003,
    X64 = 0xC000003E,
    X32 = 0x4000003E,
    Arm = 0x40000028,
    Arm64 = 0xC00000B7,
}
