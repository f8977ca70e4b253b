using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Berth.Releases.Ledger;

/// <summary>
/// When which version of a project served, signed with a key that this data root alone has: whoever gets it can see that nothing in it was changed since, and by the key's
/// fingerprint that it comes from here. Secrets are not in it: a model counts as its hash.
/// </summary>
/// <remarks>ECDSA on P-256 with SHA-256 over the UTF-8 bytes of <c>statement</c> as written; the signature in the form of IEEE P1363. NIST FIPS 186-5.</remarks>
public sealed class Evidence(string keyPath)
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The evidence of a project's releases, as JSON text.</summary>
    /// <param name="containers">Name, image id and start time of what runs now.</param>
    public string Sign(string project, string host, DateTimeOffset now, IReadOnlyList<ReleaseRecord> releases, IEnumerable<(string Name, string ImageId, DateTimeOffset Started)> containers)
    {
        using var key = OpenKey();
        var statement = new JsonObject
        {
            ["project"] = project,
            ["host"] = host,
            ["made"] = Time(now),
            ["running"] = new JsonArray([.. containers.Select(one => (JsonNode)new JsonObject { ["name"] = one.Name, ["image"] = one.ImageId, ["started"] = Time(one.Started) })]),
            ["releases"] = new JsonArray([.. releases.Select(release => (JsonNode)new JsonObject
            {
                ["number"] = release.Number,
                ["status"] = release.Status.ToString(),
                ["started"] = Time(release.Started),
                ["ended"] = release.Ended is { } ended ? Time(ended) : null,
                ["user"] = release.User,
                ["gitCommit"] = release.GitCommit,
                ["images"] = new JsonObject(release.Images.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
                ["model"] = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(release.Model))),
            })]),
        }.ToJsonString();
        return new JsonObject
        {
            ["statement"] = statement,
            ["publicKey"] = Convert.ToBase64String(key.ExportSubjectPublicKeyInfo()),
            ["signature"] = Convert.ToBase64String(key.SignData(System.Text.Encoding.UTF8.GetBytes(statement), HashAlgorithmName.SHA256)),
        }.ToJsonString(Readable);
    }

    private static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    // Written beside and moved into place, so that a half key is never read.
    private ECDsa OpenKey()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        try
        {
            if (!File.Exists(keyPath))
            {
                using (var file = new FileStream(keyPath + ".new", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
                {
                    file.Write(System.Text.Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
                    file.Flush(flushToDisk: true);
                }

                File.Move(keyPath + ".new", keyPath, overwrite: false);
            }

            key.ImportFromPem(File.ReadAllText(keyPath));
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}
