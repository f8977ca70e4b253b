using System.Formats.Tar;
using System.Net;
using System.Text;
using Berth.Api;
using Berth.Compose;
using Berth.Compose.Variables;
using Berth.Dockerfile;
using Berth.Dockerfile.Ignore;
using Berth.Edge.Names;
using Berth.Engine.Containers.Devices;
using Berth.Engine.Containers.Logs;
using Berth.Engine.Errors;
using Berth.Oci;
using Berth.Oci.Images;
using Berth.Oci.Layers;
using Berth.Testing;

namespace Berth.Fuzz.Tests;

/// <summary>Something that reads what others wrote: real inputs for it, and the failures that it may tell of.</summary>
internal sealed record Parser(string Name, IReadOnlyList<byte[]> Seeds, IReadOnlyList<string> Tokens, Action<byte[]> Read, params Type[] Failures)
{
    private static readonly string[] s_yaml = ["&a ", "*a", "<<: *a", "!reset ", "!override ", "${A:-${B}}", "$$", "${", "- ", ": ", "\n  ", "{", "[", "? ", "|\n", ">-\n", "x-a: ", "extends: ", "services:\n", "null", "1e999", "0x", "\0", "\u0085"];
    private static readonly string[] s_dockerfile = ["FROM ", "AS a", "--from=a ", "\\\n", "RUN <<EOF\n", "# escape=`\n", "ARG A=", "${A:-", "[\"", "--mount=type=bind,", "COPY --chmod=", "HEALTHCHECK --interval=", "ONBUILD ", "\"", "'", "EXPOSE 1-65535"];
    private static readonly string[] s_json = ["{", "}", "[", "]", "null", "true", "\"", "\\u0000", "\\ud800", "\\udc00", "-1", "1e999", "\"HostConfig\":", ",", ":", "\\"];

