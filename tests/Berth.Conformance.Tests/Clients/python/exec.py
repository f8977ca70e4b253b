# Commands in a container that runs: exit codes, both streams apart, a socket both ways, a terminal.
import docker
from common import client, eventually, raises, sleeper

with sleeper(name="execs", environment=["A=container"]) as container:
    code, output = container.exec_run(["sh", "-c", "echo out; echo err >&2; exit 5"], demux=True)
    assert (code, output) == (5, (b"out\n", b"err\n")), (code, output)
    assert container.exec_run("true", demux=True) == (0, (None, None))
    assert container.exec_run("sh -c 'echo mixed; exit 1'") == (1, b"mixed\n")

    given = container.exec_run(["sh", "-c", "echo $A $B; pwd; id -u"], environment={"B": "exec"}, workdir="/bin", user="77")
    assert given == (0, b"container exec\n/bin\n77\n"), given

    code, pieces = container.exec_run(["sh", "-c", "echo 1; sleep 0.2; echo 2"], stream=True)
    assert code is None and b"".join(pieces) == b"1\n2\n"

    code, stream = container.exec_run("cat", stdin=True, socket=True)
    stream._sock.sendall(b"typed\n")
    assert stream.read(8)[0] == 1 and stream.read(6) == b"typed\n"  # a header of eight bytes comes before what was printed
    stream._sock.close()

    code, output = container.exec_run(["sh", "-c", "test -t 0 && test -t 1 && echo terminal"], tty=True, stdin=True)
    assert output.replace(b"\r", b"") == b"terminal\n", output

    api = client.api
    made = api.exec_create(container.id, ["sh", "-c", "sleep 0.3; exit 9"])["Id"]
    before = api.exec_inspect(made)
    assert before["Running"] is False and before["ExitCode"] is None and before["ContainerID"] == container.id
    api.exec_start(made, detach=True)
    assert api.exec_inspect(made)["Running"] is True
    assert eventually(lambda: api.exec_inspect(made)["ExitCode"]) == 9

    code, output = container.exec_run("nowhere-to-be-found")
    assert code in (126, 127) and b"executable file not found" in output, (code, output)
    with raises(docker.errors.APIError, "409", "is paused"):
        container.pause()
        container.exec_run("true")
    container.unpause()
    container.stop(timeout=5)
    with raises(docker.errors.APIError, "409", "is not running"):
        container.exec_run("true")
with raises(docker.errors.NotFound, "No such exec instance"):
    client.api.exec_inspect("0" * 64)
