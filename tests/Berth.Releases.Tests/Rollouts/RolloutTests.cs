using Berth.Engine.Errors;
using Berth.Releases.Planning;
using Berth.Releases.Rollouts;
using Berth.Testing;

namespace Berth.Releases.Tests.Rollouts;

public sealed class RolloutTests
{
    private readonly ManualTime _time = new();

    private static RollSettings Settings(
        RollOrder order = RollOrder.StartFirst, int parallelism = 1, int maximum = 6, int minimum = 3, FailureAction failure = FailureAction.GoBack, decimal ratio = 0, int delaySeconds = 0) =>
        new(order, parallelism, TimeSpan.FromSeconds(delaySeconds), maximum, minimum, failure, ratio, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1));

    private Rollout Of(FakeTarget target, RollSettings settings, int count = 3, int additions = 0) => new(
        settings,
        [
            .. Enumerable.Range(1, count).Select(number => new RollSlot("app", $"app-{number}", number, $"old{number}")),
            .. Enumerable.Range(count + 1, additions).Select(number => new RollSlot("app", $"app-{number}", number, null)),
        ],
        target, _time);

    [Fact]
    public async Task Start_first_each_new_copy_serves_before_its_old_one_leaves()
    {
        var target = new FakeTarget(2);
        var rollout = Of(target, Settings(maximum: 4, minimum: 2), count: 2);
        await rollout.RunAsync(default);
        Assert.Equal(["make app-1-next", "start new1", "switch +new1 -old1", "make app-2-next", "start new2", "switch +new2 -old2"], target.Log);
        Assert.Equal("app-1=new1 app-1-previous=old1/aside app-2=new2 app-2-previous=old2/aside", target.State);
        Assert.Equal(2, target.FewestServing);
        await rollout.FinishAsync();
        Assert.Equal("app-1=new1 app-2=new2", target.State);
    }

    [Fact]
    public async Task Copies_that_take_their_turn_together_start_side_by_side()
    {
        var target = new FakeTarget(3);
        await Of(target, Settings(parallelism: 2)).RunAsync(default);
        Assert.Equal(["switch +new1 +new2 -old1 -old2", "switch +new3 -old3"], target.Log.Where(line => line.StartsWith("switch", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Old_copies_are_stopped_early_where_there_is_no_room_for_all()
    {
        var target = new FakeTarget(3);
        var rollout = Of(target, Settings(maximum: 4));
        await rollout.RunAsync(default);
        Assert.Equal(4, target.MostRunning);
        Assert.Equal(3, target.FewestServing);
        Assert.Equal("app-1=new1 app-1-previous=old1/aside/stopped app-2=new2 app-2-previous=old2/aside/stopped app-3=new3 app-3-previous=old3/aside", target.State);
        await rollout.GoBackAsync();
        Assert.Equal("app-1=old1 app-2=old2 app-3=old3", target.State);
        Assert.Equal(3, target.FewestServing);
    }

    [Fact]
    public async Task A_sick_copy_brings_the_old_ones_back()
    {
        var target = new FakeTarget(3);
        target.Sick.Add("app-2");
        var failure = await Assert.ThrowsAsync<BerthException>(() => Of(target, Settings()).RunAsync(default));
        Assert.Equal("app-2-next is sick", failure.Message);
        Assert.Equal("app-1=old1 app-2=old2 app-3=old3", target.State);
        Assert.Equal(3, target.FewestServing);
    }

    [Fact]
    public async Task Pause_leaves_everything_as_it_is_at_that_moment()
    {
        var target = new FakeTarget(3);
        target.Sick.Add("app-2");
        var failure = await Assert.ThrowsAsync<BerthException>(() => Of(target, Settings(failure: FailureAction.Pause)).RunAsync(default));
        Assert.Contains("1 of 3 new containers serve", failure.Message, StringComparison.Ordinal);
        Assert.Equal("app-1=new1 app-1-previous=old1/aside app-2=old2 app-3=old3", target.State);
    }

    [Fact]
    public async Task Continue_keeps_the_old_copy_of_a_sick_one()
    {
        var target = new FakeTarget(3);
        target.Sick.Add("app-2");
        await Of(target, Settings(failure: FailureAction.Continue)).RunAsync(default);
        Assert.Equal("app-1=new1 app-1-previous=old1/aside app-2=old2 app-3=new3 app-3-previous=old3/aside", target.State);
    }

    [Fact]
    public async Task So_many_may_fail_as_the_ratio_says()
    {
        var target = new FakeTarget(3);
        target.Sick.UnionWith(["app-1", "app-3"]);
        await Assert.ThrowsAsync<BerthException>(() => Of(target, Settings(ratio: 0.4m)).RunAsync(default));
        Assert.Equal("app-1=old1 app-2=old2 app-3=old3", target.State);

        var luckier = new FakeTarget(3);
        luckier.Sick.Add("app-1");
        await Of(luckier, Settings(ratio: 0.4m)).RunAsync(default);
        Assert.Equal("app-1=old1 app-2=new2 app-2-previous=old2/aside app-3=new3 app-3-previous=old3/aside", luckier.State);
    }

    [Fact]
    public async Task All_that_fail_is_a_failure_whatever_the_settings_say()
    {
        var target = new FakeTarget(2);
        target.Sick.UnionWith(["app-1", "app-2"]);
        await Assert.ThrowsAsync<BerthException>(() => Of(target, Settings(failure: FailureAction.Continue), count: 2).RunAsync(default));
        Assert.Equal("app-1=old1 app-2=old2", target.State);
    }

    [Fact]
    public async Task The_delay_lies_between_turns()
    {
        var target = new FakeTarget(2);
        var running = Of(target, Settings(delaySeconds: 10), count: 2).RunAsync(default);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(running.IsCompleted);
        Assert.Single(target.Log, line => line.StartsWith("switch", StringComparison.Ordinal));
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal("app-1=new1 app-1-previous=old1/aside app-2=new2 app-2-previous=old2/aside", target.State);
    }

    [Fact]
    public async Task Stop_first_the_others_serve_meanwhile()
    {
        var target = new FakeTarget(3);
        var rollout = Of(target, Settings(RollOrder.StopFirst, maximum: 3, minimum: 2));
        await rollout.RunAsync(default);
        Assert.Equal(["switch -old1", "cool old1", "make app-1-next", "start new1", "switch +new1 -old1"], target.Log.Take(5));
        Assert.Equal(3, target.MostRunning);
        Assert.Equal(2, target.FewestServing);
        await rollout.GoBackAsync();
        Assert.Equal("app-1=old1 app-2=old2 app-3=old3", target.State);
    }

    [Fact]
    public async Task Stop_first_the_old_copy_of_a_sick_one_is_started_again()
    {
        var target = new FakeTarget(3);
        target.Sick.Add("app-1");
        await Of(target, Settings(RollOrder.StopFirst, maximum: 3, minimum: 2, failure: FailureAction.Continue)).RunAsync(default);
        Assert.Equal("app-1=old1 app-2=new2 app-2-previous=old2/aside/stopped app-3=new3 app-3-previous=old3/aside/stopped", target.State);
    }

    [Fact]
    public async Task Alone_two_copies_never_run_at_once_there_and_back()
    {
        var target = new FakeTarget(1);
        var rollout = Of(target, Settings(RollOrder.Alone, maximum: 1, minimum: 0), count: 1);
        await rollout.RunAsync(default);
        Assert.Equal(["make app-1-next", "stop old1", "switch +new1 -old1", "start new1"], target.Log);
        await rollout.GoBackAsync();
        Assert.Equal("app-1=old1", target.State);
        Assert.Equal(1, target.MostRunning);
    }

    [Fact]
    public async Task Alone_a_sick_copy_gives_its_place_back()
    {
        var target = new FakeTarget(1);
        target.Sick.Add("app-1");
        await Assert.ThrowsAsync<BerthException>(() => Of(target, Settings(RollOrder.Alone, maximum: 1, minimum: 0), count: 1).RunAsync(default));
        Assert.Equal("app-1=old1", target.State);
        Assert.Equal(1, target.MostRunning);
    }

    [Fact]
    public async Task Alone_what_cannot_be_prepared_is_removed_whatever_stood_in_the_way()
    {
        var target = new FakeTarget(1) { PrepareFailure = new IOException("No space left on device") };
        await Assert.ThrowsAsync<IOException>(() => Of(target, Settings(RollOrder.Alone, maximum: 1, minimum: 0), count: 1).RunAsync(default));
        Assert.Equal("app-1=old1", target.State);
        target.PrepareFailure = new BerthException(ErrorKind.Failed, "the runtime refuses it");
        await Assert.ThrowsAsync<BerthException>(() => Of(target, Settings(RollOrder.Alone, maximum: 1, minimum: 0), count: 1).RunAsync(default));
        Assert.Equal(["make app-1-next", "remove new1", "make app-1-next", "remove new2"], target.Log);
    }

    [Fact]
    public async Task More_containers_serve_once_they_are_ready()
    {
        var target = new FakeTarget(1);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        target.Readiness = ready.Task;
        var running = Of(target, Settings(parallelism: 3), count: 1, additions: 1).RunAsync(default);
        Assert.Equal("app-1=old1 app-1-next=new1/aside app-2-next=new2/aside", target.State);
        ready.SetResult();
        await running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal("app-1=new1 app-1-previous=old1/aside app-2=new2", target.State);
    }

    [Fact]
    public async Task A_daemon_that_comes_later_can_finish_and_go_back_too()
    {
        var target = new FakeTarget(2);
        await Of(target, Settings(maximum: 3, minimum: 2), count: 2).RunAsync(default);
        var resumed = Rollout.Resume(
            Settings(), [(new("app", "app-1", 1, "old1"), "new1"), (new("app", "app-2", 2, "old2"), "new2")],
            id => target.Copies.TryGetValue(id, out var copy) ? copy.IsRunning : null, target, _time);
        await resumed.GoBackAsync();
        Assert.Equal("app-1=old1 app-2=old2", target.State);
    }
}
