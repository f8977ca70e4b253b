# Networks: addresses of one's own, names that others find, leaving and joining while a container runs.
import docker
from docker.types import IPAMConfig, IPAMPool
from common import client, raises, sleeper

pool = IPAMPool(subnet="10.198.7.0/24", gateway="10.198.7.254")
network = client.networks.create("made", driver="bridge", ipam=IPAMConfig(pool_configs=[pool]), labels={"a": "b"}, check_duplicate=True)
assert network.attrs["IPAM"]["Config"][0]["Subnet"] == "10.198.7.0/24" and network.attrs["Labels"] == {"a": "b"}
assert [one.name for one in client.networks.list(filters={"label": "a=b"})] == ["made"]
assert {"bridge", "host", "none", "made"} <= {one.name for one in client.networks.list()}

with sleeper(name="server") as server, sleeper(name="caller", network="made") as caller:
    network.connect(server, ipv4_address="10.198.7.33", aliases=["alias", "other"])
    server.reload()
    there = server.attrs["NetworkSettings"]["Networks"]
    assert set(there) == {"bridge", "made"} and there["made"]["IPAddress"] == "10.198.7.33", there
    assert there["made"]["IPAMConfig"]["IPv4Address"] == "10.198.7.33" and {"alias", "other"} <= set(there["made"]["Aliases"])
    for name in ("alias", "other", "server"):
        code, output = caller.exec_run(["nslookup", "-type=a", name])
        assert code == 0 and b"10.198.7.33" in output, output
    assert caller.exec_run("ping -c 1 -W 2 alias")[0] == 0
    network.reload()
    assert {one.name for one in network.containers} == {"server", "caller"}

    with raises(docker.errors.APIError, "403", "has active endpoints"):
        network.remove()
    with raises(docker.errors.APIError, "403", "endpoint with name server already exists in network made"):
        network.connect("server")
    network.disconnect("server")
    assert caller.exec_run("nslookup -type=a alias")[0] != 0
    server.reload()
    assert set(server.attrs["NetworkSettings"]["Networks"]) == {"bridge"}
network.remove()
with raises(docker.errors.NotFound, "network made not found"):
    client.networks.get("made")

inner = client.networks.create("inner", internal=True)
routes = client.containers.run("box", "ip route", network="inner", remove=True)
assert b"default" not in routes, routes
assert client.networks.prune()["NetworksDeleted"] == ["inner"]

api = client.api
client.networks.create("low", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet="10.198.8.0/24")]))
made = api.create_container(
    "box", ["ip", "-4", "addr", "show", "eth0"], host_config=api.create_host_config(network_mode="low"),
    networking_config=api.create_networking_config({"low": api.create_endpoint_config(ipv4_address="10.198.8.9", aliases=["low-alias"])}))
api.start(made)
api.wait(made)
assert b"10.198.8.9/24" in api.logs(made), api.logs(made)
api.remove_container(made)
api.remove_network("low")
