namespace Berth.Testing;

/// <summary>An image <c>box</c> of this host's busybox and nothing else, built by the daemon that is to run it.</summary>
public static class BoxImage
{
    public static async Task BuildAsync(TestDaemon daemon, CancellationToken cancellationToken)
    {
        var context = WriteContext(daemon.Folder + "/box-context");
        (await daemon.Berth("/", "docker", "build", "-q", "-t", "box", context).RunAsync(cancellationToken)).EnsureSuccess();
        Directory.Delete(context, recursive: true);
    }

    /// <summary>The files that it is built from, in a folder that is made.</summary>
    public static string WriteContext(string folder)
    {
        Directory.CreateDirectory(folder);
        File.Copy("/usr/bin/busybox", folder + "/busybox", overwrite: true);
        File.WriteAllText(
            folder + "/Dockerfile",
            """
            FROM scratch
            COPY --chmod=755 busybox /bin/busybox
            RUN ["/bin/busybox", "--install", "-s", "/bin"]
            WORKDIR /desk
            CMD ["sh"]
            """);
        return folder;
    }
}
