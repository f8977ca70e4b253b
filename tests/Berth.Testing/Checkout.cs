namespace Berth.Testing;

/// <summary>The working copy that the tests were built from: its folders and its built programs.</summary>
public static class Checkout
{
    public static string Root { get; } = FindRoot();

    public static string Artifacts => Root + "/artifacts";

    /// <summary>
    /// A program of this working copy, <c>Program("Berth.Daemon", "berthd")</c>: as it is published, compiled ahead of time, where <c>./test</c> has made that of the present
    /// build; else the build's own. The published one starts in a quarter of the time, and is what users get.
    /// </summary>
    public static string Program(string project, string name)
    {
        var published = $"{Artifacts}/tested/{(project == "Berth.Cli" ? "cli/" : "")}{name}";
        return s_isPublished && File.Exists(published) ? published : $"{Artifacts}/bin/{project}/{Configuration}/{name}";
    }

    private static readonly bool s_isPublished = File.GetLastWriteTimeUtc(Artifacts + "/tested/.built") is var made
        && Directory.EnumerateDirectories(Root + "/src").Select(folder => $"{Artifacts}/bin/{Path.GetFileName(folder)}/{Configuration}")
            .All(folder => Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*erth*.dll").All(built => File.GetLastWriteTimeUtc(built) <= made));

    // The tests lie in artifacts/bin/PROJECT/CONFIGURATION/, as the programs do.
    private static string Configuration => Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/'));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(folder.FullName + "/Berth.slnx"))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"no Berth.slnx above {AppContext.BaseDirectory}");
        }

        return folder.FullName;
    }
}
