# Logs: of both streams, the last lines, with times, and followed while the program goes on.
import datetime
import re
import time
from common import client

container = client.containers.run("box", ["sh", "-c", "for i in 1 2 3; do echo err $i >&2; sleep 0.05; echo out $i; done"], detach=True)
container.wait()
assert container.logs(stderr=False) == b"out 1\nout 2\nout 3\n"
assert container.logs(stdout=False) == b"err 1\nerr 2\nerr 3\n"
assert container.logs(stderr=False, tail=1) == b"out 3\n"
stamped = container.logs(timestamps=True, stderr=False).decode().splitlines()
assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z out \d", line) for line in stamped), stamped
assert container.logs(since=int(time.time()) + 3600) == b""
assert container.logs(until=datetime.datetime.utcnow() + datetime.timedelta(hours=1), stderr=False).count(b"\n") == 3
container.remove()

container = client.containers.run("box", ["sh", "-c", "i=0; while [ ! -e /desk/enough ]; do i=$((i+1)); echo $i; sleep 0.05; done; echo end"], detach=True)
seen, asked = [], False
for piece in container.logs(stream=True, follow=True):
    seen += piece.decode().split()
    if len(seen) > 5 and not asked:
        asked = True
        assert container.exec_run("touch /desk/enough")[0] == 0
assert seen == [str(number) for number in range(1, len(seen))] + ["end"], seen
container.remove()

talking = client.containers.run("box", ["sh", "-c", "while :; do echo more; sleep 0.05; done"], detach=True)
stream = talking.logs(stream=True, follow=True, tail=0)
assert next(iter(stream)) == b"more\n"
stream.close()  # a client that leaves does not stop it
talking.reload()
assert talking.status == "running"
talking.remove(force=True)
