using System.Text;

namespace Berth.Cli.Output;

/// <summary>Columns as Docker's tables have them: at least ten wide, three spaces apart, the last one open.</summary>
internal static class Table
{
    private const int Narrowest = 10;
    private const int Gap = 3;

    /// <param name="narrowest">Of a column, with its gap.</param>
    internal static string Render(IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows, int narrowest = Narrowest, int gap = Gap)
    {
        List<IReadOnlyList<string>> all = [head, .. rows];
        var widths = head.Select((_, column) => Math.Max(narrowest, all.Max(row => row[column].EnumerateRunes().Count()) + gap)).ToList();
        var text = new StringBuilder();
        foreach (var row in all)
        {
            for (var column = 0; column < row.Count; column++)
            {
                text.Append(row[column]);
                if (column < row.Count - 1)
                {
                    text.Append(' ', widths[column] - row[column].EnumerateRunes().Count());
                }
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
