using System.Runtime.InteropServices;

namespace Berth.Engine.Containers.Attach;

/// <summary>A stream to a client of which the kernel can tell when the client is gone, and not only done with sending.</summary>
public interface IClientConnection
{
    /// <summary>The socket.</summary>
    SafeHandle Handle { get; }
}
