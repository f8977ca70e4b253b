using Berth.Engine.Errors;
using Berth.Linux.Processes;
using Microsoft.AspNetCore.Http;

namespace Berth.Api;

/// <summary>
/// Keeps the last descriptors for what looks and for what takes things away. Without any left the .NET runtime itself ends the process, as it cannot map memory for what it
/// compiles; so whatever begins something is refused a while before.
/// </summary>
internal static class DescriptorGuard
{
    private const int Kept = 64; // a start takes some twenty

    internal static Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var begins = !(HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) || HttpMethods.IsDelete(context.Request.Method)) && !TakesAway(context.Request.Path);
        return begins && DescriptorRoom.Left() < Kept ? throw Shortage.OfDescriptors() : next(context);
    }

    private static bool TakesAway(PathString path) =>
        path.Value is { } text && (text.EndsWith("/prune", StringComparison.Ordinal) || text.EndsWith("/stop", StringComparison.Ordinal) || text.EndsWith("/kill", StringComparison.Ordinal));
}
