"""Says which release it is, gives back what it is sent, and has something to download that takes its time."""
import hashlib
import os
import socket
import time

RELEASE = os.environ.get("RELEASE", "?")
HOST = socket.gethostname()
PIECE = b"0123456789abcdef" * 4096  # 64 KiB
PIECES = 32


def pieces():
    for _ in range(PIECES):
        yield PIECE
        time.sleep(0.05)


def application(environ, start_response):
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if path == "/download":
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(PIECES * len(PIECE)))])
        return pieces()

    if method == "POST":
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = f"{RELEASE} {HOST} {len(body)} {hashlib.sha256(body).hexdigest()}\n".encode()
    else:
        answer = f"{RELEASE} {HOST}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]
