# Options of a container through the low-level API, and what the program sees of each.
import os
from docker.types import LogConfig, Ulimit
from common import client

api = client.api


def program(script, config={}, networking=None, **host):
    """Runs a script with these options; returns its lines and the inspection."""
    made = api.create_container("box", ["sh", "-c", script], host_config=api.create_host_config(**host), networking_config=networking, **config)
    try:
        api.start(made)
        code = api.wait(made)["StatusCode"]
        printed = api.logs(made).decode()
        assert code == 0, printed
        return printed.splitlines(), api.inspect_container(made)
    finally:
        api.remove_container(made, force=True, v=True)


lines, seen = program("ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward; df -k /dev/shm | awk 'NR == 2 { print $2 }'",
                      ulimits=[Ulimit(name="nofile", soft=123, hard=456)], sysctls={"net.ipv4.ip_forward": 0}, shm_size="32m")
assert lines == ["123", "456", "0", "32768"], lines
assert seen["HostConfig"]["Ulimits"] == [{"Name": "nofile", "Soft": 123, "Hard": 456}] and seen["HostConfig"]["ShmSize"] == 32 << 20

lines, seen = program("cat /etc/resolv.conf; cat /etc/hosts", dns=["10.9.8.7"], dns_search=["example.org"], dns_opt=["ndots:3"], extra_hosts={"far": "10.1.2.3"})
assert any("example.org" in line for line in lines) and any("ndots:3" in line for line in lines) and "10.1.2.3\tfar" in lines, lines
assert seen["HostConfig"]["Dns"] == ["10.9.8.7"] and seen["HostConfig"]["ExtraHosts"] == ["far:10.1.2.3"]

lines, _ = program("grep CapEff /proc/self/status | cut -f 2; grep NoNewPrivs /proc/self/status | cut -f 2; id -G",
                   cap_add=["SYS_TIME"], cap_drop=["ALL"], security_opt=["no-new-privileges"], group_add=["44", 55])
assert lines == ["0000000002000000", "1", "0 44 55"], lines

lines, seen = program("touch /x 2>&1; touch /scratch/x && grep ' /scratch ' /proc/mounts; ls -l /dev/renamed | cut -c 1",
                      read_only=True, tmpfs={"/scratch": "size=1m,mode=1777"}, devices=["/dev/zero:/dev/renamed:rw"])
assert "Read-only" in lines[0] and "size=1024k" in lines[1] and lines[2] == "c", lines
assert seen["HostConfig"]["Devices"] == [{"PathOnHost": "/dev/zero", "PathInContainer": "/dev/renamed", "CgroupPermissions": "rw"}]

lines, seen = program("cat /proc/1/comm; cat /proc/self/oom_score_adj; hostname", {"hostname": "host", "domainname": "example.org", "stop_timeout": 3, "labels": {"l": "v"}},
                      init=True, oom_score_adj=200, pids_limit=50, nano_cpus=500000000, mem_limit="64m", mem_reservation="32m")
assert lines[0] == "docker-init" and lines[1] == "200" and lines[2] == "host", lines
limits = seen["HostConfig"]
assert (limits["PidsLimit"], limits["NanoCpus"], limits["Memory"], limits["MemoryReservation"]) == (50, 500000000, 64 << 20, 32 << 20)
assert seen["Config"]["StopTimeout"] == 3 and seen["Config"]["Domainname"] == "example.org" and seen["Config"]["Labels"] == {"l": "v"}

lines, seen = program("for kind in ipc uts net; do readlink /proc/self/ns/$kind; done", pid_mode="host", ipc_mode="host", uts_mode="host", network_mode="host")
assert lines == [os.readlink(f"/proc/self/ns/{kind}") for kind in ("ipc", "uts", "net")], lines  # the tests' own are the host's

lines, seen = program("for i in 1 2 3; do echo $i; done", log_config=LogConfig(type=LogConfig.types.JSON, config={"max-size": "10k", "max-file": "2"}))
assert lines == ["1", "2", "3"] and seen["HostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10k", "max-file": "2"}}

made = api.create_container("box", "httpd -f -p 80", ports=[80, (53, "udp")], host_config=api.create_host_config(port_bindings={80: ("127.0.0.1", None), "53/udp": ("127.0.0.1",)}))
api.start(made)
(bound,) = api.port(made, 80)
assert bound["HostIp"] == "127.0.0.1" and int(bound["HostPort"]) > 0, bound
assert api.port(made, "53/udp")[0]["HostPort"]
api.remove_container(made, force=True)
