using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Berth.Edge.Names;

/// <summary>The question of a DNS request. RFC 1035, section 4.1.</summary>
/// <param name="Name">Lower case, without the last dot.</param>
/// <param name="Type">1 is A, 28 AAAA, 12 PTR, 255 any.</param>
/// <param name="End">Where the question ends in the message.</param>
internal readonly record struct DnsQuestion(string Name, ushort Type, ushort Class, int End);

/// <summary>Reads requests and writes answers. Pure; anything odd is refused rather than guessed.</summary>
internal static class DnsMessage
{
    internal const ushort A = 1;
    internal const ushort Ptr = 12;
    internal const ushort Aaaa = 28;
    internal const ushort Any = 255;
    internal const int ServerFailure = 2;
    private const int HeaderBytes = 12;
    private const int LongestName = 255;
    private const int TimeToLiveSeconds = 10; // replicas come and go; a service's own address stays
    private const int LongestUdpAnswer = 512; // more needs EDNS; a client then asks again by TCP (the TC bit)

    /// <summary>False when it is not a standard query with exactly one question.</summary>
    internal static bool TryReadQuestion(ReadOnlySpan<byte> message, out DnsQuestion question)
    {
        question = default;
        if (message.Length < HeaderBytes + 5 || (message[2] & 0xf8) != 0 || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1)
        {
            return false;
        }

        var name = new StringBuilder();
        var position = HeaderBytes;
        while (position < message.Length && message[position] != 0)
        {
            var length = message[position];
            if (length > 63 || position + 1 + length >= message.Length || name.Length + length > LongestName)
            {
                return false; // a pointer has no place in the only question
            }

            name.Append(name.Length > 0 ? "." : "").Append(Encoding.ASCII.GetString(message.Slice(position + 1, length)).ToLowerInvariant());
            position += 1 + length;
        }

        if (position + 5 > message.Length)
        {
            return false;
        }

        question = new(
            name.ToString(), BinaryPrimitives.ReadUInt16BigEndian(message[(position + 1)..]), BinaryPrimitives.ReadUInt16BigEndian(message[(position + 3)..]), position + 5);
        return true;
    }

    /// <summary>An answer with these addresses; none means that the name exists but has no record of that type.</summary>
    internal static byte[] Addresses(ReadOnlySpan<byte> request, DnsQuestion question, IReadOnlyList<IPAddress> addresses, bool overTcp)
    {
        var head = Head(request, question, 0);
        var answer = new List<byte>(head);
        var written = 0;
        foreach (var address in addresses)
        {
            var record = AddressRecord(address);
            if (!overTcp && answer.Count + record.Length > LongestUdpAnswer)
            {
                break;
            }

            answer.AddRange(record);
            written++;
        }

        var bytes = answer.ToArray();
        if (written < addresses.Count)
        {
            bytes[2] |= 0x02; // TC: the client asks again by TCP
        }

        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), (ushort)written);
        return bytes;
    }

    /// <summary>The type of the record that tells such an address.</summary>
    internal static ushort TypeOf(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? Aaaa : A;

    private static byte[] AddressRecord(IPAddress address)
    {
        var data = address.GetAddressBytes();
        var record = new byte[12 + data.Length];
        WriteRecordHead(record, TypeOf(address), (ushort)data.Length);
        data.CopyTo(record, 12);
        return record;
    }

    /// <summary>An answer that names whom an address belongs to.</summary>
    internal static byte[] Pointer(ReadOnlySpan<byte> request, DnsQuestion question, string name)
    {
        var head = Head(request, question, 0);
        var encoded = new List<byte>();
        foreach (var label in name.Split('.'))
        {
            encoded.Add((byte)label.Length);
            encoded.AddRange(Encoding.ASCII.GetBytes(label));
        }

        encoded.Add(0);
        var answer = new byte[head.Length + 12 + encoded.Count];
        head.CopyTo(answer, 0);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(6), 1);
        WriteRecordHead(answer.AsSpan(head.Length), Ptr, (ushort)encoded.Count);
        encoded.CopyTo(answer, head.Length + 12);
        return answer;
    }

    internal static byte[] Failure(ReadOnlySpan<byte> request, DnsQuestion question, int code) => Head(request, question, code);

    // The request's id and question, marked as an answer, with recursion available and no records yet.
    private static byte[] Head(ReadOnlySpan<byte> request, DnsQuestion question, int code)
    {
        var head = request[..question.End].ToArray();
        head[2] = (byte)(0x80 | (request[2] & 0x01));
        head[3] = (byte)(0x80 | code);
        head.AsSpan(6, 6).Clear();
        return head;
    }

    private static void WriteRecordHead(Span<byte> record, ushort type, ushort length)
    {
        BinaryPrimitives.WriteUInt16BigEndian(record, 0xc000 | HeaderBytes); // the name: a pointer to the question's
        BinaryPrimitives.WriteUInt16BigEndian(record[2..], type);
        BinaryPrimitives.WriteUInt16BigEndian(record[4..], 1);
        BinaryPrimitives.WriteUInt32BigEndian(record[6..], TimeToLiveSeconds);
        BinaryPrimitives.WriteUInt16BigEndian(record[10..], length);
    }
}
