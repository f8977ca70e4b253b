using System.Runtime.InteropServices;

namespace Berth.Linux.Sqlite;

/// <summary>One connection to a database file. Not thread-safe: its owner serialises its use.</summary>
public sealed unsafe class SqliteDatabase : IDisposable
{
    private nint _handle;

    private SqliteDatabase(nint handle, string path)
    {
        _handle = handle;
        Path = path;
    }

    public string Path { get; }

    /// <exception cref="SqliteException">The file cannot be opened or is not a database.</exception>
    public static SqliteDatabase Open(string path)
    {
        var result = Sqlite3.sqlite3_open_v2(
            path, out var handle, Sqlite3.SQLITE_OPEN_READWRITE | Sqlite3.SQLITE_OPEN_CREATE | Sqlite3.SQLITE_OPEN_NOMUTEX, 0);
        var database = new SqliteDatabase(handle, path);
        if (result != Sqlite3.SQLITE_OK)
        {
            var error = database.Error(result, "open");
            database.Dispose();
            throw error;
        }

        _ = Sqlite3.sqlite3_busy_timeout(handle, 10_000);
        return database;
    }

    /// <summary>Runs statements that return nothing.</summary>
    public void Execute(string sql)
    {
        var result = Sqlite3.sqlite3_exec(_handle, sql, 0, 0, 0);
        if (result != Sqlite3.SQLITE_OK)
        {
            throw Error(result, sql);
        }
    }

    /// <summary>Compiles one statement, to be run often.</summary>
    public SqliteStatement Prepare(string sql)
    {
        var result = Sqlite3.sqlite3_prepare_v2(_handle, sql, -1, out var statement, 0);
        return result == Sqlite3.SQLITE_OK ? new SqliteStatement(this, statement, sql) : throw Error(result, sql);
    }

    public void Dispose()
    {
        if (_handle != 0)
        {
            _ = Sqlite3.sqlite3_close_v2(_handle);
            _handle = 0;
        }
    }

    internal SqliteException Error(int code, string what) =>
        new(code, $"SQLite cannot do '{what}' in '{Path}': {Marshal.PtrToStringUTF8((nint)Sqlite3.sqlite3_errmsg(_handle))} (code {code}).");
}

/// <summary>SQLite refused. <see cref="Code"/> is its result code, sqlite.org/rescode.html (13 is: disk full).</summary>
public sealed class SqliteException(int code, string message) : IOException(message)
{
    public int Code { get; } = code;
}
