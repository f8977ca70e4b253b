using System.Globalization;
using System.Text;
using Berth.Linux.Files;

namespace Berth.Oci.Layers;

/// <summary>
/// Reads a tar archive front to back: ustar, pax and GNU's long names. It is our own because .NET's reader decodes extended
/// attributes as text, which destroys <c>security.capability</c>. Any malformed byte is an <see cref="InvalidDataException"/>.
/// </summary>
/// <remarks>POSIX.1-2017, pax, "pax Interchange Format"; GNU tar manual, "Basic Tar Format".</remarks>
public sealed class TarEntryReader(Stream source)
{
    private const int BlockSize = 512;
    private const int ExtendedHeaderLimit = 1 << 20; // a path and some attributes; Docker's own limit
    private const string AttributePrefix = "SCHILY.xattr.";
    private readonly byte[] _block = new byte[BlockSize];
    private readonly Dictionary<string, byte[]> _global = new(StringComparer.Ordinal);
    private long _contentLeft;
    private int _padding;

    /// <summary>The next entry, or null at the end. What was left of the previous entry's content is passed over.</summary>
    public TarEntry? Next()
    {
        SkipContent();
        var extended = new Dictionary<string, byte[]>(_global, StringComparer.Ordinal);
        while (true)
        {
            if (!ReadBlock() || !_block.AsSpan().ContainsAnyExcept((byte)0))
            {
                return null;
            }

            CheckSum();
            var size = Number(_block.AsSpan(124, 12), "size");
            switch ((char)_block[156])
            {
                case 'x':
                    ReadExtended(size, extended);
                    break;
                case 'g':
                    ReadExtended(size, _global);
                    ReadExtendedOver(extended);
                    break;
                case 'L':
                    extended["path"] = ReadLongName(size);
                    break;
                case 'K':
                    extended["linkpath"] = ReadLongName(size);
                    break;
                default:
                    return Entry(size, extended);
            }
        }
    }

    /// <summary>Reads the current entry's content.</summary>
    public int Read(Span<byte> buffer)
    {
        if (_contentLeft == 0 || buffer.IsEmpty)
        {
            return 0;
        }

        var read = source.Read(buffer[..(int)Math.Min(buffer.Length, _contentLeft)]);
        if (read == 0)
        {
            throw new InvalidDataException($"The archive ends {_contentLeft} bytes short, in the middle of a file.");
        }

        _contentLeft -= read;
        return read;
    }

    private TarEntry Entry(long size, Dictionary<string, byte[]> extended)
    {
        var kind = (char)_block[156] switch
        {
            '0' or '\0' or '7' => TarEntryKind.File,
            '1' => TarEntryKind.HardLink,
            '2' => TarEntryKind.SymbolicLink,
            '3' => TarEntryKind.CharacterDevice,
            '4' => TarEntryKind.BlockDevice,
            '5' => TarEntryKind.Directory,
            '6' => TarEntryKind.Fifo,
            var other => throw new InvalidDataException(
                $"The archive has an entry of type '{other}' (0x{(int)other:x2}), which is neither POSIX nor unpacked by Docker."),
        };
        if (extended.Keys.Any(key => key.StartsWith("GNU.sparse.", StringComparison.Ordinal)))
        {
            throw new InvalidDataException("The archive has a sparse file in GNU's form; write it with tar --no-sparse or without -S.");
        }

        var name = Text(extended, "path") ?? HeaderName();
        if (kind == TarEntryKind.File && name.EndsWith('/'))
        {
            kind = TarEntryKind.Directory; // how archives before POSIX mark one
        }

        size = extended.ContainsKey("size") ? Decimal(extended, "size") : size;
        if (size < 0)
        {
            throw new InvalidDataException($"The entry '{name}' has the size {size}.");
        }

        // Some writers give links the size of their target; no content follows them.
        var content = kind == TarEntryKind.File ? size : 0;
        (_contentLeft, _padding) = (content, (int)((BlockSize - (content % BlockSize)) % BlockSize));
        return new()
        {
            Name = name,
            Kind = kind,
            LinkName = Text(extended, "linkpath") ?? PathText.Decode(UpToNul(_block.AsSpan(157, 100))),
            Permissions = (uint)(Number(_block.AsSpan(100, 8), "mode") & 0xfff),
            User = Identity(extended, "uid", 108),
            Group = Identity(extended, "gid", 116),
            Size = content,
            Modified = Text(extended, "mtime") is { } mtime ? Time(mtime) : new(Number(_block.AsSpan(136, 12), "mtime")),
            DeviceMajor = (uint)Number(_block.AsSpan(329, 8), "devmajor"),
            DeviceMinor = (uint)Number(_block.AsSpan(337, 8), "devminor"),
            Attributes = Attributes(extended),
        };
    }

    private static IReadOnlyDictionary<string, byte[]> Attributes(Dictionary<string, byte[]> extended) =>
        extended.Keys.Any(key => key.StartsWith(AttributePrefix, StringComparison.Ordinal))
            ? extended.Where(pair => pair.Key.StartsWith(AttributePrefix, StringComparison.Ordinal))
                .ToDictionary(pair => pair.Key[AttributePrefix.Length..], pair => pair.Value, StringComparer.Ordinal)
            : TarEntry.NoAttributes;

    private string HeaderName()
    {
        var name = PathText.Decode(UpToNul(_block.AsSpan(0, 100)));
        var isPosix = _block.AsSpan(257, 6).SequenceEqual("ustar\0"u8); // GNU's magic has blanks there and no prefix
        var prefix = isPosix ? PathText.Decode(UpToNul(_block.AsSpan(345, 155))) : "";
        return prefix.Length == 0 ? name : $"{prefix}/{name}";
    }

