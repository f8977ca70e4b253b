# Files into containers and out of them, running or not.
import docker
from common import archive, client, raises, read_archive, sleeper

with sleeper() as container:
    assert container.put_archive("/desk", archive({"a.txt": "first\n", "deep/down/b.txt": "second\n"})) is True
    assert container.exec_run("cat /desk/a.txt /desk/deep/down/b.txt") == (0, b"first\nsecond\n")
    container.exec_run("sh -c 'echo third >/desk/deep/c.txt; chmod 600 /desk/deep/c.txt; ln -s c.txt /desk/deep/link'")

    chunks, stat = container.get_archive("/desk/deep")
    assert read_archive(chunks) == {"deep/down/b.txt": "second\n", "deep/c.txt": "third\n"}
    assert stat["name"] == "deep" and stat["linkTarget"] == "", stat
    chunks, stat = container.get_archive("/desk/deep/c.txt")
    assert read_archive(chunks) == {"c.txt": "third\n"}
    assert (stat["name"], stat["size"], stat["mode"] & 0o777) == ("c.txt", 6, 0o600), stat
    chunks, stat = container.get_archive("/desk/deep/link")
    assert stat["linkTarget"] == "/desk/deep/c.txt", stat

    changes = {change["Path"]: change["Kind"] for change in container.diff()}
    assert changes["/desk/a.txt"] == 1 and changes["/desk"] == 0, changes

    with raises(docker.errors.NotFound, "Could not find the file /nowhere in container"):
        container.get_archive("/nowhere")
    with raises(docker.errors.NotFound, "Could not find the file /nowhere in container"):
        container.put_archive("/nowhere", archive({"a": "a"}))
    with raises(docker.errors.APIError, "400"):
        container.put_archive("/desk/a.txt", archive({"a": "a"}))

created = client.containers.create("box", "cat /desk/config")
created.put_archive("/desk", archive({"config": "written before the start\n"}))
created.start()
created.wait()
assert created.logs() == b"written before the start\n"
created.put_archive("/desk", archive({"config": "written after the end\n"}))
assert read_archive(created.get_archive("/desk/config")[0]) == {"config": "written after the end\n"}
created.remove()
