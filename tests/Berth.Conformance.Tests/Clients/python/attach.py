# Talking to a container's own program through a socket, and listening from the beginning.
from docker.utils.socket import frames_iter
from common import client

container = client.containers.create("box", ["sh", "-c", "while read line; do echo got $line; echo heard $line >&2; done; echo end"], stdin_open=True, name="attached")
stream = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
container.start()
stream._sock.sendall(b"one\ntwo\n")
seen = {1: b"", 2: b""}
for kind, piece in frames_iter(stream, tty=False):
    seen[kind] += piece
    if seen == {1: b"got one\ngot two\n", 2: b"heard one\nheard two\n"}:
        break

container.reload()
assert container.status == "running"
late = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
late._sock.sendall(b"three\n")
seen = {1: b"", 2: b""}
for kind, piece in frames_iter(late, tty=False):
    seen[kind] += piece
    if seen == {1: b"got three\n", 2: b"heard three\n"}:
        break

container.kill()
stream.close()
late.close()
assert container.logs(stderr=False) == b"got one\ngot two\ngot three\n"
container.remove()

counting = client.containers.create("box", ["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"])
pieces = counting.attach(stream=True)
counting.start()
assert b"".join(pieces) == b"1\n2\n3\n"
counting.remove()

screen = client.containers.create("box", "sh", tty=True, stdin_open=True)
stream = screen.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
screen.start()
screen.resize(33, 101)
stream._sock.sendall(b"stty size; exit 4\n")
printed = b""
while piece := stream._sock.recv(4096):
    printed += piece
assert b"33 101" in printed, printed
assert screen.wait()["StatusCode"] == 4
screen.remove()
