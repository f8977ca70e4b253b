using System.Text;

namespace Berth.Linux.Sqlite;

/// <summary>A compiled statement. Parameters are numbered from 1, columns from 0.</summary>
public sealed unsafe class SqliteStatement : IDisposable
{
    private readonly SqliteDatabase _database;
    private readonly string _sql;
    private nint _handle;

    internal SqliteStatement(SqliteDatabase database, nint handle, string sql)
    {
        _database = database;
        _handle = handle;
        _sql = sql;
    }

    public SqliteStatement Bind(int index, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        fixed (byte* pointer = bytes.Length == 0 ? [0] : bytes)
        {
            Check(Sqlite3.sqlite3_bind_text(_handle, index, pointer, bytes.Length, Sqlite3.SQLITE_TRANSIENT));
        }

        return this;
    }

    public SqliteStatement Bind(int index, ReadOnlySpan<byte> value)
    {
        fixed (byte* pointer = value.IsEmpty ? [0] : value)
        {
            Check(Sqlite3.sqlite3_bind_blob(_handle, index, pointer, value.Length, Sqlite3.SQLITE_TRANSIENT));
        }

        return this;
    }

    public SqliteStatement Bind(int index, long value)
    {
        Check(Sqlite3.sqlite3_bind_int64(_handle, index, value));
        return this;
    }

    /// <summary>Moves to the next row; false at the end.</summary>
    public bool Step()
    {
        var result = Sqlite3.sqlite3_step(_handle);
        return result switch
        {
            Sqlite3.SQLITE_ROW => true,
            Sqlite3.SQLITE_DONE => false,
            _ => throw Failed(result),
        };
    }

    /// <summary>Runs to the end and makes the statement ready for its next use.</summary>
    public void Run()
    {
        while (Step())
        {
        }

        Reset();
    }

    public void Reset() => _ = Sqlite3.sqlite3_reset(_handle);

    public long Int64(int column) => Sqlite3.sqlite3_column_int64(_handle, column);

    public byte[] Bytes(int column)
    {
        var data = Sqlite3.sqlite3_column_blob(_handle, column);
        return new ReadOnlySpan<byte>(data, Sqlite3.sqlite3_column_bytes(_handle, column)).ToArray();
    }

    public string Text(int column) => Encoding.UTF8.GetString(Bytes(column));

    public void Dispose()
    {
        if (_handle != 0)
        {
            _ = Sqlite3.sqlite3_finalize(_handle);
            _handle = 0;
        }
    }

    private SqliteException Failed(int result)
    {
        var error = _database.Error(result, _sql);
        Reset();
        return error;
    }

    private void Check(int result)
    {
        if (result != Sqlite3.SQLITE_OK)
        {
            throw Failed(result);
        }
    }
}
