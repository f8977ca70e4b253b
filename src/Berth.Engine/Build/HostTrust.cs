namespace Berth.Engine.Build;

/// <summary>The host's certificate authorities and proxies, as RUN steps see them. Nothing of it enters an image or a cache key.</summary>
internal static class HostTrust
{
    public const string BundleTarget = "/run/berth/ca-certificates.crt";
    private const string DistributionCertificates = "/usr/share/ca-certificates";

    private static readonly string[] Bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

    private static readonly string[] BundleVariables =
        ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"];

    private static Judgement? s_judged; // replaced whole; a race costs a second reading

    /// <summary>Docker's predefined arguments: usable without ARG, and part of no cache key.</summary>
    public static IReadOnlyList<string> ProxyVariables { get; } =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"];

    /// <summary>The bundle to show to RUN steps, or null.</summary>
    public static string? Bundle(HostCertificates setting)
    {
        var bundle = setting == HostCertificates.Never ? null : Bundles.FirstOrDefault(File.Exists);
        return bundle is not null && (setting == HostCertificates.Always || HasPrivateAuthority(bundle)) ? bundle : null;
    }

    public static IEnumerable<string> BundleEnvironment() => BundleVariables.Select(name => $"{name}={BundleTarget}");

    private static bool HasPrivateAuthority(string bundle)
    {
        var modified = File.GetLastWriteTimeUtc(bundle);
        if (s_judged is not { } judged || judged.Bundle != bundle || judged.Modified != modified)
        {
            s_judged = judged = new(bundle, modified, Judge(bundle));
        }

        return judged.IsPrivate;
    }

    private static bool Judge(string bundle)
    {
        if (!Directory.Exists(DistributionCertificates))
        {
            return false; // the distribution keeps its certificates elsewhere; what is private cannot be told
        }

        var known = Directory.EnumerateFiles(DistributionCertificates, "*.crt", SearchOption.AllDirectories)
            .SelectMany(file => Certificates(File.ReadAllText(file))).ToHashSet(StringComparer.Ordinal);
        return Certificates(File.ReadAllText(bundle)).Any(certificate => !known.Contains(certificate));
    }

    private sealed record Judgement(string Bundle, DateTime Modified, bool IsPrivate);

    private static IEnumerable<string> Certificates(string pem)
    {
        const string begin = "-----BEGIN CERTIFICATE-----";
        const string end = "-----END CERTIFICATE-----";
        for (var at = 0; (at = pem.IndexOf(begin, at, StringComparison.Ordinal)) >= 0;)
        {
            at += begin.Length;
            var stop = pem.IndexOf(end, at, StringComparison.Ordinal);
            if (stop < 0)
            {
                yield break;
            }

            yield return string.Concat(pem[at..stop].Where(character => !char.IsWhiteSpace(character)));
            at = stop;
        }
    }
}
