"""What the jobs share. Each job is a script: it ends with an assertion's traceback, or with nothing."""
import contextlib
import io
import tarfile
import time

import docker

client = docker.from_env(timeout=30)


def archive(files):
    """A tar archive of files: name -> text."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def read_archive(chunks):
    """The files of an archive that comes in pieces: name -> text."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        return {entry.name: tar.extractfile(entry).read().decode() for entry in tar if entry.isfile()}


def eventually(question, patience=15):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + patience
    while not (answer := question()):
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)
    return answer


@contextlib.contextmanager
def raises(kind, *words):
    """The block must fail with this kind of error, and its text must have these words."""
    try:
        yield
    except kind as error:
        for word in words:
            assert word in str(error), f"no {word!r} in {error}"
    else:
        raise AssertionError(f"nothing was raised, not even {kind.__name__}")


def ready(container, starts):
    """Waits until a sleeper hears signals, after so many starts."""
    eventually(lambda: container.logs().count(b"ready") == starts)


@contextlib.contextmanager
def sleeper(**options):
    """A container that waits, and is gone after the block."""
    container = client.containers.run("box", ["sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done"], detach=True, **options)
    try:
        yield container
    finally:
        container.remove(force=True, v=True)
