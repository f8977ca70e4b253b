# Builds: from a file object, a folder, an archive; with arguments, targets, labels; and what is said when they fail.
import io
import os
import shutil
import tempfile
import docker
from common import archive, client, raises

image, log = client.images.build(fileobj=io.BytesIO(b"FROM box\nRUN echo made >/desk/made\nCMD cat /desk/made\n"), tag="from-file:v1", rm=True)
assert image.tags == ["from-file:v1"]
log = list(log)
assert any("Step 2/3 : RUN echo made" in line.get("stream", "") for line in log), log
assert any(line.get("aux", {}).get("ID") == image.id for line in log), log
assert client.containers.run("from-file:v1", remove=True) == b"made\n"

folder = tempfile.mkdtemp()
try:
    os.mkdir(folder + "/sub")
    for name, text in {
        "Other.Dockerfile": "FROM box AS first\nARG WHO=nobody\nCOPY . /all/\nRUN echo hello $WHO >/desk/hello; find /all -type f | sort >>/desk/hello\nFROM first\nRUN false\n",
        "kept.txt": "kept", "sub/ignored.log": "ignored", "sub/kept.log": "kept", ".dockerignore": "**/*.log\n!sub/kept.log\n",
    }.items():
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    image, _ = client.images.build(path=folder, dockerfile="Other.Dockerfile", buildargs={"WHO": "you"}, target="first", labels={"l": "v"}, tag="from-folder", rm=True)
    assert image.labels == {"l": "v"}
    printed = client.containers.run("from-folder", "cat /desk/hello", remove=True).decode().split("\n")
    assert printed[0] == "hello you" and "/all/kept.txt" in printed and "/all/sub/kept.log" in printed and "/all/sub/ignored.log" not in printed, printed
    try:
        client.images.build(path=folder, dockerfile="Other.Dockerfile", rm=True)
        raise AssertionError("the second stage fails")
    except docker.errors.BuildError as error:
        assert "The command '/bin/sh -c false' returned a non-zero code: 1" in str(error), error
        assert any("Step" in line.get("stream", "") for line in error.build_log)
finally:
    shutil.rmtree(folder)

again = list(client.api.build(fileobj=io.BytesIO(archive({"Dockerfile": "FROM box\nCOPY a.txt /a.txt\n", "a.txt": "a\n"})), custom_context=True, tag="from-archive", decode=True))
assert any("Successfully tagged from-archive:latest" in line.get("stream", "") for line in again), again
again = list(client.api.build(fileobj=io.BytesIO(archive({"Dockerfile": "FROM box\nCOPY a.txt /a.txt\n", "a.txt": "a\n"})), custom_context=True, decode=True))
assert any("Using cache" in line.get("stream", "") for line in again), again
again = list(client.api.build(fileobj=io.BytesIO(archive({"Dockerfile": "FROM box\nCOPY a.txt /a.txt\n", "a.txt": "a\n"})), custom_context=True, decode=True, nocache=True))
assert not any("Using cache" in line.get("stream", "") for line in again), again
assert client.containers.run("from-archive", "cat /a.txt", remove=True) == b"a\n"

with raises((docker.errors.BuildError, docker.errors.APIError), "RUNN"):
    client.images.build(fileobj=io.BytesIO(b"FROM box\nRUNN x\n"))
for tag in ("from-file:v1", "from-folder", "from-archive"):
    client.images.remove(tag)
with raises(docker.errors.ImageNotFound):
    client.images.get("from-archive")
