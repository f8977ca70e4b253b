using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Berth.Engine.State;

namespace Berth.Releases.Ledger;

/// <summary>
/// Every release of every project, in a file of its own below the data root. What was written is on the disk even after a power cut
/// (<c>synchronous=FULL</c>). It holds environments as they were, so only root can read it.
/// </summary>
public sealed class ReleaseLedger : IAsyncDisposable
{
    private const string Kind = "release";
    private const string FileKind = "release-file"; // PROJECT/DIGEST
    private const int KeptPerProject = 500; // a release a day for more than a year
    private readonly StateStore _store;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<(string Project, int Number), ReleaseRecord> _releases = [];

    private ReleaseLedger(StateStore store)
    {
        _store = store;
        foreach (var (_, data) in store.Documents(Kind).All())
        {
            var release = JsonSerializer.Deserialize(data, LedgerJson.Default.ReleaseRecord)!;
            _releases[(release.Project, release.Number)] = release;
        }
    }

    /// <summary>Opens or makes the file.</summary>
    public static ReleaseLedger Open(string path, FaultPoints faults)
    {
        var store = StateStore.Open(path, faults, survivesPowerCuts: true);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return new(store);
    }

    /// <summary>The releases of a project, newest first.</summary>
    public IReadOnlyList<ReleaseRecord> Of(string project)
    {
        lock (_gate)
        {
            return [.. _releases.Where(pair => pair.Key.Project == project).Select(pair => pair.Value).Reverse()];
        }
    }

    /// <summary>All releases of all projects.</summary>
    public IReadOnlyList<ReleaseRecord> All()
    {
        lock (_gate)
        {
            return [.. _releases.Values];
        }
    }

    public ReleaseRecord? Find(string project, int number)
    {
        lock (_gate)
        {
            return _releases.GetValueOrDefault((project, number));
        }
    }

    /// <summary>Writes a release with the project's next number; the oldest of more than 500 are forgotten.</summary>
    /// <param name="release">Its number does not count, nor do its <see cref="ReleaseRecord.Files"/>.</param>
    /// <param name="files">What its secrets and configs hold.</param>
    public async Task<ReleaseRecord> BeginAsync(ReleaseRecord release, IReadOnlyDictionary<string, byte[]> files)
    {
        release = release with { Files = new(files.ToDictionary(pair => pair.Key, pair => DigestOf(pair.Value)), StringComparer.Ordinal) };
        List<ReleaseRecord> old;
        lock (_gate)
        {
            var last = _releases.Keys.Where(key => key.Project == release.Project).Select(key => key.Number).DefaultIfEmpty(0).Max();
            release = release with { Number = last + 1 };
            _releases[(release.Project, release.Number)] = release;
            old = [.. _releases.Values.Where(one => one.Project == release.Project && one.Number <= release.Number - KeptPerProject && one.Status is not (ReleaseStatus.Running or ReleaseStatus.Watched or ReleaseStatus.GoingBack))];
            old.ForEach(one => _releases.Remove((one.Project, one.Number)));
        }

        var added = release.Files.Where(pair => _store.Documents(FileKind).Get($"{release.Project}/{pair.Value}") is null).ToList(); // most are as they were
        await _store.CommitAsync(batch =>
        {
            batch.Put(Kind, Key(release), Write(release));
            foreach (var (name, digest) in added)
            {
                batch.Put(FileKind, $"{release.Project}/{digest}", files[name]);
            }
        }).ConfigureAwait(false);
        if (old.Count > 0)
        {
            var needed = Of(release.Project).SelectMany(one => one.Files.Values).ToHashSet(StringComparer.Ordinal);
            await _store.CommitAsync(batch =>
            {
                old.ForEach(one => batch.Delete(Kind, Key(one)));
                foreach (var digest in old.SelectMany(one => one.Files.Values).Where(digest => !needed.Contains(digest)).Distinct())
                {
                    batch.Delete(FileKind, $"{release.Project}/{digest}");
                }
            }).ConfigureAwait(false);
        }

        return release;
    }

    /// <summary>What a release's secrets and configs held, by their names.</summary>
    public IReadOnlyDictionary<string, byte[]> FilesOf(ReleaseRecord release) => release.Files
        .Select(pair => (pair.Key, Content: _store.Documents(FileKind).Get($"{release.Project}/{pair.Value}")))
        .Where(pair => pair.Content is not null).ToDictionary(pair => pair.Key, pair => pair.Content!, StringComparer.Ordinal);

    /// <summary>Replaces what is written of a release.</summary>
    public async Task<ReleaseRecord> PutAsync(ReleaseRecord release)
    {
        lock (_gate)
        {
            _releases[(release.Project, release.Number)] = release;
        }

        await _store.Documents(Kind).PutAsync(Key(release), Write(release)).ConfigureAwait(false);
        return release;
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    private static string Key(ReleaseRecord release) => string.Create(CultureInfo.InvariantCulture, $"{release.Project}/{release.Number}");

    private static string DigestOf(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

    private static byte[] Write(ReleaseRecord release) => JsonSerializer.SerializeToUtf8Bytes(release, LedgerJson.Default.ReleaseRecord);
}
