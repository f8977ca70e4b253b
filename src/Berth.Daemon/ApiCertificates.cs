using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Berth.Daemon;

/// <summary>
/// Mutual TLS for the API over TCP: only who has a certificate of our authority, made for clients, may connect, as whoever uses the API is root. dockerd(8), --tlsverify.
/// </summary>
/// <param name="Authority">PEM file of the certificates that sign clients'.</param>
/// <param name="Certificate">PEM file of the daemon's own certificate, and those between it and its authority.</param>
/// <param name="Key">PEM file of its key.</param>
internal sealed record ApiCertificates(string Authority, string Certificate, string Key)
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2"; // RFC 5280, 4.2.1.12
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <exception cref="System.Security.Cryptography.CryptographicException">A file is not what it should be.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    internal HttpsConnectionAdapterOptions Read()
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(Authority);
        return new()
        {
            ServerCertificate = X509Certificate2.CreateFromPemFile(Certificate, Key),
            ClientCertificateMode = ClientCertificateMode.RequireCertificate,
            ClientCertificateValidation = (certificate, chain, _) => IsOurs(certificate, chain, authorities),
            HandshakeTimeout = HandshakeTimeout,
        };
    }

    private static bool IsOurs(X509Certificate2 certificate, X509Chain? presented, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new(ClientAuthentication));
        foreach (var element in presented?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return chain.Build(certificate);
    }
}
