namespace Berth.Dockerfile;

/// <summary>Reads a Dockerfile into typed instructions and reports every mistake in it at once.</summary>
public static class DockerfileParser
{
    private const int LengthLimit = 1 << 20; // characters; the largest real Dockerfiles are a tenth of it
    private const int StageLimit = 1000;

    /// <param name="fileName">Stands in front of every diagnostic.</param>
    public static DockerfileParseResult Parse(string text, string fileName)
    {
        var diagnostics = new DiagnosticBag(fileName);
        if (text.Length > LengthLimit)
        {
            diagnostics.Error(1, 1, $"the file is longer than {LengthLimit >> 20} MiB");
            return new DockerfileParseResult(null, diagnostics.InOrder());
        }

        var reader = new LineReader(text, diagnostics);
        var stages = new StageCollector(diagnostics);
        while (reader.Next() is { } line)
        {
            stages.Add(line, new InstructionParser(line, reader.Escape, diagnostics));
        }

        var parsed = stages.Finish();
        if (parsed.Count == 0 && !diagnostics.HasErrors)
        {
            diagnostics.Error(1, 1, "the file has no stage: it must have a FROM instruction");
        }
        else if (parsed.Count > StageLimit)
        {
            diagnostics.Error(parsed[StageLimit].Line, 1, $"the file has more than {StageLimit} stages");
        }

        var dockerfile = diagnostics.HasErrors ? null : new DockerfileModel(stages.GlobalArgs, parsed, reader.Escape, reader.Directives);
        return new DockerfileParseResult(dockerfile, diagnostics.InOrder());
    }
}
