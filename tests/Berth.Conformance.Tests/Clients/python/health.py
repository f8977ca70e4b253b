# Health checks: starting, healthy, unhealthy, and their log.
import time
from docker.types import Healthcheck
from common import client, eventually, sleeper

SECOND = 10**9


def health(container):
    container.reload()
    return container.attrs["State"]["Health"]


check = Healthcheck(test=["CMD-SHELL", "echo looked; test -e /desk/well"], interval=SECOND // 5, timeout=5 * SECOND, retries=2, start_period=0)
since = int(time.time()) - 1
with sleeper(healthcheck=check, name="checked") as container:
    configured = container.attrs["Config"]["Healthcheck"]
    assert configured["Test"] == ["CMD-SHELL", "echo looked; test -e /desk/well"] and configured["Retries"] == 2, configured
    assert health(container)["Status"] in ("starting", "unhealthy")
    eventually(lambda: health(container)["Status"] == "unhealthy")
    assert health(container)["FailingStreak"] >= 2
    entry = health(container)["Log"][-1]
    assert entry["ExitCode"] == 1 and entry["Output"] == "looked\n", entry
    assert container.exec_run("touch /desk/well")[0] == 0
    eventually(lambda: health(container)["Status"] == "healthy")
    assert health(container)["FailingStreak"] == 0
    assert [one.name for one in client.containers.list(filters={"health": "healthy"})] == ["checked"]
    assert "(healthy)" in client.api.containers(filters={"name": "checked"})[0]["Status"]
    changes = [event["Action"] for event in client.events(since=since, until=int(time.time()) + 1, decode=True, filters={"event": "health_status"})]
    assert changes == ["health_status: unhealthy", "health_status: healthy"], changes

with sleeper(healthcheck=Healthcheck(test=["NONE"])) as container:
    assert "Health" not in container.attrs["State"]
