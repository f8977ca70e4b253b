using Berth.Testing;

namespace Berth.Conformance.Tests.Clients;

/// <summary>Node's clients of the Docker API, as <c>node/package-lock.json</c> names them, installed below <c>artifacts/</c> together with the scripts that use them.</summary>
internal static class NodePackages
{
    private static readonly Lazy<Task> s_installed = new(InstallAsync); // once for all classes

    internal static string Folder => Checkout.Artifacts + "/peers/node-clients";

    internal static Task PrepareAsync() => s_installed.Value;

    private static async Task InstallAsync()
    {
        var from = ClientScripts.Folder + "/node";
        var isCurrent = Directory.Exists(Folder + "/node_modules") && File.Exists(Folder + "/package-lock.json")
            && await File.ReadAllTextAsync(Folder + "/package-lock.json") == await File.ReadAllTextAsync(from + "/package-lock.json");
        Directory.CreateDirectory(Folder);
        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, $"{Folder}/{Path.GetFileName(file)}", overwrite: true);
        }

        if (!isCurrent)
        {
            File.Delete(Folder + "/package-lock.json"); // put back once all is there, so that an installation that broke off is begun anew
            var work = Directory.CreateDirectory(Folder + "/new").FullName;
            File.Copy(from + "/package.json", work + "/package.json", overwrite: true);
            File.Copy(from + "/package-lock.json", work + "/package-lock.json", overwrite: true);
            var install = new Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund") { WorkingDirectory = work, Timeout = TimeSpan.FromMinutes(5) };
            (await install.RunAsync(CancellationToken.None)).EnsureSuccess();
            if (Directory.Exists(Folder + "/node_modules"))
            {
                Directory.Delete(Folder + "/node_modules", recursive: true);
            }

            Directory.Move(work + "/node_modules", Folder + "/node_modules");
            Directory.Delete(work, recursive: true);
            File.Copy(from + "/package-lock.json", Folder + "/package-lock.json");
        }
    }
}
