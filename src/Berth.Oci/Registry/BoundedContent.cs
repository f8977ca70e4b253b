namespace Berth.Oci.Registry;

/// <summary>Reads a body whole, but never more of it than was agreed.</summary>
internal static class BoundedContent
{
    public static async Task<byte[]> ReadAsync(HttpResponseMessage response, int limitBytes, string what, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var content = new MemoryStream();
        var buffer = new byte[16384];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (content.Length + read > limitBytes)
            {
                throw new RegistryException(
                    RegistryFailure.Invalid,
                    $"{response.RequestMessage?.RequestUri?.Authority} sent a {what} of more than {limitBytes >> 10} KiB.");
            }

            content.Write(buffer, 0, read);
        }

        return content.ToArray();
    }
}
