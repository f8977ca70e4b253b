using System.Runtime.InteropServices;
using Berth.Linux.Seccomp;

namespace Berth.Linux.Tests.Seccomp;

public sealed class SeccompFilterTests
{
    private const int InstructionBytes = 8;

    private static SeccompArchitecture[] Own =>
        [RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? SeccompArchitecture.Arm64 : SeccompArchitecture.X64];

    [Fact]
    public void A_call_that_libseccomp_does_not_know_changes_nothing() =>
        Assert.Equal(Compile(new SeccompRule(["read", "faccessat2"])), Compile(new SeccompRule(["read", "no_such_call", "faccessat2"])));

    [Fact]
    public void Calls_above_the_youngest_one_are_told_apart_by_its_number() =>
        Assert.Equal(439u, BitConverter.ToUInt32(Compile(new SeccompRule(["read", "faccessat2"])), 5 * InstructionBytes + 4)); // faccessat2, everywhere

    [Fact]
    public void An_argument_that_no_call_has_is_refused() =>
        Assert.Equal("seccomp_rule_add failed for 'read': Invalid argument (EINVAL).",
            Assert.Throws<LinuxException>(() => Compile(new SeccompRule(["read"], Argument: new(6, SeccompComparison.Equal, 0)))).Message);

    private static byte[] Compile(params SeccompRule[] rules) => SeccompFilter.Compile(rules, Own, Errno.EPERM);
}
