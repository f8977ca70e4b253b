using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Client;

/// <summary>What mutual TLS with a daemon needs: files <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>, named as Docker's command line names them.</summary>
/// <param name="Folder">Where they are.</param>
public sealed record DaemonCertificates(string Folder)
{
    /// <summary>From <c>DOCKER_TLS_VERIFY</c> and <c>DOCKER_CERT_PATH</c>; null without the first.</summary>
    public static DaemonCertificates? From(Func<string, string?> variable) => variable("DOCKER_TLS_VERIFY") is null
        ? null
        : new(variable("DOCKER_CERT_PATH") ?? (variable("HOME") ?? "/root") + "/.docker");

    /// <summary>Speaks TLS over a connection: the daemon's certificate must be its authority's, and name the host that was asked for.</summary>
    /// <exception cref="DaemonException">A file cannot be read, or one side does not accept the other.</exception>
    internal async Task<Stream> SecureAsync(Stream connection, DaemonAddress address, CancellationToken cancellationToken)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(Folder + "/ca.pem");
            var secured = new SslStream(connection);
            await secured.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = address.Host,
                    ClientCertificates = [X509Certificate2.CreateFromPemFile(Folder + "/cert.pem", Folder + "/key.pem")],
                    CertificateChainPolicy = Trust(authorities),
                },
                cancellationToken).ConfigureAwait(false);
            return secured;
        }
        catch (Exception exception) when (exception is CryptographicException or System.Security.Authentication.AuthenticationException or IOException or UnauthorizedAccessException)
        {
            throw new DaemonException(0, $"No TLS connection to the daemon at {address.Text} with the files in {Folder} (ca.pem, cert.pem, key.pem): {exception.Message}");
        }
    }

    private static X509ChainPolicy Trust(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }
}
