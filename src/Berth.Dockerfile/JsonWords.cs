using System.Text.Json;

namespace Berth.Dockerfile;

/// <summary>The exec form of an instruction: a JSON array of strings.</summary>
internal static class JsonWords
{
    public static bool TryParse(string text, out IReadOnlyList<string> words)
    {
        words = [];
        if (!text.AsSpan().TrimStart().StartsWith("["))
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 2 });
            if (document.RootElement.EnumerateArray().Any(element => element.ValueKind != JsonValueKind.String))
            {
                return false;
            }

            words = [.. document.RootElement.EnumerateArray().Select(element => element.GetString()!)];
            return true;
        }
        catch (JsonException) // not JSON: the text is a shell command, for instance '[ -f x ] && y'
        {
            return false;
        }
        catch (InvalidOperationException) // a string with half a surrogate pair
        {
            return false;
        }
    }
}
