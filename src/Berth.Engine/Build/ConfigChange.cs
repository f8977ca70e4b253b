using Berth.Dockerfile;
using Berth.Engine.Containers.Files;
using Berth.Oci.Images;

namespace Berth.Engine.Build;

/// <summary>What instructions that make no layer change of an image's configuration. Pure. Dockerfile reference; <c>docker commit --change</c> takes some of them.</summary>
/// <param name="Config">As it is by now.</param>
/// <param name="HasOwnCommand">A CMD was among the instructions, so that an ENTRYPOINT does not take the command away.</param>
public sealed record ConfigChange(ContainerDefaults Config, bool HasOwnCommand = false)
{
    private static readonly IReadOnlyList<string> DefaultShell = ["/bin/sh", "-c"];

    /// <summary>Set by MAINTAINER.</summary>
    internal string? Author { get; init; }

    /// <summary>Applies lines as <c>docker commit --change</c> and <c>docker import --change</c> have them, such as <c>CMD ["app"]</c>.</summary>
    /// <exception cref="Errors.BerthException">Not an instruction, or one that does more than change the configuration.</exception>
    public static ContainerDefaults ApplyLines(ContainerDefaults config, IEnumerable<string> lines)
    {
        var change = new ConfigChange(config);
        foreach (var line in lines.SelectMany(text => text.Split('\n')).Where(line => line.Trim().Length > 0))
        {
            var parsed = DockerfileParser.Parse($"FROM scratch\n{line}\n", "--change");
            if (parsed.Dockerfile is not { Stages: [{ Instructions: [var instruction] }] })
            {
                throw Errors.BerthException.Invalid(parsed.Errors.Any(error => error.Message.StartsWith("unknown instruction", StringComparison.Ordinal))
                    ? $"{line.Trim().Split(' ')[0].ToUpperInvariant()} is not a valid change command" : string.Join("; ", parsed.Errors.Select(error => error.Message)));
            }

            try
            {
                change = instruction is WorkdirInstruction workdir
                    ? change with { Config = change.Config with { WorkingDir = ContainerView.Clean(workdir.Path.StartsWith('/') ? workdir.Path : $"{change.Config.WorkingDir}/{workdir.Path}") } }
                    : change.Apply(instruction, word => Words.Expand(word, name => change.Variable(name)), word => Words.ExpandToWords(word, name => change.Variable(name)))
                        ?? throw Errors.BerthException.Invalid($"{line.Split(' ')[0].ToUpperInvariant()} is not a valid change command");
            }
            catch (Exception exception) when (exception is WordException or FormatException)
            {
                throw Errors.BerthException.Invalid($"{line}: {exception.Message}");
            }
        }

        return change.Config;
    }

    /// <summary>The configuration after one instruction; null when that one is not about configuration.</summary>
    /// <param name="expand">Puts variables into a word.</param>
    /// <param name="expandToWords">The same for a word that may become several.</param>
    /// <exception cref="FormatException">A port that is none.</exception>
    internal ConfigChange? Apply(Instruction instruction, Func<string, string> expand, Func<string, IEnumerable<string>> expandToWords) => instruction switch
    {
        EnvInstruction env => With(Config with
        {
            Env = env.Variables.Select(variable => (variable.Key, Value: expand(variable.Value))).ToList().Aggregate(Config.Env ?? [], (all, one) => WithVariable(all, one.Key, one.Value)),
        }),
        LabelInstruction label => With(Config with { Labels = WithLabels(label.Labels.Select(one => (expand(one.Key), expand(one.Value)))) }),
        UserInstruction user => With(Config with { User = expand(user.User) }),
        ExposeInstruction expose => With(Config with { ExposedPorts = WithMembers(Config.ExposedPorts, expose.Ports.SelectMany(expandToWords).SelectMany(Ports)) }),
        VolumeInstruction volume => With(Config with { Volumes = WithMembers(Config.Volumes, volume.Paths.Select(expand)) }),
        CmdInstruction cmd => this with { HasOwnCommand = true, Config = Config with { Cmd = CommandOf(cmd.Command) } },
        EntrypointInstruction entrypoint => With(Config with { Entrypoint = CommandOf(entrypoint.Command) is { Count: > 0 } words ? words : null, Cmd = HasOwnCommand ? Config.Cmd : null }),
        HealthcheckInstruction health => With(Config with { Healthcheck = HealthOf(health) }),
        StopSignalInstruction stop => With(Config with { StopSignal = SignalOf(expand(stop.Signal)) }),
        ShellInstruction shell => With(Config with { Shell = shell.Shell }),
        OnBuildInstruction trigger => With(Config with { OnBuild = [.. Config.OnBuild ?? [], trigger.Source] }),
        MaintainerInstruction maintainer => this with { Author = maintainer.Name },
        _ => null,
    };

    /// <summary>The words of a command; one in shell form is run by the image's shell.</summary>
    internal IReadOnlyList<string> CommandOf(CommandLine command) => command.Arguments ?? [.. Config.Shell ?? DefaultShell, command.ShellText!];

    /// <summary>The value of an environment variable.</summary>
    internal string? Variable(string name) => (Config.Env ?? []).FirstOrDefault(one => one.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];

    private ConfigChange With(ContainerDefaults config) => this with { Config = config };

    private Dictionary<string, string> WithLabels(IEnumerable<(string Key, string Value)> added)
    {
        var labels = new Dictionary<string, string>(Config.Labels ?? [], StringComparer.Ordinal);
        foreach (var (key, value) in added)
        {
            labels[key] = value;
        }

        return labels;
    }

    private static HealthCheck HealthOf(HealthcheckInstruction health) => new()
    {
        Test = health.Command is not { } command ? ["NONE"] : command.IsExec ? ["CMD", .. command.Arguments!] : ["CMD-SHELL", command.ShellText!],
        Interval = Nanoseconds(health.Interval),
        Timeout = Nanoseconds(health.Timeout),
        StartPeriod = Nanoseconds(health.StartPeriod),
        StartInterval = Nanoseconds(health.StartInterval),
        Retries = health.Retries,
    };

    private static long? Nanoseconds(TimeSpan? time) => time is { } span ? span.Ticks * TimeSpan.NanosecondsPerTick : null;

    private static string SignalOf(string text) => Containers.Signals.TryParse(text, out _) ? text : throw new FormatException($"STOPSIGNAL: '{text}' is not a signal; expected a name such as SIGTERM, or a number.");

    private static IEnumerable<string> Ports(string text) => ExposedPorts.TryParse(text, out var ports)
        ? ports
        : throw new FormatException($"EXPOSE: '{text}' is not a port; expected PORT[-PORT][/tcp|udp|sctp].");

    private static Dictionary<string, EmptyObject> WithMembers(Dictionary<string, EmptyObject>? set, IEnumerable<string> members) =>
        set is not null && members.All(set.ContainsKey) ? set : (set?.Keys ?? Enumerable.Empty<string>()).Concat(members).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .ToDictionary(member => member, _ => EmptyObject.Instance, StringComparer.Ordinal);

    private static List<string> WithVariable(IReadOnlyList<string> environment, string key, string value)
    {
        var changed = environment.ToList();
        var at = changed.FindIndex(one => one.StartsWith(key + "=", StringComparison.Ordinal));
        if (at >= 0)
        {
            changed[at] = $"{key}={value}";
        }
        else
        {
            changed.Add($"{key}={value}");
        }

        return changed;
    }
}
