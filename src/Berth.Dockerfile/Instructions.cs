namespace Berth.Dockerfile;

/// <summary>One instruction of a stage.</summary>
/// <param name="Line">Line of its first word, from one.</param>
/// <param name="Text">The instruction on one line, as it is shown in progress and recorded in an image's history.</param>
/// <remarks>Words are kept as written, quotes included; <see cref="Words.Expand"/> turns one into its value.</remarks>
public abstract record Instruction(int Line, string Text);

/// <summary>A key and its value as written.</summary>
public sealed record Assignment(string Key, string Value);

/// <summary>A command in exec form (<c>["a", "b"]</c>) or in shell form.</summary>
/// <param name="Arguments">The words of the exec form; null in shell form. May be empty: <c>ENTRYPOINT []</c>.</param>
/// <param name="ShellText">What the shell gets; null in exec form. Variables are the shell's business.</param>
public sealed record CommandLine(IReadOnlyList<string>? Arguments, string? ShellText)
{
    public bool IsExec => Arguments is not null;
}

/// <summary>A here-document.</summary>
/// <param name="FileDescriptor">The number before <c>&lt;&lt;</c>; zero when none.</param>
/// <param name="Name">Its delimiter; also the file name that <c>COPY</c> gives it.</param>
/// <param name="Expands">False when the delimiter was quoted: variables stay as they are.</param>
/// <param name="Content">Every line with its newline; leading tabs are gone after <c>&lt;&lt;-</c>.</param>
public sealed record Heredoc(int FileDescriptor, string Name, bool Expands, bool StripsTabs, string Content);

public sealed record ArgInstruction(int Line, string Text, IReadOnlyList<ArgDeclaration> Declarations) : Instruction(Line, Text);

/// <param name="DefaultValue">As written, or null: <c>ARG NAME</c>.</param>
public sealed record ArgDeclaration(string Name, string? DefaultValue);

public sealed record EnvInstruction(int Line, string Text, IReadOnlyList<Assignment> Variables) : Instruction(Line, Text);

public sealed record LabelInstruction(int Line, string Text, IReadOnlyList<Assignment> Labels) : Instruction(Line, Text);

/// <param name="Script">Set when the whole command is one here-document (<c>RUN &lt;&lt;EOF</c>): its text is the script, and a
/// first line <c>#!</c> names its interpreter.</param>
/// <param name="IsInsecure"><c>--security=insecure</c>: it asks for all rights that there are.</param>
public sealed record RunInstruction(
    int Line,
    string Text,
    CommandLine Command,
    IReadOnlyList<RunMount> Mounts,
    RunNetwork Network,
    Heredoc? Script,
    bool IsInsecure = false) : Instruction(Line, Text);

public enum RunNetwork
{
    Default,
    None,
    Host,
}

/// <param name="Sources">Paths in the context (or in <paramref name="From"/>); for <c>ADD</c> also URLs.</param>
/// <param name="Documents">Here-documents that are copied besides the sources.</param>
/// <param name="From">A stage's name or index, or an image; null for the build context.</param>
/// <param name="Exclude">Patterns of paths that are left out.</param>
public abstract record FileInstruction(
    int Line,
    string Text,
    IReadOnlyList<string> Sources,
    IReadOnlyList<Heredoc> Documents,
    string Destination,
    string? From,
    string? Owner,
    string? Mode,
    bool Link,
    IReadOnlyList<string> Exclude) : Instruction(Line, Text);

public sealed record CopyInstruction(
    int Line,
    string Text,
    IReadOnlyList<string> Sources,
    IReadOnlyList<Heredoc> Documents,
    string Destination,
    string? From,
    string? Owner,
    string? Mode,
    bool Link,
    IReadOnlyList<string> Exclude)
    : FileInstruction(Line, Text, Sources, Documents, Destination, From, Owner, Mode, Link, Exclude);