    private uint Identity(Dictionary<string, byte[]> extended, string key, int offset)
    {
        var id = extended.ContainsKey(key) ? Decimal(extended, key) : Number(_block.AsSpan(offset, 8), key);
        return id is >= 0 and < uint.MaxValue ? (uint)id : throw new InvalidDataException($"The archive has the {key} {id}; Linux has 0 to 4294967294.");
    }

    private void ReadExtendedOver(Dictionary<string, byte[]> extended)
    {
        foreach (var (key, value) in _global)
        {
            extended.TryAdd(key, value);
        }
    }

    // Records of the form "LENGTH KEY=VALUE\n", where the length, in decimal, covers the whole record.
    private void ReadExtended(long size, Dictionary<string, byte[]> into)
    {
        ReadOnlySpan<byte> left = ReadSmall(size, "extended header");
        while (!left.IsEmpty)
        {
            var blank = left.IndexOf((byte)' ');
            if (blank < 1 || !int.TryParse(left[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= blank + 2 || length > left.Length || left[length - 1] != '\n')
            {
                throw new InvalidDataException("The archive has a malformed extended header.");
            }

            var record = left[(blank + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals < 1)
            {
                throw new InvalidDataException("The archive has an extended header without a key.");
            }

            var key = Encoding.UTF8.GetString(record[..equals]);
            if (equals + 1 == record.Length && !key.StartsWith(AttributePrefix, StringComparison.Ordinal))
            {
                into.Remove(key); // an empty value takes a global one back
            }
            else
            {
                into[key] = record[(equals + 1)..].ToArray();
            }

            left = left[length..];
        }
    }

    private byte[] ReadLongName(long size) => UpToNul(ReadSmall(size, "long name")).ToArray();

    private byte[] ReadSmall(long size, string what)
    {
        if (size is < 0 or > ExtendedHeaderLimit)
        {
            throw new InvalidDataException($"The archive has a {what} of {size} bytes; {ExtendedHeaderLimit} are allowed.");
        }

        var bytes = new byte[size];
        (_contentLeft, _padding) = (size, (int)((BlockSize - (size % BlockSize)) % BlockSize));
        for (var at = 0; at < bytes.Length;)
        {
            at += Read(bytes.AsSpan(at));
        }

        SkipContent();
        return bytes;
    }

    private void SkipContent()
    {
        Span<byte> buffer = stackalloc byte[8192];
        while (Read(buffer) > 0)
        {
        }

        if (_padding > 0)
        {
            source.ReadAtLeast(_block.AsSpan(0, _padding), _padding, throwOnEndOfStream: false); // Docker's client ends an archive with its last byte of content
            _padding = 0;
        }
    }

    private bool ReadBlock()
    {
        var read = source.ReadAtLeast(_block, BlockSize, throwOnEndOfStream: false);
        return read == BlockSize || (read == 0 ? false : throw new InvalidDataException("The archive ends in the middle of a header."));
    }

    private void CheckSum()
    {
        var expected = Number(_block.AsSpan(148, 8), "checksum");
        long sum = 8 * ' ';
        for (var i = 0; i < BlockSize; i++)
        {
            sum += i is >= 148 and < 156 ? 0 : _block[i];
        }

        if (sum != expected)
        {
            throw new InvalidDataException("This is not a tar archive, or it is damaged: a header's checksum is wrong.");
        }
    }

    // Octal text, or, with the top bit set, a big-endian number (GNU's base-256).
    private static long Number(ReadOnlySpan<byte> field, string what)
    {
        if ((field[0] & 0x80) != 0)
        {
            long value = (field[0] & 0x40) != 0 ? -1 : 0;
            foreach (var (b, first) in field.ToArray().Select((b, i) => (b, i == 0)))
            {
                if (value is > (long.MaxValue >> 8) or < (long.MinValue >> 8))
                {
                    throw new InvalidDataException($"The archive has a {what} beyond 64 bits.");
                }

                value = (value << 8) | (first ? (byte)(b & 0x3f) : b);
            }

            return value;
        }

        long octal = 0;
        foreach (var b in field.Trim(" \0"u8))
        {
            if (b is < (byte)'0' or > (byte)'7')
            {
                throw new InvalidDataException($"The archive has a {what} that is not an octal number.");
            }

            octal = checked((octal << 3) | (uint)(b - '0'));
        }

        return octal;
    }

    private static long Decimal(Dictionary<string, byte[]> extended, string key) =>
        long.TryParse(extended[key], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new InvalidDataException($"The archive's extended header has a {key} that is not a number.");

    private static FileTime Time(string text)
    {
        if (!decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var time)
            || Math.Abs(time) > 1e15m)
        {
            throw new InvalidDataException($"The archive's extended header has the time '{text}', which is not a number of seconds.");
        }

        var seconds = Math.Floor(time);
        return new((long)seconds, (uint)((time - seconds) * 1_000_000_000));
    }

    private static string? Text(Dictionary<string, byte[]> extended, string key) =>
        extended.TryGetValue(key, out var bytes) ? PathText.Decode(bytes) : null;

    private static ReadOnlySpan<byte> UpToNul(ReadOnlySpan<byte> bytes)
    {
        var nul = bytes.IndexOf((byte)0);
        return nul < 0 ? bytes : bytes[..nul];
    }
}
