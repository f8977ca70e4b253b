using Berth.Engine.Networks;
using Berth.Linux.Netlink;

namespace Berth.Engine.Tests.Networks;

/// <summary>What a drain makes of a connection's bytes and times.</summary>
public sealed class ConnectionDrainTests
{
    private static TcpActivity Seen(int sinceSent, int sinceReceived, ulong received = 100, ulong sent = 200, int unread = 0, int unsent = 0, bool isEstablished = true, int? sinceConfirmed = null) =>
        new(
            isEstablished, unread, unsent, TimeSpan.FromMilliseconds(sinceSent), TimeSpan.FromMilliseconds(sinceReceived),
            TimeSpan.FromMilliseconds(sinceConfirmed ?? Math.Min(sinceSent, sinceReceived)), received, sent);

    [Theory]
    [InlineData(50, 60, 0, 0, 100ul, false)] // answered
    [InlineData(60, 50, 0, 0, 100ul, true)] // asked, not answered
    [InlineData(50, 60, 1, 0, 100ul, true)] // asked, not read
    [InlineData(50, 60, 0, 1, 100ul, true)] // the answer is on its way
    [InlineData(8, 8, 0, 0, 100ul, true)] // too close to tell
    [InlineData(40, 40, 0, 0, 100ul, false)]
    [InlineData(500, 500, 0, 0, 0ul, true)] // just connected
    [InlineData(1500, 1500, 0, 0, 0ul, false)] // connected for later
    public void Busy_is_a_connection_on_which_somebody_waits(int sinceSent, int sinceReceived, int unread, int unsent, ulong received, bool isBusy) =>
        Assert.Equal(isBusy, ConnectionDrain.IsBusy(Seen(sinceSent, sinceReceived, received, 200, unread, unsent)));

    [Theory]
    [InlineData(0)]
    [InlineData(1500)]
    [InlineData(60_000)]
    public void A_question_that_was_never_answered_is_not_forgotten(int since)
    {
        Assert.True(ConnectionDrain.IsBusy(Seen(since, since, 100, sent: 0)));
        Assert.False(ConnectionDrain.History.None.After(Seen(since, since, 100, sent: 0), TimeSpan.FromMinutes(1)).MayBeTold(Seen(since, since, 100, sent: 0), TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void Where_the_question_may_have_come_after_the_answer_more_quiet_is_asked_for()
    {
        var since = TimeSpan.FromSeconds(20);
        var history = ConnectionDrain.History.None.After(Seen(1500, 1500), since);
        Assert.False(history.MayBeTold(Seen(1500, 1500), since));
        Assert.True(history.MayBeTold(Seen(3000, 3000), since));
        Assert.True(history.MayBeTold(Seen(1500, 1500, sinceConfirmed: 1460), since)); // the answer was confirmed on its own: it came last

        var (used, _) = Exchanges(4, rest: 1, answer: 0, bytes: 200);
        Assert.False(used.MayBeTold(Seen(60, 60, 500), since));
        Assert.True(used.MayBeTold(Seen(70, 70, 500), since)); // all answers here were quicker
        Assert.True(used.MayBeTold(Seen(50, 50, 500, sinceConfirmed: 10), since));
        var (resting, _) = Exchanges(1, rest: 100, answer: 0, bytes: 200);
        Assert.True(resting.MayBeTold(Seen(1000, 1000, 500), since)); // nor does its client ask so soon
    }

    [Fact]
    public void A_client_that_asks_regularly_is_told_early_in_its_rest()
    {
        var (history, since) = Exchanges(4, rest: 100, answer: 3, bytes: 200);
        Assert.False(history.MayBeTold(Seen(10, 13, 500), since)); // the answer may go on
        Assert.True(history.MayBeTold(Seen(30, 33, 500), since));
        Assert.False(history.MayBeTold(Seen(80, 83, 500), since)); // the next question is near
        Assert.True(history.MayBeTold(Seen(80, 83, 500), TimeSpan.FromSeconds(5))); // patience is over
    }

    [Fact]
    public void Nobody_is_told_before_it_is_known_how_the_connection_is_used()
    {
        var (history, since) = Exchanges(3, rest: 100, answer: 3, bytes: 200);
        Assert.False(history.MayBeTold(Seen(30, 33, 400), since));
        Assert.True(history.MayBeTold(Seen(1000, 1003, 400), since)); // but quiet is quiet
    }

    [Theory]
    [InlineData(100, 200ul)] // long in coming
    [InlineData(3, 64_000ul)] // large
    public void Connections_with_long_or_large_answers_are_told_only_when_they_are_quiet(int answer, ulong bytes)
    {
        var (history, since) = Exchanges(4, rest: 100, answer, bytes);
        Assert.False(history.MayBeTold(Seen(30, 33, 500), since));
        Assert.False(history.MayBeTold(Seen(30, 33, 500), TimeSpan.FromSeconds(20)));
        Assert.True(history.MayBeTold(Seen(1000, 1003, 500), since));
    }

    [Fact]
    public void One_long_answer_is_forgiven_after_many_short_ones()
    {
        var (history, since) = Exchanges(1, rest: 100, answer: 100, bytes: 200);
        (history, since) = Exchanges(15, rest: 100, answer: 3, bytes: 200, history, since);
        Assert.False(history.MayBeTold(Seen(30, 33, 10_000), since));
        (history, since) = Exchanges(1, rest: 100, answer: 3, bytes: 200, history, since);
        Assert.True(history.MayBeTold(Seen(30, 33, 10_000), since));
    }

    // Looked at right after each answer.
    private static (ConnectionDrain.History History, TimeSpan Since) Exchanges(int count, int rest, int answer, ulong bytes) =>
        Exchanges(count, rest, answer, bytes, ConnectionDrain.History.None.After(Seen(2, 2 + answer, 100, 1000), TimeSpan.Zero), TimeSpan.Zero);

    private static (ConnectionDrain.History History, TimeSpan Since) Exchanges(int count, int rest, int answer, ulong bytes, ConnectionDrain.History history, TimeSpan since)
    {
        for (var i = 1; i <= count; i++)
        {
            since += TimeSpan.FromMilliseconds(rest + answer);
            history = history.After(Seen(2, 2 + answer, history.Received + 100, history.Sent + bytes), since);
        }

        return (history, since);
    }
}
