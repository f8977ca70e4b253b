# Volumes: what is written stays, is shared, is protected, and is pruned.
import os
import tempfile
import docker
from docker.types import Mount
from common import client, raises

volume = client.volumes.create("kept", labels={"a": "b"}, driver="local")
assert volume.attrs["Driver"] == "local" and volume.attrs["Labels"] == {"a": "b"} and os.path.isdir(volume.attrs["Mountpoint"])
client.containers.run("box", "sh -c 'echo kept >/data/file'", volumes={"kept": {"bind": "/data", "mode": "rw"}}, remove=True)
assert client.containers.run("box", "cat /data/file", volumes=["kept:/data"], remove=True) == b"kept\n"
with raises(docker.errors.ContainerError, "Read-only file system"):
    client.containers.run("box", "touch /data/other", volumes={"kept": {"bind": "/data", "mode": "ro"}}, remove=True)

folder = tempfile.mkdtemp()
try:
    client.containers.run("box", "sh -c 'echo bound >/data/file'", mounts=[Mount("/data", folder, type="bind")], remove=True)
    with open(folder + "/file") as file:
        assert file.read() == "bound\n"
    with raises(docker.errors.ContainerError, "Read-only file system"):
        client.containers.run("box", "touch /data/other", mounts=[Mount("/data", folder, type="bind", read_only=True)], remove=True)
    with raises(docker.errors.APIError, "400", "bind source path does not exist"):
        client.containers.run("box", "true", mounts=[Mount("/data", folder + "/nowhere", type="bind")])
finally:
    os.remove(folder + "/file")
    os.rmdir(folder)
mounted = client.containers.run("box", "grep /scratch /proc/mounts", mounts=[Mount("/scratch", None, type="tmpfs", tmpfs_size=65536)], remove=True)
assert b"tmpfs" in mounted and b"size=64k" in mounted, mounted

user = client.containers.create("box", "true", mounts=[Mount("/data", "kept")], name="user")
assert [(m["Type"], m["Name"], m["Destination"], m["RW"]) for m in user.attrs["Mounts"]] == [("volume", "kept", "/data", True)]
with raises(docker.errors.APIError, "409", "volume is in use"):
    volume.remove()
user.remove()

anonymous = client.containers.create("box", "true", volumes=["/anonymous"])
name = anonymous.attrs["Mounts"][0]["Source"].split("/")[-2]  # Docker tells the name only of one that was started
assert client.volumes.get(name).id == name
anonymous.remove(v=True)
with raises(docker.errors.NotFound, "no such volume"):
    client.volumes.get(name)

assert [one.name for one in client.volumes.list(filters={"label": "a"})] == ["kept"]
volume.remove()
left = client.volumes.create()
client.volumes.create("named", labels={"keep": "yes"})
assert client.volumes.prune(filters={"label!": "keep"})["VolumesDeleted"] == [left.name]
assert client.volumes.prune()["VolumesDeleted"] in (None, [])  # named ones stay
old = docker.DockerClient(base_url=os.environ["DOCKER_HOST"], version="1.41")
assert old.volumes.prune()["VolumesDeleted"] == ["named"]  # before version 1.42 of the API they did not
assert client.volumes.list() == []
