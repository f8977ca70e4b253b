using System.Globalization;
using Berth.Linux;
using Berth.Linux.Sqlite;

namespace Berth.Engine.Errors;

/// <summary>Failures because a disk is full: recognised wherever they come from, and told with where and what to do.</summary>
public static class DiskSpace
{
    private const int SqliteFull = 13; // SQLITE_FULL, sqlite.org/rescode.html
    private const long AsGoodAsFull = 256 << 10; // bytes; a program that wants to write more than that has just failed

    /// <summary>Whether that, or what caused it, is the kernel's or SQLite's answer that there is no room.</summary>
    public static bool IsExhausted(Exception exception) => exception switch
    {
        LinuxException linux => linux.Errno is Errno.ENOSPC or Errno.EDQUOT,
        SqliteException sqlite => sqlite.Code == SqliteFull,
        IOException io when io.HResult is (int)Errno.ENOSPC or (int)Errno.EDQUOT => true, // .NET keeps the errno there
        { InnerException: { } inner } => IsExhausted(inner),
        _ => false,
    };

    /// <summary>The failure in words that say where there is no room and what to do.</summary>
    public static BerthException Explain(Exception exception, string dataRoot) =>
        exception is BerthException { Kind: ErrorKind.Unavailable } told && told.Message.StartsWith("The disk is full", StringComparison.Ordinal)
            ? told
            : new(ErrorKind.Unavailable, $"{Advice(dataRoot)} What failed: {exception.Message}", exception);

    /// <summary>What to add to a program's failure: empty while there is room below the data root.</summary>
    public static string AdviceWhenFull(string dataRoot) => new DriveInfo(dataRoot).AvailableFreeSpace < AsGoodAsFull ? " " + Advice(dataRoot) : "";

    private static string Advice(string dataRoot) => string.Create(
        CultureInfo.InvariantCulture,
        $"The disk is full: the data root '{dataRoot}' has {new DriveInfo(dataRoot).AvailableFreeSpace / 1024} kB left. Free some space, for example with 'berth image prune -a' or 'berth volume prune', then try again.");
}
