using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Berth.Engine.Events;

/// <summary>Something that happened to an object of the engine. Docker Engine API, "SystemEventsResponse".</summary>
public sealed record EngineEvent(string Type, string Action, string ActorId, IReadOnlyDictionary<string, string> Attributes, DateTimeOffset Time);

/// <summary>Hands events to whoever listens, and keeps the last ones for <c>events --since</c>.</summary>
public sealed class EventBus(TimeProvider time)
{
    private const int Kept = 1024;
    private const int Waiting = 4096; // per listener; one that falls further behind is ended rather than waited for
    private readonly ConcurrentDictionary<Channel<EngineEvent>, byte> _listeners = new();
    private readonly Queue<EngineEvent> _recent = new();
    private readonly Lock _gate = new();

    public void Publish(string type, string action, string actorId, IReadOnlyDictionary<string, string>? attributes = null)
    {
        var engineEvent = new EngineEvent(type, action, actorId, attributes ?? new Dictionary<string, string>(), time.GetUtcNow());
        lock (_gate)
        {
            _recent.Enqueue(engineEvent);
            if (_recent.Count > Kept)
            {
                _recent.Dequeue();
            }

            foreach (var listener in _listeners.Keys)
            {
                if (!listener.Writer.TryWrite(engineEvent))
                {
                    listener.Writer.TryComplete();
                }
            }
        }
    }

    /// <summary>Events from now on, preceded by the kept ones that are not older than <paramref name="since"/>.</summary>
    public EventSubscription Subscribe(DateTimeOffset? since)
    {
        var channel = Channel.CreateBounded<EngineEvent>(new BoundedChannelOptions(Waiting) { SingleReader = true });
        lock (_gate)
        {
            foreach (var past in _recent.Where(engineEvent => since is not null && engineEvent.Time >= since))
            {
                channel.Writer.TryWrite(past);
            }

            _listeners[channel] = 0;
        }

        return new(channel.Reader, () => _listeners.TryRemove(channel, out _));
    }
}

/// <summary>A listener's queue. It ends when the listener is disposed or has fallen too far behind.</summary>
public sealed class EventSubscription(ChannelReader<EngineEvent> reader, Action end) : IDisposable
{
    public ChannelReader<EngineEvent> Reader { get; } = reader;

    public void Dispose() => end();
}
