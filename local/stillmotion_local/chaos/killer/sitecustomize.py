"""Ends a function's process at two points, when a note in the prompt says so: after the vendor's answer to a POST and
before anything is written of it; and after S3 said that a video is complete and before the record says so.

Python imports a module of this name by itself. It looks at the bytes of the process's sockets and knows nothing of the
product's code. What happened is told by files below STILLMOTION_CHAOS_DIR, which also see to it that it happens once.
"""

import os
import re
import signal
import socket
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

FOLDER_VARIABLE = "STILLMOTION_CHAOS_DIR"
# Enough for the heads and the JSON of all that is looked for.
LOOKED_AT_BYTES = 64 * 1024
AFTER_POST = "after_post"
AFTER_UPLOAD = "after_upload"

_REQUEST = re.compile(rb"(?P<method>GET|HEAD|PUT|POST|DELETE) (?P<target>\S+) HTTP/1\.1\r\n")
_SUBMISSION = re.compile(rb"/v2/videos/generate|/luma/ray-2-flash-i2v")
_JOB = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VIDEO = re.compile(rb"/videos/[^/]+/(?P<job>[0-9a-f-]{36})/[^/?]+\.mp4(?:\?(?P<query>.*))?$")


class Exchange:
    """One request on a connection, as far as it has been seen."""

    def __init__(self, method: bytes, target: bytes, head: bytes) -> None:
        is_submission = method == b"POST" and _SUBMISSION.search(target) is not None
        found = _JOB.search(head) if is_submission else None
        self._job = found[0].decode() if found else None
        self._is_last_post = False
        self._completes = _completed_by(method, target)

    def sent(self, data: bytes, folder: Path) -> None:
        """Looks for notes. A job whose upload is to be the last is marked, whatever becomes of this request."""
        if self._job is None:
            return
        self._is_last_post |= _note(AFTER_POST) in data
        if _note(AFTER_UPLOAD) in data and not (folder / f"{AFTER_UPLOAD}-{self._job}").exists():
            (folder / f"marked-{self._job}").touch()

    def is_last(self, answer: bytes, folder: Path) -> bool:
        """Whether the process ends now that this much of the answer has come."""
        if not answer.startswith(b"HTTP/1.1 2"):
            return False
        if self._completes is not None:
            return _moved(folder / f"marked-{self._completes}", folder / f"{AFTER_UPLOAD}-{self._completes}")
        return self._is_last_post and _made(folder / f"{AFTER_POST}-{self._job}")


def exchange_of(data: bytes) -> Exchange | None:
    """The exchange that these bytes begin; None where they go on with one."""
    found = _REQUEST.match(data)
    return Exchange(found["method"], found["target"], data) if found else None


def _completed_by(method: bytes, target: bytes) -> str | None:
    """The job whose video is whole when this request has been answered well."""
    found = _VIDEO.search(target)
    if found is None:
        return None
    query = found["query"] or b""
    whole = (method == b"PUT" and b"partNumber" not in query) or (method == b"POST" and b"uploadId=" in query)
    return found["job"].decode() if whole else None


def _note(point: str) -> bytes:
    return f"[[note:kill={point}]]".encode()


def _made(file: Path) -> bool:
    try:
        file.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _moved(file: Path, target: Path) -> bool:
    try:
        file.rename(target)
    except FileNotFoundError:
        return False
    return True


class Watch:
    """The exchanges on the sockets of this process, and its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exchanges: WeakKeyDictionary[socket.socket, Exchange] = WeakKeyDictionary()

    def sent(self, connection: socket.socket, data: Any) -> None:  # noqa: ANN401 - whatever a socket takes
        seen = bytes(memoryview(data)[:LOOKED_AT_BYTES])
        begun = exchange_of(seen)
        if begun is not None:
            self._exchanges[connection] = begun
        if connection in self._exchanges:
            self._exchanges[connection].sent(seen, self._folder)

    def received(self, connection: socket.socket, data: bytes) -> None:
        if connection in self._exchanges and self._exchanges[connection].is_last(data, self._folder):
            os.kill(os.getpid(), signal.SIGKILL)


def install(folder: Path) -> None:
    """Listens to every socket of this process from now on."""
    watch = Watch(folder)
    plain_send, plain_send_all = socket.socket.send, socket.socket.sendall
    plain_receive, plain_receive_into = socket.socket.recv, socket.socket.recv_into

    def send(self: socket.socket, data: Any, *options: Any) -> int:  # noqa: ANN401
        watch.sent(self, data)
        return plain_send(self, data, *options)

    def sendall(self: socket.socket, data: Any, *options: Any) -> None:  # noqa: ANN401
        watch.sent(self, data)
        plain_send_all(self, data, *options)

    def recv(self: socket.socket, *options: Any) -> bytes:  # noqa: ANN401
        data = plain_receive(self, *options)
        watch.received(self, data)
        return data

    # httpcore reads by recv; http.client, which boto3 uses, by recv_into.
    def recv_into(self: socket.socket, buffer: Any, *options: Any) -> int:  # noqa: ANN401
        length = plain_receive_into(self, buffer, *options)
        watch.received(self, bytes(memoryview(buffer)[:length]))
        return length

    replacements = {"send": send, "sendall": sendall, "recv": recv, "recv_into": recv_into}
    for name, replacement in replacements.items():
        setattr(socket.socket, name, replacement)


if FOLDER_VARIABLE in os.environ:
    install(Path(os.environ[FOLDER_VARIABLE]))
