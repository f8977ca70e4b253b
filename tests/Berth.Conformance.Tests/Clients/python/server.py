# The server itself: its version, its facts, what it cannot do.
import os
import docker
from common import client, raises

host = os.environ["DOCKER_HOST"]
assert client.ping() is True
version = client.version()
assert version["ApiVersion"] and version["MinAPIVersion"] and version["Os"] == "linux", version
info = client.info()
assert info["OSType"] == "linux" and info["Containers"] == len(client.containers.list(all=True)) and info["NCPU"] > 0 and info["Driver"], info
assert docker.DockerClient(base_url=host, version="auto").ping()
assert docker.APIClient(base_url=host, version="1.24").containers() == []
with raises(docker.errors.APIError, "400", "client version 1.99 is too new"):
    docker.APIClient(base_url=host, version="1.99").containers()
with raises(docker.errors.APIError, "503", "This node is not a swarm manager"):
    client.services.list()
assert client.plugins.list() == []
