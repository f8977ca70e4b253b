namespace Berth.Compose;

/// <summary>One mistake or warning, where it is.</summary>
/// <param name="File">As a user would name it: relative to the folder the command runs in, when it lies below.</param>
/// <param name="Line">From one; zero when the message is about no particular line.</param>
/// <param name="Column">From one.</param>
public sealed record ComposeDiagnostic(string File, int Line, int Column, string Message)
{
    public override string ToString() => File.Length == 0
        ? Message
        : Line == 0 ? $"{File}: {Message}" : $"{File}:{Line}:{Column}: {Message}";
}

/// <summary>Collects errors and warnings; each is told once, and only so many of them.</summary>
internal sealed class DiagnosticBag
{
    private const int Capacity = 200; // a hostile file could otherwise fill memory with its own mistakes

    private readonly List<ComposeDiagnostic> _errors = [];
    private readonly List<ComposeDiagnostic> _warnings = [];

    public IReadOnlyList<ComposeDiagnostic> Errors => InOrder(_errors);

    public IReadOnlyList<ComposeDiagnostic> Warnings => InOrder(_warnings);

    public bool HasErrors => _errors.Count > 0;

    public void Error(Yaml.Place place, string message) => Add(_errors, place, message);

    public void Warning(Yaml.Place place, string message) => Add(_warnings, place, message);

    private static void Add(List<ComposeDiagnostic> list, Yaml.Place place, string message)
    {
        var one = new ComposeDiagnostic(place.File, place.Line, place.Column, message);
        if (list.Count < Capacity && !list.Contains(one))
        {
            list.Add(one);
        }
    }

    private static List<ComposeDiagnostic> InOrder(List<ComposeDiagnostic> list)
    {
        var files = list.Select(one => one.File).Distinct().ToList();
        return [.. list.OrderBy(one => files.IndexOf(one.File)).ThenBy(one => one.Line).ThenBy(one => one.Column)];
    }
}
