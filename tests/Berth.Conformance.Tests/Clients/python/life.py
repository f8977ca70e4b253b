# A life: created, started, limited, measured, paused, restarted, waited for, ended.
import docker
from common import client, eventually, raises, ready, sleeper

with sleeper(name="life", mem_limit="64m", cpu_shares=512) as container:
    container.update(mem_limit="96m", memswap_limit="96m", cpu_shares=256, restart_policy={"Name": "on-failure", "MaximumRetryCount": 3})
    container.reload()
    settings = container.attrs["HostConfig"]
    assert (settings["Memory"], settings["CpuShares"], settings["RestartPolicy"]) == (96 << 20, 256, {"Name": "on-failure", "MaximumRetryCount": 3})
    with raises(docker.errors.APIError, "Minimum memory"):
        container.update(mem_limit="1m")

    stats = container.stats(stream=False)
    assert stats["memory_stats"]["limit"] == 96 << 20 and stats["memory_stats"]["usage"] > 0 and stats["pids_stats"]["current"] >= 1, stats["memory_stats"]
    assert stats["cpu_stats"]["cpu_usage"]["total_usage"] >= stats["precpu_stats"]["cpu_usage"]["total_usage"] and "eth0" in stats["networks"]
    assert stats["id"] == container.id and stats["name"] == "/life"
    stream = container.stats(stream=True, decode=True)
    assert next(stream)["read"] < next(stream)["read"]

    top = container.top()
    assert "CMD" in top["Titles"] and any("sh -c trap" in " ".join(process) for process in top["Processes"]), top
    assert container.top(ps_args="-o pid,args")["Titles"] == ["PID", "COMMAND"]

    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    first = container.attrs["State"]["Pid"]
    container.restart(timeout=5)
    container.reload()
    assert container.status == "running" and container.attrs["State"]["Pid"] != first and container.attrs["RestartCount"] == 0
    ready(container, starts=2)
    container.stop(timeout=10)
    assert container.wait()["StatusCode"] == 0
    container.start()
    container.kill(signal="SIGKILL")
    assert container.wait()["StatusCode"] == 137
    container.rename("renamed")
    assert client.containers.get("renamed").id == container.id

flaky = client.containers.run("box", "sh -c 'exit 2'", detach=True, restart_policy={"Name": "on-failure", "MaximumRetryCount": 2})
eventually(lambda: client.containers.get(flaky.id).attrs["RestartCount"] == 2 and client.containers.get(flaky.id).status == "exited", patience=30)
assert flaky.wait()["StatusCode"] == 2
flaky.remove()

created = client.containers.create("box", "sh -c 'exit 8'")
created.start()
assert created.wait(condition="not-running")["StatusCode"] == 8
created.remove()
