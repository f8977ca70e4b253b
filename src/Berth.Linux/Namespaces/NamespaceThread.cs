using Berth.Linux.Processes;

namespace Berth.Linux.Namespaces;

/// <summary>A thread that may change its namespaces, because it ends afterwards: a pool thread must never come back changed.</summary>
internal static class NamespaceThread
{
    private const int StackBytes = 256 * 1024;

    internal static Task Run(Action action)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    action();
                    done.SetResult();
                }
                catch (Exception exception) // handed to whoever awaits
                {
                    done.SetException(exception);
                }
            },
            StackBytes)
        { IsBackground = true, Name = "namespace" };
        thread.StartOrThrow();
        return done.Task;
    }
}
