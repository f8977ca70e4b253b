namespace Berth.Compose.Model;

/// <summary>A service's <c>x-berth</c>: what only Berth understands and every other tool ignores.</summary>
/// <param name="Release">The service is a job that runs once in each release, before anything is replaced.</param>
/// <param name="Refresh">Named volumes of the service that take over the image's files when its containers are made anew.</param>
public sealed record ServiceExtension(RollModel? Roll, ReadyModel? Ready, bool Release, IReadOnlyList<string> Refresh);

/// <summary>How a service's containers are replaced. A null means: as <c>deploy.update_config</c> has it, or the default.</summary>
/// <param name="Order"><c>start-first</c> or <c>stop-first</c>.</param>
/// <param name="MinimumPercent">Of the wanted number, rounded up: so many serve at any time.</param>
/// <param name="MaximumPercent">Of the wanted number, rounded down: so many run at most.</param>
/// <param name="Drain">How long a copy that is out of service may go on with what it was asked. Default 30 s.</param>
/// <param name="Watch">How long the new copies are judged. Default 1 min.</param>
public sealed record RollModel(string? Order, int? MinimumPercent, int? MaximumPercent, TimeSpan? Drain, TimeSpan? Watch);

/// <summary>When a new copy counts as ready, where it has no health check of its own.</summary>
/// <param name="Path">For HTTP.</param>
/// <param name="Timeout">From its start. Default 60 s.</param>
public sealed record ReadyModel(ReadyKind Kind, int? Port, string? Path, TimeSpan? Timeout);

public enum ReadyKind
{
    Tcp,
    Http,
    MySql,
    PostgreSql,
    Redis,
    Amqp,
}
