using Berth.Compose.Model;

namespace Berth.Releases.Planning;

/// <summary>How the containers of one service take over from another's: numbers that hold for one roll.</summary>
/// <remarks>Compose Specification, deploy.md, "update_config" and "rollback_config"; <c>x-berth.roll</c> for percentages and times.</remarks>
/// <param name="Parallelism">Containers that are replaced together; at least one.</param>
/// <param name="MaximumTotal">Copies that run at most, old and new.</param>
/// <param name="MinimumServing">Copies that serve at least, at any time.</param>
/// <param name="FailureAction">When more new copies fail than may.</param>
/// <param name="MaximumFailureRatio">Of the new copies, 0 to 1; those that fail leave their old one in place.</param>
/// <param name="Drain">How long a copy that is out of service may go on with what it was asked.</param>
/// <param name="Watch">How long the new copies are judged after they have taken over.</param>
public sealed record RollSettings(
    RollOrder Order,
    int Parallelism,
    TimeSpan Delay,
    int MaximumTotal,
    int MinimumServing,
    FailureAction FailureAction,
    decimal MaximumFailureRatio,
    TimeSpan Drain,
    TimeSpan Watch)
{
    public static readonly TimeSpan DefaultDrain = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan DefaultWatch = TimeSpan.FromMinutes(1);

    /// <summary>The settings of a service, for so many containers.</summary>
    /// <param name="order">As the rules have found it possible.</param>
    /// <param name="goesBack">An earlier release comes back: <c>rollback_config</c> counts.</param>
    internal static RollSettings Of(ServiceModel service, int wanted, RollOrder order, bool goesBack)
    {
        var startFirst = order == RollOrder.StartFirst;
        var config = goesBack ? service.Deploy?.Rollback ?? service.Deploy?.Update : service.Deploy?.Update;
        var roll = service.Extension?.Roll;
        var maximum = Math.Max(wanted, MaximumOf(wanted, roll?.MaximumPercent ?? (startFirst ? 200 : 100)));
        var minimum = MinimumOf(wanted, roll?.MinimumPercent ?? (startFirst ? 100 : 0));
        var room = startFirst ? maximum - wanted : wanted - minimum;
        var asked = config?.Parallelism switch
        {
            0 => wanted, // all at once
            { } number => number,
            null => roll is { MinimumPercent: null, MaximumPercent: null } or null ? 1 : wanted,
        };
        return new(
            order,
            order == RollOrder.Alone ? wanted : Math.Max(1, Math.Min(asked, room)),
            config?.Delay ?? TimeSpan.Zero,
            maximum,
            minimum,
            config?.FailureAction switch
            {
                "continue" => FailureAction.Continue,
                "pause" => FailureAction.Pause,
                _ => FailureAction.GoBack,
            },
            config?.MaximumFailureRatio ?? 0,
            roll?.Drain ?? DefaultDrain,
            roll?.Watch ?? config?.Monitor ?? DefaultWatch);
    }

    /// <summary>Copies that may run when so many per cent of the wanted number may: rounded down, as in Amazon ECS's <c>maximumPercent</c>.</summary>
    internal static int MaximumOf(int wanted, int percent) => (int)Math.Min(int.MaxValue, (long)wanted * percent / 100);

    /// <summary>Copies that must serve when so many per cent of the wanted number must: rounded up, as in Amazon ECS's <c>minimumHealthyPercent</c>.</summary>
    internal static int MinimumOf(int wanted, int percent) => (int)(((long)wanted * percent + 99) / 100);
}

/// <summary>Which goes first.</summary>
public enum RollOrder
{
    /// <summary>The new copy serves before the old one leaves.</summary>
    StartFirst,

    /// <summary>The old copy leaves first, while other replicas serve.</summary>
    StopFirst,

    /// <summary>The old copy ends before the new one starts, and nobody serves in between: new connections wait.</summary>
    Alone,
}

/// <summary>What is done when new copies fail.</summary>
public enum FailureAction
{
    /// <summary>The old copies serve again. Berth's default.</summary>
    GoBack,

    /// <summary>Everything stays as it is at that moment.</summary>
    Pause,

    /// <summary>The next copies take their turn all the same.</summary>
    Continue,
}
