# Images out of containers and archives: commit, export and import, tag, save and load, history.
import docker
from common import client, raises

container = client.containers.run("box", "sh -c 'echo changed >/desk/file'", detach=True, environment=["A=kept"])
container.wait()
image = container.commit("committed", tag="v1", message="why", author="who", changes=["CMD cat /desk/file", "ENV B=added"])
assert image.tags == ["committed:v1"] and image.attrs["Author"] == "who" and image.attrs["Comment"] == "why"
assert client.containers.run("committed:v1", remove=True) == b"changed\n"
assert client.containers.run("committed:v1", "sh -c 'echo $A $B'", remove=True) == b"kept added\n"
assert image.history()[0]["Comment"] == "why" and image.history()[0]["Tags"] == ["committed:v1"]

flat = b"".join(container.export())
container.remove()
answer = client.api.import_image_from_data(flat, repository="imported", tag="v1")
assert "sha256:" in answer, answer
assert client.containers.run("imported:v1", ["/bin/cat", "/desk/file"], remove=True) == b"changed\n"
assert len(client.api.inspect_image("imported:v1")["RootFS"]["Layers"]) == 1

assert image.tag("other/name", tag="v2") is True
assert sorted(client.images.get("committed:v1").tags) == ["committed:v1", "other/name:v2"]
saved = b"".join(client.images.get("other/name:v2").save(named="other/name:v2"))
with raises(docker.errors.APIError, "409", "must be forced"):
    client.images.remove(image.id)
client.images.remove("other/name:v2")
client.images.remove("committed:v1")
with raises(docker.errors.ImageNotFound, "No such image: committed:v1"):
    client.images.get("committed:v1")
loaded = client.images.load(saved)
assert [one.tags for one in loaded] == [["other/name:v2"]] and loaded[0].id == image.id, loaded
assert client.containers.run("other/name:v2", remove=True) == b"changed\n"

assert {tag for one in client.images.list() for tag in one.tags} == {"box:latest", "imported:v1", "other/name:v2"}
assert [one.tags for one in client.images.list(name="imported")] == [["imported:v1"]]
assert [one.tags for one in client.images.list(filters={"reference": "other/*"})] == [["other/name:v2"]]
client.images.remove("imported:v1")
client.images.remove("other/name:v2", force=True)
assert {tag for one in client.images.list() for tag in one.tags} == {"box:latest"}
