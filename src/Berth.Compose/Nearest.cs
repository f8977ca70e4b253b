namespace Berth.Compose;

/// <summary>Finds what a misspelt word was probably meant to be.</summary>
internal static class Nearest
{
    /// <summary>" Did you mean 'X'?", or nothing when no candidate is close.</summary>
    public static string Suggest(string word, IEnumerable<string> candidates)
    {
        var best = candidates
            .Select(candidate => (candidate, distance: Distance(word, candidate)))
            .Where(one => one.distance <= Math.Max(1, one.candidate.Length / 3) && one.distance < Math.Min(word.Length, one.candidate.Length))
            .OrderBy(one => one.distance)
            .Select(one => one.candidate)
            .FirstOrDefault();
        return best is null ? string.Empty : $" Did you mean '{best}'?";
    }

    /// <summary>Edits (insert, delete, replace, swap neighbours) from one word to the other, case aside.</summary>
    private static int Distance(string left, string right)
    {
        if (left.Length > 64 || right.Length > 64)
        {
            return int.MaxValue;
        }

        var table = new int[left.Length + 1, right.Length + 1];
        for (var row = 0; row <= left.Length; row++)
        {
            for (var column = 0; column <= right.Length; column++)
            {
                table[row, column] = row == 0 ? column : column == 0 ? row : Cell(table, left, right, row, column);
            }
        }

        return table[left.Length, right.Length];
    }

    private static int Cell(int[,] table, string left, string right, int row, int column)
    {
        var replace = Same(left[row - 1], right[column - 1]) ? 0 : 1;
        var edits = Math.Min(
            Math.Min(table[row - 1, column] + 1, table[row, column - 1] + 1),
            table[row - 1, column - 1] + replace);
        var swapped = row > 1 && column > 1 && Same(left[row - 1], right[column - 2]) && Same(left[row - 2], right[column - 1]);
        return swapped ? Math.Min(edits, table[row - 2, column - 2] + 1) : edits;
    }

    private static bool Same(char left, char right) => char.ToUpperInvariant(left) == char.ToUpperInvariant(right);
}
