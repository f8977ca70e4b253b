using Berth.Compose.Model;

namespace Berth.Compose.Tests;

/// <summary>A project folder on disk, removed at the end.</summary>
public sealed class Project : IDisposable
{
    public Project(string folderName = "shop")
    {
        Root = Directory.CreateTempSubdirectory("berth-compose-").FullName;
        Folder = Directory.CreateDirectory(Path.Combine(Root, folderName)).FullName;
    }

    public string Root { get; }

    public string Folder { get; }

    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal) { ["HOME"] = "/home/me" };

    /// <summary>A project of one file.</summary>
    public static Project Of(string compose) => new Project().With("compose.yaml", compose);

    public Project With(string name, string content)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return this;
    }

    public Project With((string Name, string Value) variable)
    {
        Environment[variable.Name] = variable.Value;
        return this;
    }

    public ComposeLoadResult Load(Func<ComposeLoadOptions, ComposeLoadOptions>? change = null) => ComposeLoader.Load(Options(change));

    public ProjectModel Good(Func<ComposeLoadOptions, ComposeLoadOptions>? change = null)
    {
        var result = Load(change);
        Assert.Empty(result.Errors.Select(error => error.ToString()));
        Assert.Empty(ComposeJudge.Compare(Options(change), result.Project!));
        return result.Project!;
    }

    private ComposeLoadOptions Options(Func<ComposeLoadOptions, ComposeLoadOptions>? change)
    {
        var options = new ComposeLoadOptions { CurrentFolder = Folder, Environment = Environment };
        return change is null ? options : change(options);
    }

    public string[] Errors(Func<ComposeLoadOptions, ComposeLoadOptions>? change = null)
    {
        var result = Load(change);
        Assert.Null(result.Project);
        return [.. result.Errors.Select(error => error.ToString())];
    }

    public string[] Warnings() => [.. Load().Warnings.Select(warning => warning.ToString())];

    public void Dispose() => Directory.Delete(Root, recursive: true);

    /// <summary>The service <c>a</c> of image <c>i</c> with these lines.</summary>
    public static ServiceModel Service(string lines)
    {
        using var project = OfService(lines);
        return project.Good().Services["a"];
    }

    /// <summary>All that is wrong with such a service; the project's folder reads <c>FOLDER</c>.</summary>
    public static string[] ServiceErrors(string lines)
    {
        using var project = OfService(lines);
        return [.. project.Errors().Select(error => error.Replace(project.Folder, "FOLDER", StringComparison.Ordinal))];
    }

    private static Project OfService(string lines) => Of(
        "services:\n  a:\n    image: i\n" + string.Concat(lines.Split('\n').Select(line => $"    {line}\n")));
}
