using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using Berth.Linux.Netlink;

namespace Berth.Linux.Nftables;

/// <summary>
/// Tells of transactions that touched tables of interest in the network namespace in which it was made, whoever made them: the kernel's
/// multicast group for nftables. linux/netfilter/nf_tables.h. One thread waits for its messages; nothing polls.
/// </summary>
public sealed unsafe class NftMonitor : IDisposable
{
    internal const int NETLINK_NETFILTER = 12;
    internal const ushort Subsystem = 10 << 8; // NFNL_SUBSYS_NFTABLES
    internal const ushort NFTA_GEN_ID = 1;
    private const ushort NFT_MSG_NEWGEN = 15;
    private const ushort NFTA_TABLE_NAME = 1; // and NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE …: always the first
    private const int NFNLGRP_NFTABLES = 7;
    private const short POLLIN = 1;
    private const int BufferBytes = 64 * 1024;
    private const int Capacity = 256; // transactions that wait to be read; more are told as lost
    private readonly Func<NftTable, bool> _isOfInterest;
    private readonly NetlinkSocket _socket = new(NETLINK_NETFILTER, "nfnetlink");
    private readonly Channel<NftChange> _changes;
    private readonly HashSet<NftTable> _touched = []; // by the transaction whose messages are being read
    private readonly int _endRead;
    private readonly int _endWrite;
    private readonly Thread _thread;
    private int _lost; // 1 when a change did not fit and that has not been told yet

    /// <param name="isOfInterest">Called on the monitor's thread; must not throw.</param>
    public NftMonitor(Func<NftTable, bool> isOfInterest)
    {
        _isOfInterest = isOfInterest;
        _changes = Channel.CreateBounded<NftChange>(new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropWrite, SingleWriter = true }, _ => _lost = 1);
        _socket.Join(NFNLGRP_NFTABLES);
        var pipe = stackalloc int[2];
        if (Libc.pipe2(pipe, Libc.O_CLOEXEC) < 0)
        {
            throw new LinuxException(Libc.LastErrno, "pipe2", "the nftables monitor");
        }

        (_endRead, _endWrite) = (pipe[0], pipe[1]);
        _thread = new Thread(Run, 256 * 1024) { IsBackground = true, Name = "nft-monitor" };
        _thread.Start();
    }

    /// <summary>What happened, in order. Ends when the monitor is disposed.</summary>
    public ChannelReader<NftChange> Changes => _changes.Reader;

    public void Dispose()
    {
        _ = Libc.close(_endWrite);
        _thread.Join();
        _ = Libc.close(_endRead);
        _socket.Dispose();
    }

    private void Run()
    {
        var waiting = stackalloc Libc.PollFd[2];
        waiting[0] = new() { Fd = _socket.Descriptor, Events = POLLIN };
        waiting[1] = new() { Fd = _endRead, Events = POLLIN };
        var buffer = (byte*)NativeMemory.Alloc(BufferBytes);
        while (true)
        {
            if (Libc.poll(waiting, 2, -1) < 0 && Libc.LastErrno != Errno.EINTR)
            {
                throw new LinuxException(Libc.LastErrno, "poll", "the nftables monitor");
            }

            if (waiting[1].Revents != 0)
            {
                break; // the write end was closed by Dispose
            }

            if (waiting[0].Revents != 0)
            {
                Receive(buffer);
            }
        }

        NativeMemory.Free(buffer);
        _changes.Writer.Complete();
    }

    private void Receive(byte* buffer)
    {
        var received = (int)Libc.recv(_socket.Descriptor, buffer, BufferBytes, 0);
        if (received < 0)
        {
            if (Libc.LastErrno == Errno.ENOBUFS)
            {
                _touched.Clear();
                Tell(NftChange.Lost);
            }

            return; // EINTR: poll says again what is there
        }

        var datagram = new ReadOnlySpan<byte>(buffer, received);
        while (datagram.Length >= NetlinkSocket.HeaderBytes + 4)
        {
            var length = Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(datagram), NetlinkSocket.HeaderBytes, datagram.Length);
            Read(datagram[..length]);
            datagram = datagram[Math.Min(NetlinkMessage.Align(length), datagram.Length)..];
        }
    }

    // A transaction's messages come one after another and end with the new generation's number.
    private void Read(ReadOnlySpan<byte> message)
    {
        var type = BinaryPrimitives.ReadUInt16LittleEndian(message[4..]);
        if ((type & 0xff00) != Subsystem || message.Length < NetlinkSocket.HeaderBytes + 4)
        {
            return;
        }

        var attributes = message[(NetlinkSocket.HeaderBytes + 4)..];
        if ((type & 0xff) == NFT_MSG_NEWGEN)
        {
            if (_touched.Count > 0)
            {
                Tell(new(NftGeneration.Parse(attributes), _touched.ToHashSet()));
                _touched.Clear();
            }

            return;
        }

        var table = new NftTable(NftTable.FamilyName(message[NetlinkSocket.HeaderBytes]), Encoding.UTF8.GetString(NetlinkAttributes.Find(attributes, NFTA_TABLE_NAME).TrimEnd((byte)0)));
        if (_isOfInterest(table))
        {
            _touched.Add(table);
        }
    }

    private void Tell(NftChange change)
    {
        if (_lost == 1)
        {
            _lost = 0;
            _changes.Writer.TryWrite(NftChange.Lost); // sets it again if there is still no room
        }

        _changes.Writer.TryWrite(change);
    }
}

/// <summary>A table: <c>inet</c>, <c>ip</c>, <c>ip6</c>, <c>arp</c>, <c>bridge</c> or <c>netdev</c>, and its name.</summary>
public readonly record struct NftTable(string Family, string Name)
{
    // NFPROTO_* in linux/netfilter.h
    internal static string FamilyName(byte number) => number switch { 1 => "inet", 2 => "ip", 3 => "arp", 5 => "netdev", 7 => "bridge", 10 => "ip6", _ => "" };
}

/// <summary>One transaction that touched tables of interest.</summary>
/// <param name="Generation">Its number, as <see cref="Nft.RunAsGeneration"/> returns it; null when messages were lost, and anything may have happened.</param>
/// <param name="Tables">Those it touched.</param>
public sealed record NftChange(uint? Generation, IReadOnlySet<NftTable> Tables)
{
    internal static NftChange Lost { get; } = new(null, new HashSet<NftTable>());
}

/// <summary>The number of the ruleset, which each transaction raises by one.</summary>
internal static class NftGeneration
{
    private const ushort NFT_MSG_GETGEN = 16;

    /// <summary>That of the calling thread's network namespace.</summary>
    internal static uint? Current()
    {
        using var socket = new NetlinkSocket(NftMonitor.NETLINK_NETFILTER, "nfnetlink");
        var errno = socket.Exchange(new NetlinkMessage(NftMonitor.Subsystem | NFT_MSG_GETGEN, NetlinkSocket.NLM_F_REQUEST).Fixed([0, 0, 0, 0]), out var answer);
        return errno == Errno.None && answer.Length > NetlinkSocket.HeaderBytes + 4
            ? Parse(answer[(NetlinkSocket.HeaderBytes + 4)..])
            : throw new LinuxException(errno, "nfnetlink get", "the ruleset's generation");
    }

    internal static uint? Parse(ReadOnlySpan<byte> attributes) =>
        NetlinkAttributes.Find(attributes, NftMonitor.NFTA_GEN_ID) is { Length: 4 } id ? BinaryPrimitives.ReadUInt32BigEndian(id) : null;
}