    internal static IReadOnlyList<Parser> All { get; } =
    [
        new("Dockerfile", [.. Files("examples", "Dockerfile"), .. Texts("FROM a AS b\nARG X=1\nRUN --mount=type=cache,target=/x <<EOF\necho $X\nEOF\nCOPY --from=b --chown=1:2 [\"a\", \"b c\"] /\nHEALTHCHECK --interval=1s CMD [\"x\"]\nONBUILD RUN y\n")],
            s_dockerfile, bytes => DockerfileParser.Parse(Text(bytes), "Dockerfile")),
        new("compose file", [.. Files("examples", "compose.yaml"), .. Texts("x-a: &a {image: b}\nservices:\n  s:\n    <<: *a\n    ports: [\"1-3:4-6/udp\", {target: 80}]\n    environment: {A: ${B:-c}}\n    deploy: {resources: {limits: {memory: 1g}}}\nvolumes: {v: }\n")],
            s_yaml, bytes => ComposeLoader.Load(new() { CurrentFolder = "/nowhere", Files = ["-"], StandardInput = Text(bytes), Environment = new Dictionary<string, string>() })),
        new("vendor's devices", Texts("cdiVersion: 0.6.0\nkind: v.com/c\ndevices:\n- name: a\n  containerEdits:\n    deviceNodes: [{path: /dev/a, major: 1, fileMode: 0666}]\n    env: [A=1]\n"), s_yaml, bytes => CdiFileReader.Parse(Text(bytes), isYaml: true), typeof(FormatException)),
        new("env file", Texts("A=1\nexport B='x y'\nC=\"${A}\\n$B\"\n# c\nD\nE=a # b\n"), ["${A:-", "'", "\"", "export ", "\\", "$$", "#", "=\n", "\r"], bytes => EnvFile.Parse(Text(bytes), ".env", _ => null, new DiagnosticBag())),
        new(".dockerignore", [.. Files("examples", ".dockerignore"), .. Texts("**/*.log\n!a/[b-d]?/**\n\\#x\n")], ["**", "*", "?", "[^", "]", "!", "\\", "/../", "a-"], bytes =>
        {
            var rules = DockerIgnore.Parse(Text(bytes));
            _ = rules.Excludes("a/b/c.log") | rules.ExcludesTree("a/b") | rules.Excludes("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        }, typeof(FormatException)),
        new("image reference", Texts("registry.example.com:5000/team/app:1.2@sha256:" + new string('a', 64), "debian", "localhost/a_b"), [":", "@", "/", "sha256:", "[::1]", "..", "__", "-"], bytes =>
        {
            _ = ImageReference.TryParse(Text(bytes), out var reference) ? reference.Familiar : "";
            Digest.TryParse(Text(bytes), out _);
        }),
        new("platform", Texts("linux/amd64", "linux/arm/v7"), ["/", "v8", "windows"], bytes => Platform.Parse(Text(bytes)), typeof(FormatException)),
        new("image configuration", Texts("{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":[\"A=b\"],\"Cmd\":[\"sh\"],\"ExposedPorts\":{\"80/tcp\":{}}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" + new string('b', 64) + "\"]},\"history\":[{\"created\":\"2026-01-02T03:04:05Z\",\"empty_layer\":true}]}"),
            s_json, bytes => OciJson.ReadConfig(bytes), typeof(InvalidDataException)),
        new("manifest", Texts("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":\"a\",\"size\":1,\"digest\":\"sha256:" + new string('c', 64) + "\"},\"layers\":[{\"mediaType\":\"b\",\"size\":2,\"digest\":\"sha256:" + new string('d', 64) + "\"}]}"),
            s_json, bytes => OciJson.ReadManifest(bytes), typeof(InvalidDataException)),
        new("request body", Texts("{\"Image\":\"box\",\"Cmd\":[\"a\"],\"Tty\":false,\"HostConfig\":{\"Memory\":1,\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"1\"}]},\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1}]},\"NetworkingConfig\":{\"EndpointsConfig\":{\"n\":{\"Aliases\":[\"a\"]}}}}"),
            s_json, bytes => RequestJson.Parse(bytes, ApiJson.Default.CreateContainerRequest), typeof(BerthException)),
        new("archive", [Archive()], ["ustar", "\0", "path=", "31 SCHILY.xattr.a=", "../", "/"], ReadArchive, typeof(InvalidDataException)),
        new("log line", Texts("2026-01-02T03:04:05.678901234+00:00 stdout F words\n", "2026-01-02T03:04:05.678901234Z stderr P "), ["stdout", "stderr", " P ", " F ", "+99:99", "T"], bytes => LogLine.TryParse(bytes, out _)),
        new("DNS question", [[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, (byte)'a', (byte)'p', (byte)'p', 3, (byte)'c', (byte)'o', (byte)'m', 0, 0, 1, 0, 1, 0]], ["\u0003app", "\0", "\u003f", "\u00c0\u000c"], bytes =>
        {
            if (DnsMessage.TryReadQuestion(bytes, out var question))
            {
                DnsMessage.Addresses(bytes, question, [IPAddress.Loopback, IPAddress.IPv6Loopback], overTcp: false);
                DnsMessage.Failure(bytes, question, DnsMessage.ServerFailure);
            }
        }),
    ];

    private static void ReadArchive(byte[] bytes)
    {
        try
        {
            var entries = new TarEntryReader(new MemoryStream(bytes));
            var buffer = new byte[4096];
            while (entries.Next() is not null)
            {
                while (entries.Read(buffer) > 0)
                {
                }
            }
        }
        catch (Exception exception) when (exception is EndOfStreamException or OverflowException) // which whoever unpacks turns into the one that is told
        {
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    private static byte[] Archive()
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "etc/"));
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "etc/" + new string('n', 200), new Dictionary<string, string> { ["SCHILY.xattr.user.a"] = "b" }) { DataStream = new MemoryStream("text"u8.ToArray()) });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "link") { LinkName = "../../" + new string('t', 150) });
            writer.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, new string('g', 180)) { DataStream = new MemoryStream(new byte[600]) });
        }

        return bytes.ToArray();
    }

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    private static byte[][] Texts(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static IEnumerable<byte[]> Files(string folder, string name) => Directory.GetFiles($"{Checkout.Root}/{folder}", name, SearchOption.AllDirectories).Where(file => !file.Contains("node_modules", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
}
