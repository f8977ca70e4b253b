namespace Berth.Dockerfile;

/// <summary>Collects a file's mistakes; after a hundred the rest is not told, so that a hostile file cannot fill memory.</summary>
internal sealed class DiagnosticBag(string file)
{
    private const int Capacity = 100;

    private readonly List<DockerfileDiagnostic> _all = [];

    public bool HasErrors { get; private set; }

    public IReadOnlyList<DockerfileDiagnostic> InOrder() => [.. _all.OrderBy(one => one.Line).ThenBy(one => one.Column)];

    public void Error(int line, int column, string message)
    {
        HasErrors = true;
        Add(line, column, message, DiagnosticSeverity.Error);
    }

    public void Warning(int line, int column, string message) => Add(line, column, message, DiagnosticSeverity.Warning);

    private void Add(int line, int column, string message, DiagnosticSeverity severity)
    {
        if (_all.Count < Capacity)
        {
            _all.Add(new DockerfileDiagnostic(file, line, column, message, severity));
        }
        else if (severity == DiagnosticSeverity.Error && _all.All(one => one.Severity == DiagnosticSeverity.Warning))
        {
            _all[^1] = new DockerfileDiagnostic(file, line, column, message, severity);
        }
    }
}
