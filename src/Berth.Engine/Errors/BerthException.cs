namespace Berth.Engine.Errors;

/// <summary>What the caller can do about a failure. Mapped to HTTP in one place, in <c>Berth.Api</c>.</summary>
public enum ErrorKind
{
    /// <summary>The request itself is wrong (400).</summary>
    Invalid,

    /// <summary>What was named does not exist (404).</summary>
    NotFound,

    /// <summary>It exists, but its present state forbids this (409).</summary>
    Conflict,

    /// <summary>There is nothing to do (304).</summary>
    NotModified,

    /// <summary>The credentials are not accepted (401).</summary>
    Unauthorized,

    /// <summary>The caller may not do this (403).</summary>
    Forbidden,

    /// <summary>Something outside Berth did not answer (503).</summary>
    Unavailable,

    /// <summary>The machine has run out of something; see <see cref="Shortage"/> (503).</summary>
    Exhausted,

    /// <summary>Something outside Berth failed in a way the caller cannot mend (500).</summary>
    Failed,

    /// <summary>Berth knows this, but does not do it (501).</summary>
    NotSupported,
}

/// <summary>A failure that has been understood: its message names what was asked, what stood in the way, and what to do.</summary>
public sealed class BerthException(ErrorKind kind, string message, Exception? inner = null) : Exception(message, inner)
{
    public ErrorKind Kind { get; } = kind;

    public static BerthException NotFound(string message) => new(ErrorKind.NotFound, message);

    public static BerthException Invalid(string message) => new(ErrorKind.Invalid, message);

    public static BerthException Conflict(string message) => new(ErrorKind.Conflict, message);
}
