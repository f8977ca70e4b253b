using System.Runtime.InteropServices;
using System.Text.Json;
using Berth.Linux;
using Berth.Linux.Seccomp;

namespace Berth.Engine.Containers.Runtime;

/// <summary>
/// The system calls a container may make: the set that Docker's default profile allows, so that a program finds the same
/// in both. Calls that need a capability are allowed with it; all else fails with EPERM, what is younger than the profile with ENOSYS (see <see cref="SeccompFilter"/>), and clone3 with ENOSYS so that
/// libc falls back to clone, whose flags can be inspected. seccomp(2); OCI Runtime Spec 1.1, config-linux.md, "Seccomp".
/// </summary>
internal static class SeccompProfile
{
    private const ulong NamespaceFlags = 0x7E020000; // every CLONE_NEW* flag of clone(2)

    private static readonly string[] Always = Words(
        """
        accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
        clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64
        close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
        epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
        fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64
        fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate
        ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64
        getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid
        getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid
        getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch
        inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64
        ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
        lchown32 lgetxattr link linkat listen listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr
        lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock
        mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
        mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at
        nanosleep newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
        pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv
        process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv
        recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2
        restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
        rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam
        sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
        sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop
        semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32
        setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
        setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address setuid
        setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn
        socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs
        sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
        timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate
        truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4
        waitid waitpid write writev
        """);

    private static readonly string[] OnX64 = ["arch_prctl", "modify_ldt"];

    private static readonly string[] OnArm64 =
        ["arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush", "set_tls"];

    private static readonly (string Capability, string[] Calls)[] WithCapability =
    [
        ("CAP_DAC_READ_SEARCH", ["open_by_handle_at"]),
        ("CAP_SYS_ADMIN", Words(
            """
            bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree
            perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare
            """)),
        ("CAP_SYS_BOOT", ["reboot"]),
        ("CAP_SYS_CHROOT", ["chroot"]),
        ("CAP_SYS_MODULE", ["delete_module", "init_module", "finit_module"]),
        ("CAP_SYS_PACCT", ["acct"]),
        ("CAP_SYS_PTRACE", ["kcmp", "pidfd_getfd", "process_madvise"]),
        ("CAP_SYS_RAWIO", ["iopl", "ioperm"]),
        ("CAP_SYS_TIME", ["settimeofday", "stime", "clock_settime", "clock_settime64"]),
        ("CAP_SYS_TTY_CONFIG", ["vhangup"]),
        ("CAP_SYS_NICE", ["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"]),
        ("CAP_SYSLOG", ["syslog"]),
        ("CAP_BPF", ["bpf"]),
        ("CAP_PERFMON", ["perf_event_open"]),
    ];

    private static bool IsArm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    private static SeccompArchitecture[] Architectures => IsArm
        ? [SeccompArchitecture.Arm64, SeccompArchitecture.Arm]
        : [SeccompArchitecture.X64, SeccompArchitecture.X86, SeccompArchitecture.X32];

    /// <summary>What a container with these capabilities may call.</summary>
    internal static IReadOnlyList<SeccompRule> RulesFor(IReadOnlySet<string> capabilities)
    {
        List<SeccompRule> rules =
        [
            new([.. Always, .. IsArm ? OnArm64 : OnX64]),
            new(["socket"], Argument: new(0, SeccompComparison.NotEqual, 40)), // all families but AF_VSOCK, which reaches past the network namespace
            .. new ulong[] { 0, 8, 0x20000, 0x20008, 0xffffffff }.Select(persona => new SeccompRule(["personality"], Argument: new(0, SeccompComparison.Equal, persona))),
            .. WithCapability.Where(pair => capabilities.Contains(pair.Capability)).Select(pair => new SeccompRule(pair.Calls)),
        ];
        if (!capabilities.Contains("CAP_SYS_ADMIN"))
        {
            rules.Add(new(["clone"], Argument: new(0, SeccompComparison.MaskedEqual, NamespaceFlags)));
            rules.Add(new(["clone3"], Errno.ENOSYS));
        }

        return rules;
    }

    /// <summary>The filter of a container with these capabilities, as the kernel runs it.</summary>
    internal static byte[] Compile(IReadOnlySet<string> capabilities) => SeccompFilter.Compile(RulesFor(capabilities), Architectures, Errno.EPERM);

    /// <summary>Writes the value of <c>linux.seccomp</c> for a container with these capabilities.</summary>
    internal static void Write(Utf8JsonWriter writer, IReadOnlySet<string> capabilities)
    {
        writer.WriteStartObject("seccomp");
        writer.WriteString("defaultAction", "SCMP_ACT_ERRNO");
        writer.WriteNumber("defaultErrnoRet", (int)Errno.EPERM);
        WriteStrings(writer, "architectures", Architectures.Select(NameOf));
        writer.WriteStartArray("syscalls");
        foreach (var rule in RulesFor(capabilities))
        {
            Write(writer, rule);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, SeccompRule rule)
    {
        writer.WriteStartObject();
        WriteStrings(writer, "names", rule.Calls);
        writer.WriteString("action", rule.Refusal is null ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO");
        if (rule.Refusal is { } errno)
        {
            writer.WriteNumber("errnoRet", (int)errno);
        }

        if (rule.Argument is { } argument)
        {
            writer.WriteStartArray("args");
            writer.WriteStartObject();
            writer.WriteNumber("index", argument.Index);
            writer.WriteNumber("value", argument.Value);
            writer.WriteNumber("valueTwo", argument.ValueTwo);
            writer.WriteString("op", NameOf(argument.Comparison));
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }

    private static string NameOf(SeccompArchitecture architecture) => architecture switch
    {
        SeccompArchitecture.X64 => "SCMP_ARCH_X86_64",
        SeccompArchitecture.X86 => "SCMP_ARCH_X86",
        SeccompArchitecture.X32 => "SCMP_ARCH_X32",
        SeccompArchitecture.Arm64 => "SCMP_ARCH_AARCH64",
        SeccompArchitecture.Arm => "SCMP_ARCH_ARM",
        _ => throw new ArgumentOutOfRangeException(nameof(architecture), architecture, "no such architecture"),
    };

    private static string NameOf(SeccompComparison comparison) => comparison switch
    {
        SeccompComparison.NotEqual => "SCMP_CMP_NE",
        SeccompComparison.Equal => "SCMP_CMP_EQ",
        SeccompComparison.MaskedEqual => "SCMP_CMP_MASKED_EQ",
        _ => throw new ArgumentOutOfRangeException(nameof(comparison), comparison, "no such comparison"),
    };

    private static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
