using System.Text.Json.Nodes;
using Berth.Cli.Output;

namespace Berth.Cli.Projects;

/// <summary>Progress without the fetching of images.</summary>
internal sealed class Quiet(IProgressView view) : IProgressView
{
    /// <param name="flag">The option that asks for it.</param>
    internal static IProgressView View(CliContext context, ParsedLine line, string flag) => line.Flag(flag) ? new Quiet(ProgressView.For(context)) : ProgressView.For(context);

    public void Show(JsonObject one)
    {
        if (one.Text("kind") != "image" || one.Text("status") is "Error" or "Warning")
        {
            view.Show(one);
        }
    }

    public void Finish(JsonObject last) => view.Finish(last);
}