/// <param name="Checksum">What a downloaded source must have, as <c>sha256:…</c>; null when not asked for.</param>
public sealed record AddInstruction(
    int Line,
    string Text,
    IReadOnlyList<string> Sources,
    IReadOnlyList<Heredoc> Documents,
    string Destination,
    string? Owner,
    string? Mode,
    bool Link,
    IReadOnlyList<string> Exclude,
    string? Checksum)
    : FileInstruction(Line, Text, Sources, Documents, Destination, null, Owner, Mode, Link, Exclude);

public sealed record WorkdirInstruction(int Line, string Text, string Path) : Instruction(Line, Text);

public sealed record UserInstruction(int Line, string Text, string User) : Instruction(Line, Text);

/// <param name="Ports">As written; <see cref="ExposedPorts.TryParse"/> reads one after its variables are replaced.</param>
public sealed record ExposeInstruction(int Line, string Text, IReadOnlyList<string> Ports) : Instruction(Line, Text);

public sealed record VolumeInstruction(int Line, string Text, IReadOnlyList<string> Paths) : Instruction(Line, Text);

public sealed record CmdInstruction(int Line, string Text, CommandLine Command) : Instruction(Line, Text);

public sealed record EntrypointInstruction(int Line, string Text, CommandLine Command) : Instruction(Line, Text);

/// <param name="Command">Null for <c>HEALTHCHECK NONE</c>, which switches an inherited check off.</param>
/// <param name="Interval">Null where the engine's default applies; so for the other numbers.</param>
public sealed record HealthcheckInstruction(
    int Line,
    string Text,
    CommandLine? Command,
    TimeSpan? Interval,
    TimeSpan? Timeout,
    TimeSpan? StartPeriod,
    TimeSpan? StartInterval,
    int? Retries) : Instruction(Line, Text);

public sealed record StopSignalInstruction(int Line, string Text, string Signal) : Instruction(Line, Text);

public sealed record ShellInstruction(int Line, string Text, IReadOnlyList<string> Shell) : Instruction(Line, Text);

/// <param name="Source">The instruction's own text, as it is stored in the image.</param>
public sealed record OnBuildInstruction(int Line, string Text, string Source, Instruction Trigger) : Instruction(Line, Text);

public sealed record MaintainerInstruction(int Line, string Text, string Name) : Instruction(Line, Text);

/// <summary>A <c>RUN --mount</c>.</summary>
/// <param name="Target">Where the step sees it; may contain variables. Null only for an agent or a secret that takes its default
/// place, <c>/run/buildkit/ssh_agent.NUMBER</c> or <c>/run/secrets/ID</c>, and for a secret that becomes a variable.</param>
public abstract record RunMount(string? Target);

/// <param name="From">A stage or image; null for the build context.</param>
/// <param name="Source">Path within; <c>/</c> when not given.</param>
/// <param name="Writable">Writes are seen by this step and then thrown away.</param>
public sealed record BindMount(string Target, string? From, string Source, bool Writable) : RunMount(Target);

/// <param name="Id">Which cache; the target's path when not given.</param>
/// <param name="From">What an empty cache starts with; null for nothing.</param>
public sealed record CacheMount(
    string Target,
    string Id,
    CacheSharing Sharing,
    bool ReadOnly,
    string? From,
    string Source,
    int Mode,
    int UserId,
    int GroupId) : RunMount(Target);

public enum CacheSharing
{
    /// <summary>Steps write at the same time.</summary>
    Shared,

    /// <summary>A step that finds the cache in use gets a new one.</summary>
    Private,

    /// <summary>A step waits until the cache is free.</summary>
    Locked,
}

/// <param name="SizeBytes">Null for no limit of its own.</param>
public sealed record TmpfsMount(string Target, long? SizeBytes) : RunMount(Target);

/// <param name="Id">Which agent; <c>default</c> when not given.</param>
public sealed record SshMount(string? Target, string Id, bool Required, int Mode, int UserId, int GroupId) : RunMount(Target);

/// <param name="Variable">Name of the environment variable that carries it; null for a file.</param>
public sealed record SecretMount(string? Target, string Id, string? Variable, bool Required, int Mode, int UserId, int GroupId)
    : RunMount(Target);
