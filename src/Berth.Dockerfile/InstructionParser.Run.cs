using System.Text;

namespace Berth.Dockerfile;

// RUN and its flags.
internal sealed partial class InstructionParser
{
    private RunInstruction ParseRun()
    {
        var mounts = new List<RunMount>();
        foreach (var flag in _flags.TakeEach("mount"))
        {
            if (MountParser.Parse(flag.Value ?? string.Empty, mistake => Report(flag.Offset, $"--mount: {mistake}")) is { } mount)
            {
                mounts.Add(mount);
            }
        }

        var isInsecure = ParseSecurity();
        var network = ParseNetwork();
        var (command, script) = ParseScript();
        return new RunInstruction(_line.Line, Source, command, mounts, network, script, isInsecure);
    }

    private (CommandLine Command, Heredoc? Script) ParseScript()
    {
        if (_line.Documents.Count == 0)
        {
            var command = ParseCommand(emptyAllowed: false);
            return (command, null);
        }

        var text = _rest.TrimEnd();
        List<HeredocMarker> markers = [.. Words.Split(text, 0, _escape).Select(HeredocMarker.TryParse).OfType<HeredocMarker>()];
        if (markers.Count == 1 && markers[0].Offset == 0 && Words.Split(text, 0, _escape).Count == 1)
        {
            var script = Document(markers[0], _line.Documents[0]);
            return (new CommandLine(null, script.Content), script);
        }

        return (new CommandLine(null, WithDocuments(text, markers)), null);
    }

    /// <summary>The shell reads the documents itself, so they follow the command as they did in the file.</summary>
    private string WithDocuments(string text, List<HeredocMarker> markers)
    {
        var command = new StringBuilder(text);
        foreach (var (marker, content) in markers.Zip(_line.Documents))
        {
            command.Append('\n').Append(content).Append(marker.Name);
        }

        return command.Append('\n').ToString();
    }

    private RunNetwork ParseNetwork()
    {
        if (_flags.Take("network") is not { } flag)
        {
            return RunNetwork.Default;
        }

        switch (flag.Value)
        {
            case "default":
                return RunNetwork.Default;
            case "none":
                return RunNetwork.None;
            case "host":
                return RunNetwork.Host;
            default:
                Report(flag.Offset, $"--network must be default, none or host, not '{Shorten(flag.Value ?? string.Empty)}'");
                return RunNetwork.Default;
        }
    }

    private bool ParseSecurity()
    {
        if (_flags.Take("security") is not { } flag)
        {
            return false;
        }

        if (flag.Value is not ("sandbox" or "insecure"))
        {
            Report(flag.Offset, $"--security must be sandbox or insecure, not '{Shorten(flag.Value ?? string.Empty)}'");
        }

        return flag.Value == "insecure";
    }
}
