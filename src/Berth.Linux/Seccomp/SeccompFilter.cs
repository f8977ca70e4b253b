using System.Runtime.InteropServices;
using Berth.Linux.Processes;

namespace Berth.Linux.Seccomp;

/// <summary>Compiles rules to the program that the kernel runs at each system call, through libseccomp.so.2. seccomp(2), seccomp_rule_add(3).</summary>
/// <remarks>
/// What fails and is younger than every call of the rules fails with ENOSYS, as runc has it: to programs that means "this kernel does not have
/// it, do it otherwise". An EPERM would be taken for a verdict about the file at hand.
/// </remarks>
public static unsafe partial class SeccompFilter
{
    private const string Library = "libseccomp.so.2";
    private const uint SCMP_ACT_ALLOW = 0x7fff0000;
    private const uint SCMP_ACT_ERRNO = 0x00050000;
    private const int __NR_SCMP_ERROR = -1;
    private const int EEXIST = 17;
    private const int LargestBytes = 4096 * 8; // the kernel's own limit, BPF_MAXINSNS instructions; less than a pipe holds
    private const uint X32Bit = 0x40000000; // __X32_SYSCALL_BIT: those calls are numbered apart
    private static readonly Lock Gate = new(); // the library finds out about the kernel in variables of the process

    /// <summary>Whether this host has libseccomp.</summary>
    public static bool IsAvailable { get; } = NativeLibrary.TryLoad(Library, out _);

    /// <summary>The program as <c>struct sock_filter</c>s. Calls that no rule names fail with <paramref name="otherwise"/>.</summary>
    /// <param name="architectures">Those whose calls are told apart; the first is the machine's own. A call of any other kills the process.</param>
    /// <exception cref="LinuxException">libseccomp refused a rule.</exception>
    public static byte[] Compile(IReadOnlyList<SeccompRule> rules, IReadOnlyList<SeccompArchitecture> architectures, Errno otherwise)
    {
        lock (Gate)
        {
            var context = seccomp_init(SCMP_ACT_ERRNO | (uint)otherwise);
            if (context == 0)
            {
                throw new LinuxException(Errno.ENOMEM, "seccomp_init", "a new filter");
            }

            try
            {
                foreach (var architecture in architectures)
                {
                    var error = seccomp_arch_add(context, (uint)architecture);
                    Must(error == -EEXIST ? 0 : error, "seccomp_arch_add", $"{architecture}"); // the machine's own is there already
                }

                var newest = 0;
                foreach (var rule in rules)
                {
                    newest = Math.Max(newest, Add(context, rule));
                }

                return [.. AnswersToYoungerCalls(architectures[0], (uint)newest), .. Export(context)];
            }
            finally
            {
                seccomp_release(context);
            }
        }
    }

    /// <returns>The highest number among its calls.</returns>
    private static int Add(nint context, SeccompRule rule)
    {
        var newest = 0;
        var action = rule.Refusal is { } errno ? SCMP_ACT_ERRNO | (uint)errno : SCMP_ACT_ALLOW;
        foreach (var call in rule.Calls)
        {
            var number = seccomp_syscall_resolve_name(call);
            if (number == __NR_SCMP_ERROR)
            {
                continue; // this libseccomp is older than the call
            }

            newest = Math.Max(newest, number); // negative for calls that only another architecture has
            var argument = rule.Argument is { } asked ? new ScmpArgCmp { Arg = asked.Index, Op = (int)asked.Comparison, DatumA = asked.Value, DatumB = asked.ValueTwo } : default;
            Must(seccomp_rule_add_array(context, action, number, rule.Argument is null ? 0u : 1, &argument), "seccomp_rule_add", $"'{call}'");
        }

        return newest;
    }

    private static byte[] Export(nint context)
    {
        var (read, write) = Pipes.Create();
        using var program = new FileStream(read, FileAccess.Read);
        using (write)
        {
            Must(seccomp_export_bpf(context, (int)write.DangerousGetHandle()), "seccomp_export_bpf", "the filter");
        }

        var bytes = new byte[LargestBytes];
        return bytes[..program.ReadAtLeast(bytes, LargestBytes, throwOnEndOfStream: false)];
    }

    // Since Linux 5.1 a new call has one number on all architectures. 32-bit ARM has calls of its own above them, so it is left to the rules.
    private static byte[] AnswersToYoungerCalls(SeccompArchitecture own, uint newest)
    {
        const ushort Load = 0x20; // BPF_LD | BPF_W | BPF_ABS
        const ushort IfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
        const ushort IfGreater = 0x25;
        const ushort IfNotLess = 0x35;
        const ushort Return = 0x06;
        (ushort Code, byte WhenTrue, byte WhenFalse, uint Value)[] program = // how many instructions are skipped
        [
            (Load, 0, 0, 4), // seccomp_data.arch
            (IfEqual, 1, 0, (uint)SeccompArchitecture.X86),
            (IfEqual, 0, 4, (uint)own),
            (Load, 0, 0, 0), // seccomp_data.nr
            (IfNotLess, 2, 0, X32Bit),
            (IfGreater, 0, 1, newest),
            (Return, 0, 0, SCMP_ACT_ERRNO | (uint)Errno.ENOSYS),
        ];
        var bytes = new byte[program.Length * sizeof(SockFilter)];
        for (var i = 0; i < program.Length; i++)
        {
            var (code, whenTrue, whenFalse, value) = program[i];
            MemoryMarshal.Write(bytes.AsSpan(i * sizeof(SockFilter)), new SockFilter { Code = code, WhenTrue = whenTrue, WhenFalse = whenFalse, Value = value });
        }

        return bytes;
    }

    private static void Must(int error, string call, string subject)
    {
        if (error < 0)
        {
            throw new LinuxException((Errno)(-error), call, subject);
        }
    }

    /// <summary><c>struct sock_filter</c>, linux/filter.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SockFilter
    {
        public ushort Code;
        public byte WhenTrue;
        public byte WhenFalse;
        public uint Value;
    }

    /// <summary><c>struct scmp_arg_cmp</c>, seccomp.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ScmpArgCmp
    {
        public uint Arg;
        public int Op;
        public ulong DatumA;
        public ulong DatumB;
    }

    [LibraryImport(Library)]
    private static partial nint seccomp_init(uint defaultAction);

    [LibraryImport(Library)]
    private static partial void seccomp_release(nint context);

    [LibraryImport(Library)]
    private static partial int seccomp_arch_add(nint context, uint architecture);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int seccomp_syscall_resolve_name(string name);

    [LibraryImport(Library)]
    private static partial int seccomp_rule_add_array(nint context, uint action, int call, uint argumentCount, ScmpArgCmp* arguments);

    [LibraryImport(Library)]
    private static partial int seccomp_export_bpf(nint context, int fd);
}
