namespace Berth.Dockerfile;

/// <summary>A parsed Dockerfile. Variables are not yet replaced: their values are known only while building.</summary>
/// <param name="GlobalArgs">The <c>ARG</c>s before the first <c>FROM</c>; they are visible in <c>FROM</c> lines.</param>
/// <param name="Escape">The escape character, <c>\</c> unless the file's first lines say otherwise.</param>
/// <param name="Directives">What stood in the parser directives <c>syntax</c>, <c>escape</c> and <c>check</c>.</param>
public sealed record DockerfileModel(
    IReadOnlyList<ArgInstruction> GlobalArgs,
    IReadOnlyList<Stage> Stages,
    char Escape,
    IReadOnlyDictionary<string, string> Directives);

/// <summary>One <c>FROM</c> and what follows it.</summary>
/// <param name="Name">In lower case, or null without <c>AS</c>.</param>
/// <param name="Index">Position in the file, from zero.</param>
/// <param name="From">The base image, <c>scratch</c> or an earlier stage; may contain variables.</param>
/// <param name="Platform">The value of <c>--platform</c>; may contain variables.</param>
/// <param name="Line">Where its <c>FROM</c> stands.</param>
public sealed record Stage(
    string? Name,
    int Index,
    string From,
    string? Platform,
    IReadOnlyList<Instruction> Instructions,
    int Line,
    string Text);

public enum DiagnosticSeverity
{
    /// <summary>The file builds, but probably not what was meant.</summary>
    Warning,

    /// <summary>The file cannot be built.</summary>
    Error,
}

/// <summary>One mistake, where it is.</summary>
/// <param name="Line">From one.</param>
/// <param name="Column">From one.</param>
public sealed record DockerfileDiagnostic(string File, int Line, int Column, string Message, DiagnosticSeverity Severity)
{
    public override string ToString() => Severity == DiagnosticSeverity.Error
        ? $"{File}:{Line}:{Column}: {Message}"
        : $"{File}:{Line}:{Column}: warning: {Message}";
}

/// <param name="Dockerfile">Null when there is an error among the diagnostics.</param>
/// <param name="Diagnostics">Every mistake, in the order of the file.</param>
public sealed record DockerfileParseResult(DockerfileModel? Dockerfile, IReadOnlyList<DockerfileDiagnostic> Diagnostics)
{
    public IEnumerable<DockerfileDiagnostic> Errors => Diagnostics.Where(one => one.Severity == DiagnosticSeverity.Error);

    public IEnumerable<DockerfileDiagnostic> Warnings => Diagnostics.Where(one => one.Severity == DiagnosticSeverity.Warning);
}
