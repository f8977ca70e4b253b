using System.Text;

namespace Berth.Linux.Files;

/// <summary>Linux file names are bytes, .NET's are text. Valid UTF-8 is read as such; any other byte <c>0xNN</c>
/// becomes the lone surrogate <c>U+DCNN</c>, and back, so that no name is lost on the way.</summary>
public static class PathText
{
    private const int Escape = 0xdc00;

    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var used) == System.Buffers.OperationStatus.Done)
            {
                text.Append(rune.ToString());
                bytes = bytes[used..];
                continue;
            }

            text.Append((char)(Escape + bytes[0]));
            bytes = bytes[1..];
        }

        return text.ToString();
    }

    public static byte[] Encode(string text)
    {
        var bytes = new List<byte>(text.Length + 8);
        Span<byte> buffer = stackalloc byte[4];
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is >= (char)(Escape + 0x80) and <= (char)(Escape + 0xff) && (i == 0 || !char.IsHighSurrogate(text[i - 1])))
            {
                bytes.Add((byte)(text[i] - Escape));
                continue;
            }

            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                rune = Rune.ReplacementChar;
            }

            bytes.AddRange(buffer[..rune.EncodeToUtf8(buffer)]);
            i += rune.Utf16SequenceLength - 1;
        }

        return [.. bytes];
    }

    /// <summary>The form in which system calls take a path.</summary>
    /// <exception cref="ArgumentException">The path holds a NUL, at which the kernel would silently end it.</exception>
    internal static byte[] ToNullTerminated(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A path cannot contain a NUL character.", nameof(path));
        }

        return [.. Encode(path), 0];
    }
}
