"""Where fake workers stop before a slice until a test tells them to go on, in whatever process they run."""

from __future__ import annotations

import math
import os
import selectors
import signal
import socket
import struct
import tempfile
from pathlib import Path

VARIABLE = "FAKE_WORKER_GATE"
ASKED, ALLOWED, OPEN = b"?", b"!", b"o"
_SECONDS = 120  # after which a worker that was waited for will not come any more


class Gate:
    """The test's side. Lets `slices` slices through, of all workers together, and stops who asks for one more."""

    def __init__(self, slices: int) -> None:
        self.slices: float = slices
        self._folder = tempfile.TemporaryDirectory(prefix="gate-")  # a short path, as sockets need it
        self._address = Path(self._folder.name) / "gate"
        self._waiting: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._address))
        self._listener.listen()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        if self.slices < math.inf:
            self.open()

    @property
    def variable(self) -> tuple[str, str]:
        """Name and value, for the environment of those who are to stop here."""
        return VARIABLE, str(self._address)

    def stopped(self, seconds: float = 0) -> bool:
        """Let through who may pass; whether somebody stands here then. Waits up to `seconds` for that."""
        while ready := self._selector.select(0 if self._waiting else seconds):
            for key, _ in ready:
                self._hear(key.fileobj)
            self._let_through()
        return bool(self._waiting)

    def wait_until_stopped(self) -> None:
        """Until a worker stands here."""
        assert self.stopped(_SECONDS), "no worker has come"

    def let_through(self, slices: int) -> None:
        """Let some more slices through, and wait until a worker stands here again."""
        self.slices += slices
        self._let_through()
        self.wait_until_stopped()

    def kill(self) -> None:
        """Kill the worker that stands here."""
        (connection,) = self._waiting
        process_id, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        os.kill(process_id, signal.SIGKILL)
        self.wait_until_left()

    def wait_until_left(self) -> None:
        """Until all workers that have come are gone."""
        while len(self._selector.get_map()) > 1:
            ready = self._selector.select(_SECONDS)
            assert ready, "a worker is still there"
            for key, _ in ready:
                self._hear(key.fileobj)

    def open(self) -> None:
        """From now on everybody may pass, also who has not come yet."""
        self.slices = math.inf
        for key in list(self._selector.get_map().values()):
            if key.fileobj is not self._listener:
                _send(key.fileobj, OPEN)
            key.fileobj.close()
        self._selector.close()
        self._folder.cleanup()

    def _hear(self, source: socket.socket) -> None:
        if source is self._listener:
            self._selector.register(source.accept()[0], selectors.EVENT_READ)
        elif _receive(source) == ASKED:
            self._waiting.append(source)
        else:
            self._selector.unregister(source)
            source.close()
            self._waiting = [connection for connection in self._waiting if connection is not source]

    def _let_through(self) -> None:
        while self._waiting and self.slices > 0:
            self.slices -= 1
            _send(self._waiting.pop(), ALLOWED)


class GateKeeper:
    """The worker's side: before each slice it asks the gate, if there is one."""

    def __init__(self, address: str | None = None) -> None:
        self._connection: socket.socket | None = None
        address = os.environ.get(VARIABLE) if address is None else address
        if address is not None and Path(address).exists():
            self._connection = _connected(address)

    def __call__(self, done: int) -> None:
        """Wait until a slice may be computed, or until `give_up`."""
        if self._connection is not None and not self._may_pass(self._connection):
            self._connection = None

    def give_up(self) -> None:
        """From another thread: wait no longer, now and later."""
        if self._connection is not None:
            self._connection.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _may_pass(connection: socket.socket) -> bool:
        """False where nobody asks any more."""
        _send(connection, ASKED)
        return _receive(connection) == ALLOWED


def _connected(address: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
    except OSError:  # the gate was opened, and its folder removed, a moment ago
        connection.close()
        return None
    return connection


def _receive(connection: socket.socket) -> bytes:
    """The next byte; none where the other side is gone, be it killed with a byte of ours still unread."""
    try:
        return connection.recv(1)
    except OSError:
        return b""


def _send(connection: socket.socket, message: bytes) -> None:
    try:
        connection.sendall(message)
    except OSError:  # the other side is gone, which the next reading shows
        return
