namespace Berth.Linux.Processes;

/// <summary>Threads of their own, where there may be no room for one more.</summary>
internal static class ThreadStarting
{
    /// <summary>Starts a thread.</summary>
    /// <exception cref="LinuxException">EAGAIN, as pthread_create(3) has it: .NET says that memory ran out, whatever the reason.</exception>
    internal static void StartOrThrow(this Thread thread)
    {
        try
        {
            thread.Start();
        }
        catch (OutOfMemoryException)
        {
            throw new LinuxException(Errno.EAGAIN, "pthread_create", $"the thread '{thread.Name}'");
        }
    }
}
