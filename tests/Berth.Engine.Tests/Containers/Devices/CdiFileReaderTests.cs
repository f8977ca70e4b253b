using Berth.Engine.Containers.Devices;

namespace Berth.Engine.Tests.Containers.Devices;

/// <summary>Files in which vendors describe their devices. Container Device Interface 1.1, SPEC.md.</summary>
public sealed class CdiFileReaderTests
{
    private const string Vendors =
        """
        # as the tools of a vendor write it
        cdiVersion: 0.5.0
        kind: vendor.com/gpu
        annotations: {note: ~}
        devices:
        - name: "0"
          containerEdits:
            deviceNodes:
            - path: /dev/vendor0
              major: 195
              fileMode: 0666
              permissions: rw
        - name: all
          annotations: {a.b/c: d}
          containerEdits:
            deviceNodes: [{path: /dev/vendor0, hostPath: /dev/v0, type: c, major: 195, minor: 0, uid: 1, gid: 2, fileMode: 438}]
        containerEdits:
          env:
          - VISIBLE=void
          additionalGids: [44, 109]
          hooks:
          - hookName: createContainer
            path: /usr/bin/vendor-hook
            args: [vendor-hook, update-ldcache, --folder, "/usr/lib64"]
            timeout: 5
          mounts:
          - hostPath: /usr/lib/libv.so.1
            containerPath: /usr/lib/libv.so.1
            options: [ro, nosuid, bind]
        """;

    [Fact]
    public void Yaml_is_read()
    {
        var file = CdiFileReader.Parse(Vendors, isYaml: true);

        Assert.Equal("vendor.com/gpu", file.Kind);
        Assert.Equal(["0", "all"], file.Devices!.Select(device => device.Name));
        Assert.Equal(new CdiDeviceNode { Path = "/dev/vendor0", Major = 195, FileMode = 438, Permissions = "rw" }, file.Devices![0].ContainerEdits!.DeviceNodes![0]);
        Assert.Equal(new CdiDeviceNode { Path = "/dev/vendor0", HostPath = "/dev/v0", Type = "c", Major = 195, Uid = 1, Gid = 2, FileMode = 438 }, file.Devices[1].ContainerEdits!.DeviceNodes![0]);
        Assert.Equal(["VISIBLE=void"], file.ContainerEdits!.Env!);
        Assert.Equal([44u, 109u], file.ContainerEdits.AdditionalGids!);
        Assert.Equal(["vendor-hook", "update-ldcache", "--folder", "/usr/lib64"], file.ContainerEdits.Hooks![0].Args!);
        Assert.Equal(5, file.ContainerEdits.Hooks[0].Timeout);
        Assert.Equal(["ro", "nosuid", "bind"], file.ContainerEdits.Mounts![0].Options!);
    }

    [Fact]
    public void Json_is_read()
    {
        var file = CdiFileReader.Parse("""{"cdiVersion": "1.1.0", "kind": "v.com/c", "devices": [{"name": "a:b", "containerEdits": {"intelRdt": {"closID": "x"}, "netDevices": [{"hostInterfaceName": "e"}]}}]}""", isYaml: false);

        Assert.Equal("a:b", file.Devices![0].Name);
        Assert.NotNull(file.Devices[0].ContainerEdits!.IntelRdt);
        Assert.NotNull(file.Devices[0].ContainerEdits!.NetDevices);
    }

    [Theory]
    [InlineData("", "cdiVersion \"\" is not known; 0.1.0 to 1.1.0 are\nkind \"\" is not VENDOR/CLASS, such as nvidia.com/gpu\ndevices: there are none")]
    [InlineData("{cdiVersion: 0.9.0, kind: vendor, devices: [{name: -a, containerEdits: {env: [A=1]}}]}", "cdiVersion \"0.9.0\" is not known; 0.1.0 to 1.1.0 are\nkind \"vendor\" is not VENDOR/CLASS, such as nvidia.com/gpu\ndevices: \"-a\" is no name of a device")]
    [InlineData("{cdiVersion: 0.6.0, kind: v/c, devices: [{name: a, containerEdits: {env: [A=1]}}, {name: a, containerEdits: {env: [B=1]}}, {name: b}]}", "devices: \"a\" is there twice\ndevices: \"b\" has no containerEdits")]
    [InlineData("{cdiVersion: 0.6.0, kind: v/c, devices: [{name: a, containerEdits: {env: [A], deviceNodes: [{path: dev, type: x, permissions: rx}], mounts: [{hostPath: a}], hooks: [{hookName: before, path: a}]}}]}",
        "env \"A\" is not NAME=VALUE\ndeviceNodes \"dev\": a path must be absolute\ndeviceNodes \"dev\": the type \"x\" is not one of b, c, u, p\ndeviceNodes \"dev\": the permissions \"rx\" are not of r, w, m\n"
        + "mounts \"a\" on \"\": needs a hostPath, and a containerPath that is absolute\nhooks \"before\" \"a\": the name must be one of prestart, createRuntime, createContainer, startContainer, poststart, poststop, and the path absolute")]
    [InlineData("a: &x [1]\nb: *x", "line 2, column 4: aliases are not read here")]
    [InlineData("a: 1\na: 2", "line 2, column 1: the key 'a' is there twice")]
    [InlineData("a: 1\n---\nb: 1", "it has more than one document")]
    [InlineData("? [a]\n: b", "line 1, column 3")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "line 1, column 34: nested more than 32 deep")]
    [InlineData("kind: [a]", "kind")]
    [InlineData("{cdiVersion: 0.6.0, unheard: 1}", "unheard")]
    [InlineData("{cdiVersion: 0.6.0, kind: v/c, devices: [{name: a, containerEdits: {deviceNodes: [{path: /a, major: -1}]}}]}", "major")]
    [InlineData("a: 'b", "line 1")]
    [InlineData("kind:", "kind")]
    [InlineData("devices: [~]", "$.devices: a value is missing")]
    [InlineData("devices: [{containerEdits: {env: [a, ]}}, {containerEdits: {env: [~]}}]", "$.devices[1].containerEdits.env: a value is missing")]
    public void Mistakes_are_told_all_at_once(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => CdiFileReader.Parse(text, isYaml: true)).Message, StringComparison.Ordinal);
}
