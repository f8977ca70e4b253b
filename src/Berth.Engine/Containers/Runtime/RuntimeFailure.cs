using System.Text.Json;
using System.Text.RegularExpressions;
using Berth.Engine.Errors;

namespace Berth.Engine.Containers.Runtime;

/// <summary>Turns what crun or runc print into the error that Docker reports, with its exit code (126 or 127 for a bad command).</summary>
internal static partial class RuntimeFailure
{
    // crun's words; man crun(1) has no list of them
    [GeneratedRegex("executable file [`']([^`']*)[`'] not found in \\$PATH(: No such file or directory)?")]
    private static partial Regex MissingExecutable();

    /// <summary>A start that failed because of the command itself, with the exit code that <c>docker run</c> then ends with.</summary>
    internal static BerthException From(string text, string verb)
    {
        var message = InDockersWords(Message(text));
        var kind = ExitCode(message) is null ? ErrorKind.Failed : ErrorKind.Invalid;
        return new(kind, verb == "exec" ? $"OCI runtime exec failed: exec failed: unable to start container process: {message}: unknown" : $"failed to {verb} task for container: {message}");
    }

    /// <summary>127 when the program does not exist, 126 when it cannot be executed, else null.</summary>
    internal static int? ExitCode(string message)
    {
        if (message.Contains("no such file or directory", StringComparison.OrdinalIgnoreCase)
            || message.Contains("executable file not found", StringComparison.OrdinalIgnoreCase)
            || message.Contains("executable file `", StringComparison.Ordinal) && message.Contains("not found", StringComparison.Ordinal))
        {
            return 127;
        }

        return message.Contains("permission denied", StringComparison.OrdinalIgnoreCase)
            || message.Contains("is a directory", StringComparison.OrdinalIgnoreCase)
            || message.Contains("exec format error", StringComparison.OrdinalIgnoreCase)
            ? 126
            : null;
    }

    // Docker's client takes its exit code from these words, as Go's runc writes them; crun has the C library's capital letters, and
    // "Operation not permitted" for a directory.
    private static string InDockersWords(string message) => MissingExecutable().Replace(message, match => match.Groups[1].Value.Contains('/', StringComparison.Ordinal)
            ? $"exec: \"{match.Groups[1].Value}\": stat {match.Groups[1].Value}: no such file or directory"
            : $"exec: \"{match.Groups[1].Value}\": executable file not found in $PATH")
        .Replace("open executable: Operation not permitted", "open executable: permission denied (a directory, or not executable)", StringComparison.Ordinal)
        .Replace("No such file or directory", "no such file or directory", StringComparison.Ordinal)
        .Replace("Permission denied", "permission denied", StringComparison.Ordinal)
        .Replace("Is a directory", "is a directory", StringComparison.Ordinal)
        .Replace("Exec format error", "exec format error", StringComparison.Ordinal);

    // Both runtimes may log JSON or key=value lines; the last one says what failed.
    private static string Message(string text)
    {
        var line = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "the runtime said nothing";
        if (line.StartsWith('{'))
        {
            try
            {
                using var document = JsonDocument.Parse(line);
                return document.RootElement.TryGetProperty("msg", out var msg) ? msg.GetString() ?? line : line;
            }
            catch (JsonException)
            {
                return line; // not JSON after all: the line as it is says most
            }
        }

        var marker = line.IndexOf("msg=\"", StringComparison.Ordinal);
        return marker >= 0 ? line[(marker + 5)..].TrimEnd('"').Replace("\\\"", "\"", StringComparison.Ordinal) : line;
    }
}
