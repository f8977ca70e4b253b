using Berth.Testing;

namespace Berth.EndToEnd.Tests;

/// <summary>The checkout's examples.</summary>
internal static class Example
{
    /// <summary>A base image and some hundred packages over a slow line.</summary>
    internal static readonly TimeSpan BuildPatience = TimeSpan.FromMinutes(15);

    /// <summary>Copies one as git would bring it: a developer's modules, build output and database stay behind.</summary>
    internal static void Copy(string name, string to) => CopyFolder($"{Checkout.Root}/examples/{name}", to);

    /// <summary>
    /// A line as a user types it in a folder, where <c>berth</c> is the build's and asks that daemon.
    /// </summary>
    /// <param name="variables">Beside the daemon's own, for example the ports that an example publishes.</param>
    internal static Command Shell(TestDaemon daemon, string folder, string line, IReadOnlyDictionary<string, string?> variables)
    {
        var programs = Directory.CreateDirectory(daemon.Folder + "/programs").FullName;
        if (!File.Exists(programs + "/berth"))
        {
            File.CreateSymbolicLink(programs + "/berth", Checkout.Program("Berth.Cli", "berth-cli"));
        }

        return new("bash", "-c", line)
        {
            WorkingDirectory = folder, Timeout = BuildPatience,
            Environment = new Dictionary<string, string?>([.. daemon.Berth(folder).Environment, .. variables]) { ["PATH"] = $"{programs}:{Environment.GetEnvironmentVariable("PATH")}" },
        };
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, $"{to}/{Path.GetFileName(file)}");
        }

        foreach (var folder in Directory.GetDirectories(from).Where(path => Path.GetFileName(path) is not ("node_modules" or "dist" or "mysql" or "__pycache__")))
        {
            CopyFolder(folder, $"{to}/{Path.GetFileName(folder)}");
        }
    }
}
