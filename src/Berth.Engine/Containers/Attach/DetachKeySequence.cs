using Berth.Engine.Errors;

namespace Berth.Engine.Containers.Attach;

/// <summary>The keys that leave a session without ending it, as <c>docker --detach-keys</c> writes them: <c>ctrl-p,ctrl-q</c>.</summary>
public static class DetachKeySequence
{
    private static readonly byte[] Default = [16, 17]; // ctrl-p, ctrl-q

    /// <exception cref="BerthException">A key that is neither one letter nor ctrl-letter.</exception>
    public static byte[] Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return Default;
        }

        return [.. text.Split(',').Select(key => ParseKey(key, text))];
    }

    private static byte ParseKey(string key, string sequence)
    {
        if (key.Length == 1)
        {
            return (byte)key[0];
        }

        if (key.StartsWith("ctrl-", StringComparison.Ordinal) && key.Length == 6)
        {
            var letter = char.ToLowerInvariant(key[5]);
            if (letter is >= 'a' and <= 'z')
            {
                return (byte)(letter - 'a' + 1);
            }

            var index = "@[\\]^_".IndexOf(letter, StringComparison.Ordinal);
            if (index >= 0)
            {
                return index == 0 ? (byte)0 : (byte)(26 + index);
            }
        }

        throw BerthException.Invalid($"Invalid escape keys ({sequence}) provided: unknown key '{key}'; write single letters or ctrl-LETTER, with commas between");
    }
}
