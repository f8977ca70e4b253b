# What is not needed any more goes, and what is asked to stay stays.
import io
from common import client, sleeper

old = [client.containers.create("box", "true", labels={"keep": "no"}) for _ in range(3)]
kept = client.containers.create("box", "true", name="kept", labels={"keep": "yes"})
with sleeper(name="runs", labels={"keep": "no"}):
    answer = client.containers.prune(filters={"label": ["keep=no"]})
    assert sorted(answer["ContainersDeleted"]) == sorted(one.id for one in old) and answer["SpaceReclaimed"] >= 0, answer
    assert sorted(one.name for one in client.containers.list(all=True)) == ["kept", "runs"]
    assert client.containers.prune(filters={"until": "1h"})["ContainersDeleted"] in (None, [])
    assert client.containers.prune()["ContainersDeleted"] == [kept.id]

usage = client.df()
assert any(one["RepoTags"] == ["box:latest"] for one in usage["Images"]) and usage["LayersSize"] > 0, usage
client.api.tag("box", "again")
image, _ = client.images.build(fileobj=io.BytesIO(b"FROM box\nRUN echo dangling >/desk/x\n"), rm=True)
assert image.tags == []
assert client.images.list(filters={"dangling": True})[0].id == image.id
deleted = client.images.prune(filters={"dangling": True})["ImagesDeleted"]
assert {"Deleted": image.id} in deleted, deleted
assert client.images.list(filters={"dangling": True}) == []
assert {"again:latest"} < {tag for one in client.images.list() for tag in one.tags}
client.images.remove("again")
