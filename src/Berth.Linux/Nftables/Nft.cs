using System.Runtime.InteropServices;

namespace Berth.Linux.Nftables;

/// <summary>Loads nftables batches in process through libnftables.so.1. libnftables(3). A batch is one transaction.</summary>
public static unsafe partial class Nft
{
    private const string Library = "libnftables.so.1";
    private const uint NFT_CTX_OUTPUT_STATELESS = 1 << 2;
    private const uint NFT_CTX_OUTPUT_HANDLE = 1 << 3;
    private static readonly Lock Gate = new(); // the library keeps caches that are global to the process

    /// <summary>
    /// Runs a batch in the calling thread's network namespace. All of it takes effect, or none.
    /// </summary>
    /// <exception cref="NftException">The batch was refused; the message quotes nft's own words.</exception>
    public static void Run(string batch)
    {
        lock (Gate)
        {
            RunLocked(batch);
        }
    }

    /// <summary>As <see cref="Run"/>, and returns the number that the ruleset has from this change on, as <see cref="NftMonitor"/> tells it.</summary>
    /// <returns>Null when another program changed the ruleset at the same moment: then it cannot be said which was whose.</returns>
    public static uint? RunAsGeneration(string batch)
    {
        lock (Gate)
        {
            var before = NftGeneration.Current();
            RunLocked(batch);
            var after = NftGeneration.Current();
            return after == before + 1 ? after : null;
        }
    }

    private static void RunLocked(string batch)
    {
        // A context opens its netlink socket in the current namespace, so each call has one of its own.
        var context = nft_ctx_new(0);
        if (context == 0)
        {
            throw new NftException("libnftables could not make a context: out of memory.");
        }

        try
        {
            _ = nft_ctx_buffer_error(context);
            if (nft_run_cmd_from_buffer(context, batch) != 0)
            {
                throw new NftException($"nftables refused a change: {Marshal.PtrToStringUTF8(nft_ctx_get_error_buffer(context))?.Trim()}");
            }
        }
        finally
        {
            nft_ctx_free(context);
        }
    }

    /// <summary>Runs a query, such as <c>list tables</c>, and returns what it prints.</summary>
    public static string Query(string command)
    {
        lock (Gate)
        {
            return QueryLocked(command);
        }
    }

    /// <summary>As <see cref="Query"/>, with the handle of each rule and without counters: <c>nft --handle --stateless</c>.</summary>
    public static string QueryRules(string command)
    {
        lock (Gate)
        {
            return QueryLocked(command, NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_STATELESS);
        }
    }

    private static string QueryLocked(string command, uint flags = 0)
    {
        var context = nft_ctx_new(0);
        try
        {
            nft_ctx_output_set_flags(context, flags);
            _ = nft_ctx_buffer_error(context);
            _ = nft_ctx_buffer_output(context);
            return nft_run_cmd_from_buffer(context, command) == 0
                ? Marshal.PtrToStringUTF8(nft_ctx_get_output_buffer(context)) ?? ""
                : throw new NftException($"nftables refused '{command}': {Marshal.PtrToStringUTF8(nft_ctx_get_error_buffer(context))?.Trim()}");
        }
        finally
        {
            nft_ctx_free(context);
        }
    }

    [LibraryImport(Library)]
    private static partial nint nft_ctx_new(uint flags);

    [LibraryImport(Library)]
    private static partial void nft_ctx_free(nint context);

    [LibraryImport(Library)]
    private static partial void nft_ctx_output_set_flags(nint context, uint flags);

    [LibraryImport(Library)]
    private static partial int nft_ctx_buffer_error(nint context);

    [LibraryImport(Library)]
    private static partial int nft_ctx_buffer_output(nint context);

    [LibraryImport(Library)]
    private static partial nint nft_ctx_get_error_buffer(nint context);

    [LibraryImport(Library)]
    private static partial nint nft_ctx_get_output_buffer(nint context);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int nft_run_cmd_from_buffer(nint context, string batch);
}

/// <summary>nftables refused a batch.</summary>
public sealed class NftException(string message) : IOException(message);
