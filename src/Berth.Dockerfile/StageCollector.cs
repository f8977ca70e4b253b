namespace Berth.Dockerfile;

/// <summary>Sorts instructions into stages and checks what holds between them.</summary>
internal sealed class StageCollector(DiagnosticBag diagnostics)
{
    private readonly List<ArgInstruction> _globalArgs = [];
    private readonly List<Stage> _stages = [];
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private List<Instruction> _current = [];

    public IReadOnlyList<ArgInstruction> GlobalArgs => _globalArgs;

    public void Add(LogicalLine line, InstructionParser parser)
    {
        if (parser.Keyword == "FROM")
        {
            AddStage(line, parser);
            return;
        }

        var instruction = parser.Parse();
        if (instruction is null)
        {
            return;
        }

        if (_stages.Count > 0)
        {
            CheckSources(line, instruction);
            _current.Add(instruction);
        }
        else if (instruction is ArgInstruction arg)
        {
            _globalArgs.Add(arg);
        }
        else
        {
            diagnostics.Error(line.Line, 1, $"only ARG may stand before the first FROM, not {parser.Keyword}");
        }
    }

    public IReadOnlyList<Stage> Finish() => _stages;

    private void AddStage(LogicalLine line, InstructionParser parser)
    {
        var stage = parser.ParseFrom(_stages.Count);
        _current = [];
        _stages.Add(stage with { Instructions = _current });
        if (stage.Name is { } name && !_names.TryAdd(name, stage.Index))
        {
            diagnostics.Warning(line.Line, 1, $"a stage named '{name}' exists already; later references mean this one");
            _names[name] = stage.Index;
        }
    }

    private void CheckSources(LogicalLine line, Instruction instruction)
    {
        foreach (var source in StageGraph.Sources(instruction))
        {
            if (source.Contains('$', StringComparison.Ordinal))
            {
                diagnostics.Error(
                    line.Line, 1,
                    $"'{source}': variables are not replaced in a source stage; name a stage 'FROM {source} AS NAME' before");
            }
            else if (int.TryParse(source, System.Globalization.CultureInfo.InvariantCulture, out var index)
                && (index < 0 || index >= _stages.Count - 1))
            {
                diagnostics.Error(
                    line.Line, 1,
                    $"'from={source}' must be the number of an earlier stage; this is stage {_stages.Count - 1}");
            }
            else if (_stages[^1].Name is { } own && own.Equals(source, StringComparison.OrdinalIgnoreCase))
            {
                diagnostics.Error(line.Line, 1, $"stage '{own}' cannot copy from itself");
            }
        }
    }
}
