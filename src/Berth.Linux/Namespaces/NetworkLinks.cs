namespace Berth.Linux.Namespaces;

/// <summary>The links of the calling thread's network namespace.</summary>
public static class NetworkLinks
{
    /// <summary>Whether there is one of that name. if_nametoindex(3).</summary>
    public static bool Exists(string name) => Libc.if_nametoindex(name) != 0;
}
