using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary>Progress without some of its kinds, but with what went wrong.</summary>
/// <param name="isLeftOut">Whether an event of that kind is.</param>
internal sealed class Quiet(IProgressView view, Func<string, bool> isLeftOut) : IProgressView
{
    internal static Option Pull { get; } = Option.Flag("quiet-pull", "Fetch images without progress");

    internal static Option Build { get; } = Option.Flag("quiet-build", "Build images without their output");

    /// <summary>As <c>--quiet-pull</c> and <c>--quiet-build</c> ask.</summary>
    internal static IProgressView View(CliContext context, ParsedLine line)
    {
        var view = ProgressView.For(context);
        return !line.Flag(Pull.Name) && !line.Flag(Build.Name) ? view
            : new Quiet(view, kind => (kind == "image" && line.Flag(Pull.Name)) || (kind == "build" && line.Flag(Build.Name)));
    }

    /// <summary>Without any.</summary>
    internal static IProgressView All(CliContext context) => new NoProgress(context.Error);

    public void Show(JsonObject one)
    {
        if (!isLeftOut(one.Text("kind")) || one.Text("status") is "Error")
        {
            view.Show(one);
        }
    }

    public void Finish(JsonObject last) => view.Finish(last);
}
