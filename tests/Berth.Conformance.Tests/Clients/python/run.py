# Containers that run to their end: output, errors, exit codes, and what they were given.
import docker
from common import client, raises

assert client.containers.run("box", "echo hello", remove=True) == b"hello\n"
assert client.containers.run("box", ["sh", "-c", "echo out; echo err >&2"], stderr=True, stdout=False, remove=True) == b"err\n"
both = client.containers.run("box", ["sh", "-c", "echo out; echo err >&2"], stderr=True, remove=True)
assert sorted(both.split()) == [b"err", b"out"], both

lines = client.containers.run("box", ["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"], stream=True, remove=True)
assert b"".join(lines) == b"1\n2\n3\n"

with raises(docker.errors.ContainerError, "sh -c 'echo no >&2; exit 3'", "returned non-zero exit status 3", "no"):
    client.containers.run("box", "sh -c 'echo no >&2; exit 3'", remove=True)

given = client.containers.run(
    "box", ["sh", "-c", "echo $A; pwd; hostname; id -u; echo $0 $1", "zero", "one"],
    environment={"A": "a b"}, working_dir="/made/here", hostname="named", user="1234:5", remove=True)
assert given == b"a b\n/made/here\nnamed\n1234\nzero one\n", given
assert client.containers.run("box", "-c 'echo entered'", entrypoint="sh", remove=True) == b"entered\n"

assert client.containers.list(all=True) == []
container = client.containers.run("box", "sleep 300", detach=True, name="kept", labels={"a": "b"}, auto_remove=True)
assert (container.status, container.name, container.labels) == ("created", "kept", {"a": "b"})
container.reload()
assert container.status == "running" and container.image.tags == ["box:latest"]
assert [one.name for one in client.containers.list(filters={"label": "a=b"})] == ["kept"]
container.kill()
try:
    container.wait(condition="removed", timeout=20)
except docker.errors.NotFound:
    pass  # it was gone already
assert client.containers.list(all=True) == []
