using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Api.Hijack;

/// <summary>
/// A connection whose bytes an endpoint can take over after Kestrel has parsed a request on it. Kestrel's own upgrade refuses
/// requests with a body, which Docker's <c>exec start</c> has, and ends a connection whose client closed its sending side,
/// which <c>echo | docker exec -i</c> does. So Kestrel is given this wrapper, which keeps the end of the connection from
/// it once the connection is taken.
/// </summary>
internal sealed class HijackableConnection : ConnectionContext
{
    private readonly ConnectionContext _inner;
    private readonly CancellationTokenSource _closed = new();
    private volatile bool _taken;

    private HijackableConnection(ConnectionContext inner)
    {
        _inner = inner;
        inner.ConnectionClosed.Register(() =>
        {
            if (!_taken)
            {
                _closed.Cancel();
            }
        });
        ConnectionClosed = _closed.Token;
    }

    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _inner.Transport;
        set => _inner.Transport = value;
    }

    public override CancellationToken ConnectionClosed { get; set; }

    /// <summary>Connection middleware that makes each connection one of these.</summary>
    internal static async Task InvokeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var hijackable = new HijackableConnection(connection);
        connection.Features.Set(hijackable);
        await next(hijackable).ConfigureAwait(false);
    }

    /// <summary>Takes the connection: from now on its bytes are the caller's, and Kestrel hears nothing of its end.</summary>
    internal PipeReader Take()
    {
        _taken = true;
        return _inner.Transport.Input;
    }

    public override void Abort(ConnectionAbortedException abortReason) => _inner.Abort(abortReason);

    public override void Abort() => _inner.Abort();

    public override async ValueTask DisposeAsync()
    {
        _closed.Dispose();
        await _inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
