using System.Text;

namespace Berth.Compose.Variables;

/// <summary>Splits a command as a POSIX shell would, without expanding anything.</summary>
public static class ShellWords
{
    /// <exception cref="FormatException">A quote is not closed.</exception>
    public static IReadOnlyList<string> Split(string text)
    {
        var words = new List<string>();
        StringBuilder? word = null;
        for (var index = 0; index < text.Length; index++)
        {
            var character = text[index];
            if (char.IsWhiteSpace(character))
            {
                Finish();
                continue;
            }

            word ??= new StringBuilder();
            if (character is '\'' or '"')
            {
                index = AppendQuoted(text, index, word);
            }
            else if (character == '\\' && index + 1 < text.Length)
            {
                index++;
                word.Append(text[index] == '\n' ? "" : text[index].ToString());
            }
            else
            {
                word.Append(character);
            }
        }

        Finish();
        return words;

        void Finish()
        {
            if (word is not null)
            {
                words.Add(word.ToString());
            }

            word = null;
        }
    }

    private static int AppendQuoted(string text, int start, StringBuilder word)
    {
        var quote = text[start];
        for (var index = start + 1; index < text.Length; index++)
        {
            if (text[index] == quote)
            {
                return index;
            }

            if (quote == '"' && text[index] == '\\' && index + 1 < text.Length && text[index + 1] is '"' or '\\' or '$' or '`')
            {
                index++;
            }

            word.Append(text[index]);
        }

        throw new FormatException($"the closing {(quote == '"' ? "double" : "single")} quote is missing");
    }
}
