using System.Text;

namespace Berth.Dockerfile;

/// <summary>A word that cannot be expanded: a quote or brace is not closed, or a variable that must be set is not.</summary>
public sealed class WordException(string message) : FormatException(message);

/// <summary>Words of a Dockerfile: split at white space, and expanded (quotes removed, variables replaced).</summary>
/// <remarks>Dockerfile reference, "Environment replacement".</remarks>
public static class Words
{
    /// <summary>The value of a word: quotes and escapes removed, variables replaced.</summary>
    /// <param name="lookup">Null for a variable that is not set.</param>
    /// <exception cref="WordException">The word is malformed, or <c>${NAME:?message}</c> found nothing.</exception>
    public static string Expand(string word, Func<string, string?> lookup, char escape = '\\') =>
        new WordExpansion(word, lookup, escape, requireVariables: true).Run();

    /// <summary>As <see cref="Expand"/>, and what came out of unquoted variables is split at white space, as <c>EXPOSE $PORTS</c> needs.</summary>
    public static IReadOnlyList<string> ExpandToWords(string word, Func<string, string?> lookup, char escape = '\\') =>
        Expand(word, lookup, escape).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Variables replaced, but quotes and their kind kept, as in the text of a here-document.</summary>
    public static string ExpandDocument(string text, Func<string, string?> lookup, char escape = '\\') =>
        new WordExpansion(text, lookup, escape, requireVariables: true, keepQuotes: true).Run();

    /// <summary>What is wrong with a word, whatever its variables hold; null when nothing is.</summary>
    public static string? FindMistake(string word, char escape = '\\')
    {
        try
        {
            new WordExpansion(word, _ => string.Empty, escape, requireVariables: false).Run();
            return null;
        }
        catch (WordException mistake)
        {
            return mistake.Message;
        }
    }

    /// <summary>The variables that a word refers to, in order of appearance.</summary>
    public static IReadOnlyList<string> Variables(string word, char escape = '\\')
    {
        var names = new List<string>();
        var expansion = new WordExpansion(word, Remember, escape, requireVariables: false);
        expansion.Run();
        return names;

        string? Remember(string name)
        {
            names.Add(name);
            return null;
        }
    }

    /// <summary>Splits at white space outside quotes. Quotes and escapes stay in the words.</summary>
    internal static List<Word> Split(string text, int from, char escape)
    {
        var words = new List<Word>();
        var current = new StringBuilder();
        var start = -1;
        var quote = '\0';
        for (var index = from; index < text.Length; index++)
        {
            var character = text[index];
            if (quote == '\0' && char.IsWhiteSpace(character))
            {
                Finish();
                continue;
            }

            start = start < 0 ? index : start;
            current.Append(character);
            if (character == escape && quote != '\'' && index + 1 < text.Length)
            {
                current.Append(text[++index]);
            }
            else if (quote == '\0' && character is '"' or '\'')
            {
                quote = quote == character ? '\0' : quote == '\0' ? character : quote;
            }
            else if (character == quote)
            {
                quote = '\0';
            }
        }

        Finish();
        return words;

        void Finish()
        {
            if (start >= 0)
            {
                words.Add(new Word(current.ToString(), start));
            }

            current.Clear();
            start = -1;
        }
    }
}

/// <param name="Offset">Where it begins in its logical line.</param>
internal readonly record struct Word(string Text, int Offset);
