using Berth.Engine.Errors;
using Berth.Engine.Users;
using Berth.Linux.Namespaces;

namespace Berth.Engine.Tests.Users;

/// <summary>Whose ids containers get, by the settings of dockerd and the files of shadow.</summary>
public sealed class SubordinateIdsTests
{
    private static readonly string[] s_passwd = ["root:x:0:0:root:/root:/bin/bash", "dockremap:x:998:997::/:/usr/sbin/nologin", "anna:x:1000:1000::/home/anna:/bin/sh", "bare:x:1001:1001::/:/bin/sh"];
    private static readonly string[] s_group = ["root:x:0:", "dockremap:x:997:", "anna:x:1000:", "web:x:1005:", "bare:x:1001:"];
    private static readonly string[] s_subuid = ["dockremap:100000:65536", "1000:300000:1000", "anna:500000:65536", "bare:0:10"];
    private static readonly string[] s_subgid = ["dockremap:200000:65536", "anna:400000:65536", "web:600000:65536", "bare:7:10"];

    [Theory]
    [InlineData("default", 100000u, 200000u)]
    [InlineData("dockremap", 100000u, 200000u)]
    [InlineData("998", 100000u, 200000u)]
    [InlineData("dockremap:web", 100000u, 600000u)]
    [InlineData("998:1005", 100000u, 600000u)]
    [InlineData("anna", 300000u, 400000u)]
    public void A_setting_names_a_user_and_perhaps_a_group(string setting, uint user, uint group) =>
        Assert.Equal((user, group), SubordinateIds.Resolve(setting, s_passwd, s_group, s_subuid, s_subgid).Root);

    [Fact]
    public void Several_lines_follow_each_other_in_the_namespace()
    {
        var map = SubordinateIds.Resolve("anna", s_passwd, s_group, s_subuid, s_subgid);
        Assert.Equal([new IdRange(0, 300000, 1000), new IdRange(1000, 500000, 65536)], map.Users);
        Assert.Equal((300999u, 400999u), map.ToHost(999, 999));
        Assert.Equal((500000u, 401000u), map.ToHost(1000, 1000));
        Assert.Null(map.ToHost(66536, 0));
        Assert.Equal((1000u, 1000u), map.ToNamespace(500000, 401000));
        Assert.Equal((IdMap.Nobody, IdMap.Nobody), map.ToNamespace(0, 0));
        Assert.Equal("0 300000 1000\n1000 500000 65536\n66536 0 1\n", IdMap.Text(map.ForMounts().Users));
    }

    [Theory]
    [InlineData("", "write default, USER or USER:GROUP")]
    [InlineData("a:b:c", "write default, USER or USER:GROUP")]
    [InlineData("eve", "there is no user eve in /etc/passwd")]
    [InlineData("anna:eve", "there is no group eve in /etc/group")]
    [InlineData("root", "root has no ids in /etc/subuid. Give it some: usermod --add-subuids 1000000-1065535 root")]
    [InlineData("dockremap:root", "root has no ids in /etc/subgid. Give it some: usermod --add-subgids 1000000-1065535 root")]
    [InlineData("bare", "/etc/subuid gives bare the ids from 0, 10 of them, which are not bare's to have")]
    public void What_cannot_be_is_said_with_what_to_do(string setting, string message) =>
        Assert.Contains(message, Assert.Throws<BerthException>(() => SubordinateIds.Resolve(setting, s_passwd, s_group, s_subuid, s_subgid)).Message, StringComparison.Ordinal);

    [Fact]
    public void Without_the_default_user_the_message_has_the_command_that_makes_it()
    {
        var message = Assert.Throws<BerthException>(() => SubordinateIds.Resolve("default", [s_passwd[0]], [s_group[0]], [], [])).Message;
        Assert.Equal(
            "userns-remap \"default\" takes the ids of the user dockremap, whom this machine does not have. Make it: useradd --system --no-create-home --shell /usr/sbin/nologin dockremap "
            + "&& usermod --add-subuids 1000000-1065535 --add-subgids 1000000-1065535 dockremap", message);
    }
}
