namespace Berth.Testing;

/// <summary>The working copy that the tests were built from: its folders and its built programs.</summary>
public static class Checkout
{
    public static string Root { get; } = FindRoot();

    public static string Artifacts => Root + "/artifacts";

    /// <summary>A program of the build: <c>Program("Berth.Daemon", "berthd")</c>.</summary>
    public static string Program(string project, string name) => $"{Artifacts}/bin/{project}/{Configuration}/{name}";

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
