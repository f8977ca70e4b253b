using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Berth.Cli.Projects;

/// <summary>Checks evidence that <c>berth evidence</c> has made, here or on another machine; no daemon is asked.</summary>
internal static class EvidenceCheck
{
    private const int LongestFile = 64 << 20;

    /// <returns>What it states, and the fingerprint of the key that signed it.</returns>
    /// <exception cref="CliException">It is no evidence, or was changed.</exception>
    internal static (JsonObject Statement, string Fingerprint) Verify(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.Length > LongestFile)
            {
                throw new CliException(1, file.Exists ? $"'{path}' is too large to be evidence" : $"there is no file '{path}'");
            }

            var evidence = JsonNode.Parse(File.ReadAllText(path)) as JsonObject;
            var (statement, publicKey, signature) = (evidence.Text("statement"), Convert.FromBase64String(evidence.Text("publicKey")), Convert.FromBase64String(evidence.Text("signature")));
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(publicKey, out _);
            return key.VerifyData(Encoding.UTF8.GetBytes(statement), signature, HashAlgorithmName.SHA256) && JsonNode.Parse(statement) is JsonObject content
                ? (content, "sha256:" + Convert.ToHexStringLower(SHA256.HashData(publicKey)))
                : throw new CliException(1, $"'{path}' is not what was signed: it has been changed since");
        }
        catch (Exception exception) when (exception is JsonException or FormatException or CryptographicException)
        {
            throw new CliException(1, $"'{path}' is no evidence: {exception.Message}");
        }
    }
}
