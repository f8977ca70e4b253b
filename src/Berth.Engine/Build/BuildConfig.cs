using Berth.Engine.Containers;
using Berth.Engine.Images;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Registry;

namespace Berth.Engine.Build;

/// <summary>What to build.</summary>
public sealed record BuildConfig
{
    /// <summary>The context: a directory. Links in it are resolved within it.</summary>
    public required string ContextDirectory { get; init; }

    /// <summary>Path below the context; an absolute path is a file of the host, as Compose allows.</summary>
    public string DockerfilePath { get; init; } = "Dockerfile";

    /// <summary>The Dockerfile's text, where there is no file.</summary>
    public string? DockerfileText { get; init; }

    /// <summary>Null takes the daemon's own variable of that name, as <c>--build-arg NAME</c> does in Docker.</summary>
    public IReadOnlyDictionary<string, string?> BuildArguments { get; init; } = new Dictionary<string, string?>();

    public string? Target { get; init; }

    /// <summary>What makes two builds versions of the same one, to say what changed in between. Null: the context's path.</summary>
    public string? Identity { get; init; }

    public IReadOnlyList<ImageReference> Tags { get; init; } = [];

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>What <c>FROM</c> and <c>--from</c> find by name, before stages and images of that name; names without regard to case.</summary>
    public IReadOnlyDictionary<string, BuildContext> Contexts { get; init; } = new Dictionary<string, BuildContext>();

    public bool NoCache { get; init; }

    /// <summary>Ask the registry for base images even when they are here.</summary>
    public bool Pull { get; init; }

    /// <summary>The network of <c>RUN</c> steps that name none.</summary>
    public string Network { get; init; } = "default";

    public Platform? Platform { get; init; }

    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary>What each <c>RUN</c> step may use: memory, processors, shared memory, ulimits and the group above.</summary>
    public HostConfig Limits { get; init; } = new();

    /// <summary>Secrets by id, for <c>RUN --mount=type=secret</c>. Never stored.</summary>
    public IReadOnlyDictionary<string, byte[]> Secrets { get; init; } = new Dictionary<string, byte[]>();

    /// <summary>Agents by id, for <c>RUN --mount=type=ssh</c>: an SSH agent's socket, or a file with a private key.</summary>
    public IReadOnlyDictionary<string, string> Agents { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether <c>RUN --security=insecure</c> is allowed: a step that may do anything to this machine.</summary>
    public bool AllowsInsecure { get; init; }

    /// <summary>Credentials for a registry, or null.</summary>
    public Func<string, RegistryCredentials?> Credentials { get; init; } = static _ => null;
}

/// <summary>An additional context: files, or an image.</summary>
public abstract record BuildContext;

/// <param name="Directory">Its <c>.dockerignore</c> counts; links in it are resolved within it.</param>
public sealed record FolderContext(string Directory) : BuildContext;

/// <param name="Name">As <c>FROM</c> takes it.</param>
/// <param name="IsLocal">It is here, and no registry is asked for it, whatever the build says.</param>
public sealed record ImageContext(string Name, bool IsLocal) : BuildContext;

public sealed class BuilderOptions
{
    /// <summary>Whether RUN steps see the host's CA bundle. Default <see cref="HostCertificates.Auto"/>.</summary>
    public HostCertificates HostCertificates { get; set; } = HostCertificates.Auto;

    /// <summary>RUN steps at the same time, over all builds. Default: one for each processor, at least two.</summary>
    public int ConcurrentSteps { get; set; } = Math.Max(2, Environment.ProcessorCount);

    /// <summary>Largest size of layers kept for the cache alone. Default 20 GB, what Docker's collector keeps by default on small disks.</summary>
    public long CacheLimitBytes { get; set; } = 20_000_000_000;
}

public enum HostCertificates
{
    /// <summary>When the host trusts certificates that its distribution did not bring.</summary>
    Auto,
    Always,
    Never,
}

/// <summary>What happens in a build, in order for each stage; stages run side by side.</summary>
public abstract record BuildEvent;

/// <summary>A step of a stage: <c>[web 2/5] RUN …</c>.</summary>
public sealed record BuildStep(int StageIndex, string? StageName, int Number, int Count, int Line, string Text)
{
    public override string ToString() => $"[{(StageName is null ? (StageIndex == 0 ? "" : $"stage-{StageIndex} ") : StageName + " ")}{Number}/{Count}] {Text}";
}

/// <summary>A step begins. <paramref name="MissReason"/> says why the cache did not serve, when it might have.</summary>
public sealed record StepStarted(BuildStep Step, string? MissReason) : BuildEvent;

public sealed record StepCached(BuildStep Step) : BuildEvent;

public sealed record StepPrinted(BuildStep Step, StepOutput Output) : BuildEvent;

/// <summary>A base image is being pulled.</summary>
public sealed record BasePulled(BuildStep Step, ImageProgress Progress) : BuildEvent;

public sealed record StepFinished(BuildStep Step, TimeSpan Duration) : BuildEvent;

public sealed record BuildWarned(string Message) : BuildEvent;

/// <summary>The last event of a build that worked.</summary>
public sealed record BuildSucceeded(Image Image) : BuildEvent;

/// <summary>The last event of one that did not. <paramref name="ExitCode"/> is set when a command failed.</summary>
public sealed record BuildFailed(string Message, int? Line, int? ExitCode) : BuildEvent;

/// <summary>A step failed for a reason that is the Dockerfile's, the context's or the command's.</summary>
internal sealed class BuildException(int? line, string message, int? exitCode = null, Exception? inner = null) : Exception(message, inner)
{
    public int? Line { get; } = line;

    public int? ExitCode { get; } = exitCode;
}
