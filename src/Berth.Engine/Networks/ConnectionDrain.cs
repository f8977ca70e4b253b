using System.Net;
using Berth.Linux.Namespaces;
using Berth.Linux.Netlink;
using Berth.Linux.Processes;

namespace Berth.Engine.Networks;

/// <summary>
/// Has the clients of a container that is out of service go elsewhere, and tells when nobody waits for an answer of it any more. A program that is only told to end closes the
/// connections that its clients keep for their next request, whether that is on its way or not; so each is told goodbye before, at a moment when its answers are
/// complete and its client is not likely to ask. The kernel knows of each connection how much was read and sent and when, and announces none of it: it is looked at
/// again and again, and what is seen is remembered.
/// </summary>
/// <remarks>
/// A proxy in a container that has chosen a kept connection for its next request looks once more before it sends: a reset shows there (nginx then takes another connection, for a
/// POST too), the end of a stream does not. To clients elsewhere a reset may take away what they have not read yet, so they get the end of the stream.
/// What is known is bytes and times, whatever the protocol is. An answer that begins small and quickly and then pauses, on a connection that had only such answers before, cannot be told
/// from a complete one.
/// </remarks>
public sealed class ConnectionDrain
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10); // the longest of the kernel's: times that lie this close cannot be told apart
    private static readonly TimeSpan FirstWords = TimeSpan.FromSeconds(1); // that a client takes between connecting and asking
    private static readonly TimeSpan ShortAnswer = TimeSpan.FromMilliseconds(60); // from the question's last byte to the answer's
    private const ulong SmallAnswerBytes = 16 * 1024; // what programs write at once
    private const int Exchanges = 4; // questions and answers that show what a connection is used for, and how soon its client asks again
    private const int ExchangesAfterLong = 16; // likewise, when there was a long or large one before
    private static readonly TimeSpan AfterShort = TimeSpan.FromMilliseconds(25); // quiet after which a short and small answer counts as complete
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1); // after which any answer counts as complete
    private static readonly TimeSpan UnclearQuiet = TimeSpan.FromSeconds(3); // likewise, where a question may have come at the moment of the answer before it
    private static readonly TimeSpan PatienceForMoments = TimeSpan.FromSeconds(4); // after that, any moment after a short and small answer will do

    private readonly string _namespacePath;
    private readonly Func<IReadOnlyList<int>> _processes;
    private readonly Func<IPAddress, bool> _isContainer;
    private readonly Func<Task> _forgetClosed;
    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly Dictionary<uint, History> _histories = []; // by the socket's inode

    /// <param name="namespacePath">A file to which the container's network namespace is bound.</param>
    /// <param name="processes">Ids of the container's processes.</param>
    /// <param name="isContainer">Whether an address is that of a container here.</param>
    /// <param name="forgetClosed">Has connections that have ended lead nobody to the container any more.</param>
    internal ConnectionDrain(string namespacePath, Func<IReadOnlyList<int>> processes, Func<IPAddress, bool> isContainer, Func<Task> forgetClosed, TimeProvider time)
    {
        (_namespacePath, _processes, _isContainer, _forgetClosed, _time, _began) = (namespacePath, processes, isContainer, forgetClosed, time, time.GetTimestamp());
    }

    /// <summary>One look. Clients whose moment has come are told goodbye.</summary>
    /// <returns>How many connections are still in use. Zero: the container can be stopped without anybody missing it.</returns>
    public async Task<int> StepAsync()
    {
        if (await LookAsync().ConfigureAwait(false) is var used and > 0)
        {
            return used;
        }

        await _forgetClosed().ConfigureAwait(false); // the goodbyes just said were resets too
        return await LookAsync().ConfigureAwait(false); // somebody may have been led here just before
    }

    private async Task<int> LookAsync()
    {
        IReadOnlyList<ServedConnection> served = [];
        var isThere = await NetworkNamespace.TryRunAsync(_namespacePath, () =>
        {
            using var sockets = new TcpSockets();
            served = sockets.FindServed();
        }).ConfigureAwait(false);
        if (!isThere)
        {
            return 0; // it has ended, or has no network
        }

        var since = _time.GetElapsedTime(_began);
        var due = new Dictionary<uint, bool>(); // whether to abort
        foreach (var connection in served.Where(connection => connection.Inode > 0))
        {
            var history = _histories[connection.Inode] = _histories.GetValueOrDefault(connection.Inode, History.None).After(connection.Activity, since);
            if (history.MayBeTold(connection.Activity, since))
            {
                due[connection.Inode] = _isContainer(Address(connection.Remote));
            }
        }

        if (due.Count > 0)
        {
            // Asked again right before, within microseconds: the longer after the look, the likelier somebody has asked meanwhile.
            ForeignSockets.SayGoodbye(_processes(), due, (inode, activity) => _histories[inode].After(activity, since).MayBeTold(activity, since));
        }

        return served.Count(connection => !due.ContainsKey(connection.Inode) && (connection.Activity.IsEstablished || IsBusy(connection.Activity)));
    }

    private static IPAddress Address(IPEndPoint end) => end.Address.IsIPv4MappedToIPv6 ? end.Address.MapToIPv4() : end.Address;

    /// <summary>
    /// Something was asked that is not answered yet, or an answer is not yet with its client; or its client has only just come. One on which the answer came last
    /// is idle, or pauses.
    /// </summary>
    internal static bool IsBusy(TcpActivity activity) =>
        activity.UnreadBytes > 0
        || activity.UnsentBytes > 0
        || activity.SinceReceived < activity.SinceSent
        || (activity.ReceivedBytes > 0 && activity.SentBytes == 0)
        || (activity.SinceReceived == activity.SinceSent && activity.SinceReceived < 2 * Tick)
        || (activity.ReceivedBytes == 0 && activity.SinceReceived < FirstWords);

    /// <summary>What was seen of one connection during a drain.</summary>
    /// <param name="Received">Bytes at the last look.</param>
    /// <param name="SentBefore">Bytes that had been sent when the last question came.</param>
    /// <param name="Sent">Bytes at the last look.</param>
    /// <param name="Questions">That came since the first look, or since the last long or large answer.</param>
    /// <param name="HasLongAnswers">One took long, or was large.</param>
    /// <param name="Answered">When the last bytes of an answer were sent, since the drain began.</param>
    /// <param name="ShortestRest">From an answer to the next question.</param>
    internal readonly record struct History(ulong Received, ulong SentBefore, ulong Sent, int Questions, bool HasLongAnswers, TimeSpan Answered, TimeSpan ShortestRest)
    {
        internal static History None { get; } = new(0, 0, 0, 0, false, TimeSpan.Zero, TimeSpan.MaxValue);

        /// <summary>With what another look shows.</summary>
        /// <param name="since">How long the drain has lasted.</param>
        internal History After(TcpActivity activity, TimeSpan since)
        {
            var isQuestion = Received > 0 && activity.ReceivedBytes > Received;
            var rest = isQuestion ? since - activity.SinceReceived - Answered : ShortestRest;
            var sentBefore = isQuestion ? Sent : Received == 0 ? activity.SentBytes : SentBefore; // at the first look it is not known how large the answer is
            var isLong = activity.SinceReceived - activity.SinceSent > ShortAnswer || activity.SentBytes - sentBefore > SmallAnswerBytes;
            return new(
                activity.ReceivedBytes, sentBefore, activity.SentBytes, isLong ? 0 : Questions + (isQuestion ? 1 : 0), HasLongAnswers || isLong,
                since - activity.SinceSent, rest < ShortestRest ? rest : ShortestRest);
        }

        /// <summary>Whether goodbye can be said now, with the least chance of cutting an answer short or of meeting a question on its way.</summary>
        /// <param name="since">How long the drain has lasted.</param>
        internal bool MayBeTold(TcpActivity activity, TimeSpan since)
        {
            if (!activity.IsEstablished || IsBusy(activity))
            {
                return false;
            }

            // Within one tick the question may have come after the answer. Not when the client confirmed the answer later (a question confirms what was before it), or rests between.
            var isClear = activity.SinceSent < activity.SinceReceived || activity.SinceConfirmed < activity.SinceReceived || (Questions > 0 && ShortestRest > 4 * Tick);
            // Early in a rest, measured by the shortest that was seen: whoever asks regularly does not do it so soon again.
            var isShort = Questions >= (HasLongAnswers ? ExchangesAfterLong : Exchanges) && activity.SinceSent >= (isClear ? AfterShort : ShortAnswer + Tick);
            return activity.SinceSent >= (isClear ? Quiet : UnclearQuiet) || (isShort && (activity.SinceSent <= ShortestRest / 2 || since >= PatienceForMoments));
        }
    }
}
