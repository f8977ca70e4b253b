using System.Globalization;
using Berth.Engine.Errors;
using Berth.Linux.Sqlite;

namespace Berth.Engine.State;

/// <summary>The tables of the state, as steps from each version to the next. A step that was once released stays as it is: a later one changes what it made.</summary>
internal static class Schema
{
    /// <summary>Step N leads from version N to N + 1.</summary>
    internal static readonly IReadOnlyList<string> Steps =
    [
        """
        CREATE TABLE documents (kind TEXT NOT NULL, id TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (kind, id));
        CREATE TABLE intents (id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, data BLOB NOT NULL);
        """,
    ];

    /// <summary>Takes the steps that the database lacks, each as a whole: one that is interrupted is taken again by the next start.</summary>
    /// <exception cref="BerthException">The file was written by a newer Berth.</exception>
    internal static void Upgrade(SqliteDatabase database, IReadOnlyList<string> steps)
    {
        database.Execute("CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL)");
        var version = VersionOf(database);
        if (version > steps.Count)
        {
            throw new BerthException(
                ErrorKind.Failed,
                $"The state in '{database.Path}' has schema version {version}; this Berth knows up to {steps.Count}. Install the newer Berth again, or use another --data-root.");
        }

        for (; version < steps.Count; version++)
        {
            database.Execute("BEGIN IMMEDIATE");
            try
            {
                database.Execute(steps[(int)version]);
                database.Execute(string.Create(CultureInfo.InvariantCulture, $"DELETE FROM schema; INSERT INTO schema VALUES ({version + 1}); COMMIT"));
            }
            catch
            {
                database.Execute("ROLLBACK");
                throw;
            }
        }
    }

    private static long VersionOf(SqliteDatabase database)
    {
        using var query = database.Prepare("SELECT version FROM schema");
        return query.Step() ? query.Int64(0) : 0;
    }
}
