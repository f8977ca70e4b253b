namespace Berth.Engine.Containers.Devices;

/// <summary>
/// The devices that vendors have described on this machine. Read anew each time: drivers write their files when they are loaded, and few containers ask.
/// Container Device Interface 1.1, SPEC.md, "CDI JSON Specification": a file of a later directory takes the place of an earlier one's; two of the same directory may not describe the same device.
/// </summary>
public static class CdiRegistry
{
    private const int MaximumFiles = 1000;

    /// <param name="directories">Such as /etc/cdi and /var/run/cdi; those that are not there are passed over.</param>
    public static CdiDevices Read(IReadOnlyList<string> directories)
    {
        var devices = new Dictionary<string, CdiEntry>(StringComparer.Ordinal);
        var errors = new List<string>();
        for (var priority = 0; priority < directories.Count; priority++)
        {
            foreach (var path in Files(directories[priority], errors))
            {
                try
                {
                    Add(devices, CdiFileReader.Read(path), path, priority, errors);
                }
                catch (Exception exception) when (exception is FormatException or IOException or UnauthorizedAccessException)
                {
                    errors.AddRange(exception.Message.Split('\n').Select(message => $"{path}: {message}"));
                }
            }
        }

        return new CdiDevices(devices.Where(pair => pair.Value.OtherPath is null).ToDictionary(StringComparer.Ordinal), errors);
    }

    private static List<string> Files(string directory, List<string> errors)
    {
        try
        {
            return [.. Directory.EnumerateFiles(directory).Where(path => Path.GetExtension(path) is ".json" or ".yaml").Order(StringComparer.Ordinal).Take(MaximumFiles)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            errors.Add($"{directory}: {exception.Message}");
            return [];
        }
    }

    private static void Add(Dictionary<string, CdiEntry> devices, CdiFile file, string path, int priority, List<string> errors)
    {
        foreach (var device in file.Devices!)
        {
            var name = $"{file.Kind}={device.Name}";
            if (devices.TryGetValue(name, out var other) && other.Priority == priority)
            {
                errors.Add($"{path}: the device {name} is in {other.Path} too, so neither is used");
                devices[name] = other with { OtherPath = path };
            }
            else
            {
                devices[name] = new CdiEntry(file, device, path, priority);
            }
        }
    }
}

/// <param name="File">The file as a whole: its own edits go with those of each device.</param>
/// <param name="Priority">Number of the directory.</param>
/// <param name="OtherPath">Another file of the same directory that describes it too.</param>
internal sealed record CdiEntry(CdiFile File, CdiDevice Device, string Path, int Priority, string? OtherPath = null);

/// <summary>What was found.</summary>
public sealed class CdiDevices
{
    private readonly IReadOnlyDictionary<string, CdiEntry> _entries;

    internal CdiDevices(IReadOnlyDictionary<string, CdiEntry> entries, IReadOnlyList<string> errors)
    {
        (_entries, Errors) = (entries, errors);
        Names = [.. entries.Keys.Order(StringComparer.Ordinal)];
    }

    /// <summary>Full names, <c>VENDOR/CLASS=NAME</c>, in order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>What could not be used, each with its file.</summary>
    public IReadOnlyList<string> Errors { get; }

    internal CdiEntry? Find(string name) => _entries.GetValueOrDefault(name);
}
