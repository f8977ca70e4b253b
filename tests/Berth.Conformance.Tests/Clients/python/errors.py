# What goes wrong, by the kinds and words that programs look for.
import docker
from common import client, raises, sleeper

with raises(docker.errors.NotFound, "404", "No such container: nobody"):
    client.containers.get("nobody")
with raises(docker.errors.ImageNotFound, "404", "No such image: nothing:here"):
    client.api.create_container("nothing:here", "true")
with raises(docker.errors.ImageNotFound, "No such image: nothing:here"):
    client.images.get("nothing:here")
with raises(docker.errors.NotFound, "network nowhere not found"):
    client.networks.get("nowhere")
with raises(docker.errors.APIError, "network nowhere not found"):
    client.containers.run("box", "true", network="nowhere", name="unstarted")
for left in client.containers.list(all=True):
    left.remove()  # it was created, and not started
with raises(docker.errors.NotFound, "get nowhere: no such volume"):
    client.volumes.get("nowhere")

with sleeper(name="taken") as container:
    with raises(docker.errors.APIError, "409", 'Conflict. The container name "/taken" is already in use by container'):
        client.containers.create("box", "true", name="taken")
    with raises(docker.errors.APIError, "409", "container is running: stop the container before removing or force remove"):
        container.remove()
    with raises(docker.errors.APIError, "is not paused"):
        container.unpause()
    with raises(docker.errors.APIError, "nvalid signal: NOSUCH"):
        container.kill(signal="NOSUCH")
    with raises(docker.errors.APIError, "409", "is using its referenced image"):
        client.images.remove("box")

with raises(docker.errors.APIError, "400", "executable file not found in $PATH"):
    client.containers.run("box", "nowhere-to-be-found", name="bad")
bad = client.containers.get("bad")
assert (bad.status, bad.attrs["State"]["ExitCode"]) == ("created", 127), bad.attrs["State"]
bad.remove()
with raises(docker.errors.APIError, "400", "Invalid container name"):
    client.containers.create("box", "true", name="/bad name")
with raises(docker.errors.APIError, "400", "invalid mount config for type"):
    client.containers.create("box", "true", mounts=[docker.types.Mount("relative", "volume")])
with raises(docker.errors.APIError, "Minimum memory limit allowed is 6MB"):
    client.containers.create("box", "true", mem_limit="1m")
with raises(docker.errors.APIError, "404", "page not found"):
    client.api._raise_for_status(client.api._get(client.api._url("/no/such/page")))
assert client.containers.list(all=True) == []
