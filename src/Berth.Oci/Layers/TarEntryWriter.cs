using System.Globalization;
using System.Text;
using Berth.Linux.Files;

namespace Berth.Oci.Layers;

/// <summary>Writes a tar archive: ustar, and a pax header only where ustar cannot say it. The same entries make the same bytes.</summary>
public sealed class TarEntryWriter(Stream target)
{
    private const int BlockSize = 512;
    private static readonly byte[] Zeros = new byte[2 * BlockSize];
    private long _contentLeft;
    private int _padding;

    /// <summary>Writes the header; exactly <see cref="TarEntry.Size"/> bytes of content must follow.</summary>
    public void Begin(TarEntry entry)
    {
        Finish();
        var name = PathText.Encode(entry.Name);
        var link = PathText.Encode(entry.LinkName);
        var extended = Extended(entry, name, link);
        if (extended.Length > 0)
        {
            Header(new() { Name = "", Kind = TarEntryKind.File, Size = extended.Length, Permissions = 0x1a4 }, "PaxHeader/x"u8, [], 'x');
            Write(extended);
            Finish();
        }

        Header(entry, name, link, TypeFlag(entry.Kind));
    }

    public void Write(ReadOnlySpan<byte> content)
    {
        if (content.Length > _contentLeft)
        {
            throw new InvalidOperationException($"{content.Length} bytes were written where {_contentLeft} were announced.");
        }

        target.Write(content);
        _contentLeft -= content.Length;
    }

    /// <summary>Ends the archive with two blocks of zeros.</summary>
    public void End()
    {
        Finish();
        target.Write(Zeros);
    }

    private void Finish()
    {
        if (_contentLeft > 0)
        {
            throw new InvalidOperationException($"{_contentLeft} bytes are missing from the entry's content.");
        }

        target.Write(Zeros, 0, _padding);
        _padding = 0;
    }

    private void Header(TarEntry entry, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, char type)
    {
        Span<byte> block = stackalloc byte[BlockSize];
        block.Clear();
        name[..Math.Min(name.Length, 100)].CopyTo(block);
        Octal(block.Slice(100, 8), entry.Permissions);
        Octal(block.Slice(108, 8), Math.Min(entry.User, MaxOf(7)));
        Octal(block.Slice(116, 8), Math.Min(entry.Group, MaxOf(7)));
        Octal(block.Slice(124, 12), Math.Min(entry.Size, MaxOf(11)));
        Octal(block.Slice(136, 12), Math.Clamp(entry.Modified.Seconds, 0, MaxOf(11)));
        block.Slice(148, 8).Fill((byte)' ');
        block[156] = (byte)type;
        link[..Math.Min(link.Length, 100)].CopyTo(block[157..]);
        "ustar\000"u8.CopyTo(block[257..]);
        Octal(block.Slice(329, 8), Math.Min(entry.DeviceMajor, MaxOf(7)));
        Octal(block.Slice(337, 8), Math.Min(entry.DeviceMinor, MaxOf(7)));
        long sum = 0;
        foreach (var b in block)
        {
            sum += b;
        }

        Octal(block.Slice(148, 7), sum);
        target.Write(block);
        (_contentLeft, _padding) = (entry.Size, (int)((BlockSize - (entry.Size % BlockSize)) % BlockSize));
    }

    private static byte[] Extended(TarEntry entry, byte[] name, byte[] link)
    {
        var records = new MemoryStream();
        if (name.Length > 100)
        {
            Record(records, "path", name);
        }

        if (link.Length > 100)
        {
            Record(records, "linkpath", link);
        }

        Number(records, "size", entry.Size, MaxOf(11));
        Number(records, "uid", entry.User, MaxOf(7));
        Number(records, "gid", entry.Group, MaxOf(7));
        if (entry.Modified.Seconds < 0)
        {
            Record(records, "mtime", Encoding.ASCII.GetBytes(entry.Modified.Seconds.ToString(CultureInfo.InvariantCulture)));
        }

        foreach (var (attribute, value) in entry.Attributes.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Record(records, "SCHILY.xattr." + attribute, value);
        }

        return records.ToArray();
    }

    private static void Number(MemoryStream records, string key, long value, long limit)
    {
        if (value > limit)
        {
            Record(records, key, Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)));
        }
    }

    private static void Record(MemoryStream records, string key, byte[] value)
    {
        var rest = 1 + Encoding.UTF8.GetByteCount(key) + 1 + value.Length + 1;
        var length = rest + Digits(rest);
        length = rest + Digits(length); // its own digits count too, and may become one more
        records.Write(Encoding.UTF8.GetBytes($"{length} {key}="));
        records.Write(value);
        records.WriteByte((byte)'\n');
    }

    private static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;

    private static long MaxOf(int octalDigits) => (1L << (3 * octalDigits)) - 1;

    // All of the field but its last byte, which stays NUL.
    private static void Octal(Span<byte> field, long value)
    {
        for (var i = field.Length - 2; i >= 0; i--)
        {
            field[i] = (byte)('0' + (value & 7));
            value >>= 3;
        }

        field[^1] = 0;
    }

    private static char TypeFlag(TarEntryKind kind) => kind switch
    {
        TarEntryKind.File => '0',
        TarEntryKind.HardLink => '1',
        TarEntryKind.SymbolicLink => '2',
        TarEntryKind.CharacterDevice => '3',
        TarEntryKind.BlockDevice => '4',
        TarEntryKind.Directory => '5',
        _ => '6',
    };
}
