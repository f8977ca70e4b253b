using System.ComponentModel;
using System.Globalization;
using System.Net.Sockets;
using Berth.Linux;
using Berth.Linux.Files;
using Berth.Linux.Sqlite;

namespace Berth.Engine.Errors;

/// <summary>Something that the machine has run out of, or a disk that takes nothing any more: recognised by what the kernel or SQLite answered, and said with what to do.</summary>
public static class Shortage
{
    // Result codes of SQLite, sqlite.org/rescode.html
    private const int SqliteReadOnly = 8;
    private const int SqliteNoMemory = 7;
    private const int SqliteInputOutput = 10;
    private const int SqliteFull = 13;
    private const string Descriptors =
        "No more files can be opened: end some clients, or raise LimitNOFILE of berth.service ('ulimit -n' where there is no systemd), or fs.file-max of the machine, then try again.";
    private const long AsGoodAsFull = 256 << 10; // bytes; a program that wants to write more than that has just failed

    /// <summary>Whether that, or what caused it, is the answer that there is no room on a disk.</summary>
    public static bool IsOfRoom(Exception exception) => Cause(exception) is Errno.ENOSPC or Errno.EDQUOT;

    /// <summary>The failure in words that say what there is no more of, where, and what to do; null when it is no shortage.</summary>
    public static BerthException? Explain(Exception exception, string dataRoot)
    {
        if (exception is BerthException { Kind: ErrorKind.Exhausted } told)
        {
            return told;
        }

        var cause = Cause(exception);
        return cause == Errno.None || (cause is Errno.EROFS or Errno.EIO && !IsOfDataRoot(exception, dataRoot)) ? null : new(ErrorKind.Exhausted, $"{Advice(cause, dataRoot)} What failed: {exception.Message}", exception);
    }

    /// <summary>That so few descriptors are left that nothing more is begun.</summary>
    public static BerthException OfDescriptors() => new(ErrorKind.Exhausted, Descriptors);

    /// <summary>What to add to a program's failure: empty while there is room below the data root.</summary>
    public static string AdviceWhenFull(string dataRoot) =>
        FileSystemRoom.Of(dataRoot) is { Bytes: < AsGoodAsFull } or { Files: 0 } ? " " + Advice(Errno.ENOSPC, dataRoot) : "";

    // What a container may not write to is no trouble of the machine's.
    private static bool IsOfDataRoot(Exception exception, string dataRoot) =>
        exception is SqliteException || exception.Message.Contains(dataRoot, StringComparison.Ordinal) || (exception.InnerException is { } inner && IsOfDataRoot(inner, dataRoot));

    private static Errno Cause(Exception exception)
    {
        var errno = exception switch
        {
            LinuxException linux => linux.Errno,
            SqliteException { Code: SqliteFull } => Errno.ENOSPC,
            SqliteException { Code: SqliteReadOnly } => Errno.EROFS,
            SqliteException { Code: SqliteInputOutput } => Errno.EIO,
            SqliteException { Code: SqliteNoMemory } or OutOfMemoryException => Errno.ENOMEM,
            SocketException socket => (Errno)socket.NativeErrorCode,
            Win32Exception native => (Errno)native.NativeErrorCode, // of a process that could not be started
            IOException { HResult: not (int)Errno.EAGAIN } io => (Errno)io.HResult, // .NET keeps the number there; EAGAIN is a file that another process has locked
            _ => Errno.None,
        };
        return errno is Errno.ENOSPC or Errno.EDQUOT or Errno.EROFS or Errno.EIO or Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM or Errno.EAGAIN ? errno
            : exception.InnerException is { } inner ? Cause(inner) : Errno.None;
    }

    private static string Advice(Errno cause, string dataRoot)
    {
        switch (cause)
        {
            case Errno.EROFS or Errno.EIO:
                return $"The disk with the data root '{dataRoot}' can only be read, or answers with errors, as after a fault of the disk: look into 'dmesg', mend it, then start berth again. Containers run on meanwhile.";
            case Errno.EMFILE or Errno.ENFILE:
                return Descriptors;
            case Errno.ENOMEM:
                return "The machine has no memory left, or the daemon's control group allows no more of it, or no more threads: end something, then try again.";
            case Errno.EAGAIN:
                return "No more processes can be started: the limit of the machine (kernel.pid_max, kernel.threads-max) or of the daemon's control group (TasksMax) is reached. End something, then try again.";
            default:
                var room = FileSystemRoom.Of(dataRoot);
                return room.Files == 0
                    ? string.Create(CultureInfo.InvariantCulture, $"The disk is full: the file system of the data root '{dataRoot}' can hold no more files (inodes), though {room.Bytes / 1024} kB are left. Remove some, for example with 'berth image prune -a' or 'berth volume prune', then try again.")
                    : string.Create(CultureInfo.InvariantCulture, $"The disk is full: the data root '{dataRoot}' has {room.Bytes / 1024} kB left. Free some space, for example with 'berth image prune -a' or 'berth volume prune', then try again.");
        }
    }
}
