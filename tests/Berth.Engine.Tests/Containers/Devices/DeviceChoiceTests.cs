using Berth.Engine.Containers;
using Berth.Engine.Containers.Devices;
using Berth.Engine.Containers.Runtime;
using Berth.Engine.Errors;

namespace Berth.Engine.Tests.Containers.Devices;

/// <summary>Which devices a container gets for what it asks, and what they change in its spec.</summary>
public sealed class DeviceChoiceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-cdi-").FullName;

    private string[] Directories => [_folder + "/etc", _folder + "/run"];

    [Theory]
    [InlineData("", -1, "", "gpu", "nvidia.com/gpu=all")]
    [InlineData("nvidia", 2, "", "gpu,utility", "nvidia.com/gpu=1,nvidia.com/gpu=2")]
    [InlineData("nvidia", 1, "", "", "nvidia.com/gpu=1")]
    [InlineData("", 0, "2,GPU-x", "gpu", "nvidia.com/gpu=2,nvidia.com/gpu=GPU-x")]
    [InlineData("", 0, "nvidia.com/gpu=1,nvidia.com/gpu=1", "gpu", "nvidia.com/gpu=1")]
    [InlineData("amd", -1, "", "gpu", "amd.com/gpu=a,amd.com/gpu=b")]
    [InlineData("cdi", 0, "v.com/c=x", "", "v.com/c=x")]
    [InlineData("", 0, "", "gpu", "")]
    public void Devices_are_chosen(string driver, int count, string names, string capabilities, string expected)
    {
        Describe("etc/nvidia.yaml", "nvidia.com/gpu", "10", "2", "1", "GPU-x", "all");
        Describe("etc/amd.yaml", "amd.com/gpu", "b", "a");
        Describe("run/v.yaml", "v.com/c", "x");
        Assert.Equal(Words(expected), Choose(driver, count, names, capabilities));
    }

    [Theory]
    [InlineData("", -1, "", "gpu", "could not select device driver \"\" with capabilities: [[gpu]]; described are v.com/c=x")]
    [InlineData("", -1, "", "tpu", "could not select device driver \"\" with capabilities: [[tpu]]")]
    [InlineData("other", 1, "", "gpu,x", "could not select device driver \"other\" with capabilities: [[gpu x]]")]
    [InlineData("cdi", 0, "v.com/c=y,w.com/c=x", "", "CDI device injection failed: unresolvable CDI devices v.com/c=y, w.com/c=x; described are v.com/c=x")]
    [InlineData("cdi", 1, "", "", "unexpected count in CDI device request")]
    [InlineData("", 1, "0", "gpu", "cannot set both Count and DeviceIDs on device request")]
    [InlineData("", -2, "", "gpu", "invalid count -2 on device request: it is a number of devices, or -1 for all")]
    public void What_cannot_be_had_is_told(string driver, int count, string names, string capabilities, string expected)
    {
        Describe("etc/v.yaml", "v.com/c", "x");
        Assert.Equal(expected, Assert.Throws<BerthException>(() => Choose(driver, count, names, capabilities)).Message);
    }

    [Fact]
    public void Where_nothing_is_described_it_is_told_where_that_would_stand()
    {
        Assert.Equal(
            $"CDI device injection failed: unresolvable CDI devices a/b=c; no device is described in {_folder}/etc or {_folder}/run; the driver's tools do that, such as nvidia-ctk cdi generate",
            Assert.Throws<BerthException>(() => Choose("cdi", 0, "a/b=c", "")).Message);
    }

    [Fact]
    public void More_than_there_are_is_refused()
    {
        Describe("etc/nvidia.yaml", "nvidia.com/gpu", "0", "all");
        Assert.Equal("2 devices nvidia.com/gpu are asked for, and there are 1: nvidia.com/gpu=0", Assert.Throws<BerthException>(() => Choose("", 2, "", "gpu")).Message);
    }

    [Fact]
    public void A_later_directory_counts_and_two_files_of_the_same_do_not()
    {
        Describe("etc/a.yaml", "v.com/c", "x", "y", "z");
        Describe("etc/b.yaml", "v.com/c", "y");
        Describe("run/a.yaml", "v.com/c", "z");
        File.WriteAllText(_folder + "/run/bad.json", "{");
        File.WriteAllText(_folder + "/run/ignored.txt", "{");
        Directory.CreateDirectory(_folder + "/run/folder.json");

        var devices = CdiRegistry.Read([.. Directories, _folder + "/none"]);

        Assert.Equal(["v.com/c=x", "v.com/c=z"], devices.Names);
        Assert.Equal(_folder + "/run/a.yaml", devices.Find("v.com/c=z")!.Path);
        Assert.Equal(2, devices.Errors.Count);
        Assert.Equal($"{_folder}/etc/b.yaml: the device v.com/c=y is in {_folder}/etc/a.yaml too, so neither is used", devices.Errors[0]);
        Assert.StartsWith($"{_folder}/run/bad.json: ", devices.Errors[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipe_is_no_file_and_a_large_file_is_not_read()
    {
        Directory.CreateDirectory(_folder + "/etc");
        Assert.Equal(0, System.Diagnostics.Process.Start("mkfifo", [_folder + "/etc/pipe.yaml"]) is { } made && made.WaitForExit(5000) ? made.ExitCode : -1);
        File.WriteAllText(_folder + "/etc/large.json", new string(' ', (4 << 20) + 1));

        var devices = CdiRegistry.Read(Directories);

        Assert.Empty(devices.Names);
        Assert.Equal(2, devices.Errors.Count);
        Assert.Equal($"{_folder}/etc/large.json: has 4194305 bytes; 4194304 are read", devices.Errors[0]);
    }

    [Fact]
    public void A_spec_is_changed_as_the_files_say()
    {
        Directory.CreateDirectory(_folder + "/etc");
        File.WriteAllText(
            _folder + "/etc/v.yaml",
            """
            cdiVersion: 0.7.0
            kind: v.com/c
            containerEdits: {env: [COMMON=1, OWN=changed], additionalGids: [5, 44]}
            devices:
            - {name: a, containerEdits: {deviceNodes: [{path: /dev/x, hostPath: /dev/null, permissions: r}, {path: /dev/zero}], mounts: [{hostPath: /lib/v, containerPath: /data/below}, {hostPath: /etc, containerPath: /data, options: [bind, ro]}]}}
            - {name: b, containerEdits: {deviceNodes: [{path: /dev/x, type: c, major: 1, minor: 5, uid: 0, fileMode: 384}], mounts: [{hostPath: t, containerPath: /t, type: tmpfs, options: [nosuid]}], hooks: [{hookName: poststop, path: /bin/true}]}}
            """);
        var devices = CdiRegistry.Read(Directories);
        var spec = DeviceInjection.Apply(Spec(user: 7), [.. new[] { "v.com/c=a", "v.com/c=b" }.Select(name => (name, devices.Find(name)!))]);

        Assert.Equal(["OWN=changed", "A=b", "COMMON=1"], spec.Process.Env);
        Assert.Equal([5u, 44u], spec.Process.User.AdditionalGids);
        Assert.Empty(spec.Devices);
        Assert.Equal([new SpecDevice("/dev/zero", "c", 1, 5, null, 7, 8, "rwm"), new SpecDevice("/dev/x", "c", 1, 5, 384, 0, 8, "rwm")], spec.InjectedDevices);
        Assert.Equal(["/proc bind", "/data bind,ro", "/t nosuid", "/data/below rbind"], spec.Mounts.Select(mount => $"{mount.Destination} {string.Join(',', mount.Options)}"));
        Assert.Equal("/etc", spec.Mounts[1].Source);
        Assert.Equal("poststop", Assert.Single(spec.Hooks).HookName);
        Assert.Contains("\"hooks\":{\"poststop\":[{\"path\":\"/bin/true\",\"args\":[],\"env\":[]}]}", System.Text.Encoding.UTF8.GetString(RuntimeSpecWriter.Container(spec)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("deviceNodes: [{path: /dev/none}]", "CDI device injection failed: /dev/none of the device v.com/c=a is not there")]
    [InlineData("deviceNodes: [{path: /none/none}]", "CDI device injection failed: /none/none of the device v.com/c=a is not there")]
    [InlineData("deviceNodes: [{path: /etc/passwd}]", "CDI device injection failed: /etc/passwd of the device v.com/c=a is no device")]
    [InlineData("deviceNodes: [{path: /dev/null, type: b}]", "CDI device injection failed: /dev/null of the device v.com/c=a is no device of the type b")]
    [InlineData("intelRdt: {closID: x}", "Berth does not support a class of Intel RDT, which the device v.com/c=a wants for its container.")]
    [InlineData("netDevices: [{name: x}]", "Berth does not support network devices, which the device v.com/c=a wants for its container.")]
    public void What_a_device_wants_and_cannot_get_is_told(string edits, string expected)
    {
        Directory.CreateDirectory(_folder + "/etc");
        File.WriteAllText(_folder + "/etc/v.yaml", $"{{cdiVersion: 1.1.0, kind: v.com/c, devices: [{{name: a, containerEdits: {{{edits}}}}}]}}");
        Assert.Equal(expected, Assert.Throws<BerthException>(() => DeviceInjection.Apply(Spec(), [new() { Driver = "cdi", DeviceIds = ["v.com/c=a"] }], Directories)).Message);
    }

    [Fact]
    public void Options_are_told_to_have_no_effect()
    {
        var warnings = new List<string>();
        DeviceChoice.WarnOfOptions([new(), new() { Options = new() { ["a"] = "b" } }], warnings.Add);
        Assert.Equal(["The option a of a device request has no effect: devices are given as their vendor describes them."], warnings);
    }

    [Fact]
    public void Who_asks_for_nothing_keeps_the_spec()
    {
        var spec = Spec();
        Assert.Same(spec, DeviceInjection.Apply(spec, null, Directories));
        Assert.Same(spec, DeviceInjection.Apply(spec, [], Directories));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static RuntimeSpecModel Spec(uint user = 0) => new()
    {
        Hostname = "h",
        RootPath = "/r",
        Process = new() { Args = ["a"], Env = ["OWN=own", "A=b"], WorkingDirectory = "/", User = new ProcessUser(user, user == 0 ? 0 : 8u, [5], "/"), Capabilities = [] },
        Mounts = [new("/proc", "proc", "proc", ["bind"]), new("/data/below", "bind", "/old", ["ro"])],
        Namespaces = [],
        CgroupsPath = "/c",
        Devices = [new DeviceMapping { PathOnHost = "/dev/null", PathInContainer = "/dev/x" }],
        Resources = ResourceModel.From(new HostConfig()),
    };

    private IReadOnlyList<string> Choose(string driver, int count, string names, string capabilities) => DeviceChoice.Names(
        [new() { Driver = driver, Count = count, DeviceIds = names.Length > 0 ? Words(names) : null, Capabilities = capabilities.Length > 0 ? [Words(capabilities)] : null }],
        CdiRegistry.Read(Directories),
        Directories);

    private static string[] Words(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries);

    private void Describe(string file, string kind, params string[] names)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{_folder}/{file}")!);
        File.WriteAllText($"{_folder}/{file}", $"cdiVersion: 0.6.0\nkind: {kind}\ndevices:\n" + string.Concat(names.Select(name => $"- {{name: '{name}', containerEdits: {{env: [A=1]}}}}\n")));
    }
}
