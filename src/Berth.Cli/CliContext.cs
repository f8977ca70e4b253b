using System.Text;
using Berth.Client;
using Berth.Linux.Terminals;

namespace Berth.Cli;

/// <summary>Which meanings a verb may have.</summary>
internal enum Vocabulary
{
    /// <summary>A name is a service where there is a project that has it.</summary>
    Both,

    /// <summary><c>berth docker …</c>, or a program named docker.</summary>
    Docker,

    /// <summary><c>berth compose …</c>, or a program named docker-compose.</summary>
    Compose,
}

/// <summary>The world of one command: the daemon, the environment, and the three standard streams.</summary>
internal sealed class CliContext
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    internal CliContext(Vocabulary vocabulary, string program, IReadOnlyDictionary<string, string> environment)
    {
        (Vocabulary, Program, Environment) = (vocabulary, program, environment);
        OutputStream = new DescriptorStream(1, FileAccess.Write);
        ErrorStream = new DescriptorStream(2, FileAccess.Write);
        Output = new StreamWriter(OutputStream, s_utf8, 16 * 1024) { AutoFlush = false };
        Error = new StreamWriter(ErrorStream, s_utf8, 1024) { AutoFlush = true };
    }

    internal Vocabulary Vocabulary { get; set; }

    /// <summary>As the user calls it, for the help.</summary>
    internal string Program { get; set; }

    internal IReadOnlyDictionary<string, string> Environment { get; }

    internal string CurrentFolder { get; } = Directory.GetCurrentDirectory();

    internal string? Host { get; set; }

    internal DaemonClient Client
    {
        get
        {
            try
            {
                return field ??= new(DaemonAddress.Parse(Host ?? Variable("BERTH_HOST") ?? Variable("DOCKER_HOST") ?? DaemonAddress.Default) with { Certificates = DaemonCertificates.From(Variable) });
            }
            catch (FormatException exception)
            {
                throw new CliException(1, exception.Message);
            }
        }
    }

    internal ProjectOptions Project { get; } = new();

    internal Stream OutputStream { get; }

    internal Stream ErrorStream { get; }

    internal StreamWriter Output { get; }

    internal StreamWriter Error { get; }

    internal static bool OutputIsTerminal => Terminal.IsTerminal(1);

    internal static bool ErrorIsTerminal => Terminal.IsTerminal(2);

    internal static bool InputIsTerminal => Terminal.IsTerminal(0);

    internal bool HasColours => Project.Ansi == "always" || (Project.Ansi == "auto" && Variable("NO_COLOR") is null);

    internal string? Variable(string name) => Environment.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    internal static Stream OpenInput() => new DescriptorStream(0, FileAccess.Read);
}
