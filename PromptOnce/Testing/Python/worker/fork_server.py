"""Real workers, fake ones and trials without their start: forked from one process that has imported what they need.

That takes seconds for a worker (torch, sam2), and most of the time of a trial (SimpleITK, processes/trial.py). A Python
that is started to become one reaches this server instead (for_every_python/sitecustomize.py), which forks a process
with its streams, variables and folder. Both end together and with the same status, so that what starts, watches and
kills a worker finds the process that it has started. Linux alone: elsewhere they start by themselves.
"""

from __future__ import annotations

import ast
import importlib
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from PromptOnceLib.processes.transport import worker_environment

VARIABLE = "PROMPTONCE_FORK_SERVER"
Main = Callable[..., None]


@cache
def real_worker() -> Main:
    """Its main, everything imported, and the model of the tests in memory, which takes a third of a second to build."""
    import torch

    from PromptOnceLib.engine.images import loading
    from PromptOnceLib.models.registry import ModelFiles, resolve_model
    from PromptOnceLib.worker import handlers  # noqa: F401
    from PromptOnceLib.worker.server import main

    def wanted(files: ModelFiles) -> tuple[object, ...]:
        return files.checkpoint, str(files.config), files.image_size

    nano, load = resolve_model("nano"), loading.load_model
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a worker would wait for others, which are not forked
    built = [load(nano)]
    torch.set_num_threads(threads)
    loading.load_model = lambda files: built.pop() if built and wanted(files) == wanted(nano) else load(files)
    return main


@cache
def fake_worker() -> Main:
    """Its main."""
    from worker.fake_process import main

    return main


@cache
def trial(module: str) -> Main:
    """Its module as a program."""
    importlib.import_module(module)

    def main(*arguments: str) -> None:
        sys.argv[1:] = arguments
        runpy.run_module(module, run_name="__main__")

    return main


# By the module that a Python is started with; others are trials.
WORKERS = {"PromptOnceLib.worker": real_worker, "worker.fake_process": fake_worker}


@contextmanager
def forked_workers() -> Iterator[str]:
    """The value of the variable with which processes are forked. The server imports what the first of a kind needs."""
    folder = tempfile.TemporaryDirectory(prefix="workers-")  # a short path, as sockets need it
    address = Path(folder.name) / "fork-server"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-u", "-m", "worker.fork_server", str(listener.fileno())],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
            env=worker_environment(),
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    yield f"{sys.prefix}:{address}"
    server.communicate()
    folder.cleanup()


class ForkServer:
    """Forks workers and trials until its standard input is closed."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._starters: dict[int, socket.socket] = {}
        # A signal is seen as a byte to read, so that children are waited for in the loop and nowhere else.
        self._signalled, self._signals = socket.socketpair()
        self._signals.setblocking(False)

    def serve(self) -> None:
        """Fork, and pass on how workers end."""
        signal.set_wakeup_fd(self._signals.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(0, selectors.EVENT_READ, lambda: sys.exit(0))
            selector.register(self._listener, selectors.EVENT_READ, self._fork)
            selector.register(self._signalled, selectors.EVENT_READ, self._wait_for_children)
            while True:
                for key, _ in selector.select():
                    key.data()

    def _fork(self) -> None:
        starter, _ = self._listener.accept()
        size, streams, _, _ = socket.recv_fds(starter, 4, 3)
        with starter.makefile("rb") as reading:
            told = reading.read(int.from_bytes(size, "big"))
        if told.endswith(b"}"):
            self._fork_for(starter, streams, **ast.literal_eval(told.decode()))
        else:  # it was killed before it could say everything
            starter.close()
        for stream in streams:
            os.close(stream)

    def _fork_for(
        self, starter: socket.socket, streams: list[int], module: str, arguments: list[str], **place: Any
    ) -> None:
        main = WORKERS[module]() if module in WORKERS else trial(module)
        process_id = os.fork()
        if process_id != 0:
            self._starters[process_id] = starter
            return
        try:
            self._take_place_of(starter, streams, **place)
            main(*arguments)
        finally:
            os._exit(1)

    def _take_place_of(
        self, starter: socket.socket, streams: list[int], variables: dict[str, str], folder: str
    ) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        for open_one in (self._listener, self._signalled, self._signals, *self._starters.values()):
            open_one.close()
        os.environ.clear()
        os.environ.update(variables)
        tempfile.tempdir = None  # which the variables may name
        os.chdir(folder)
        threading.Thread(target=_end_with, args=(starter,), daemon=True).start()

    def _wait_for_children(self) -> None:
        self._signalled.recv(4096)
        while self._starters:
            process_id, status = os.waitpid(-1, os.WNOHANG)
            if process_id == 0:
                return
            with self._starters.pop(process_id) as starter:
                code = os.waitstatus_to_exitcode(status)
                with suppress(OSError):  # it may be gone by itself
                    starter.sendall(bytes([code if code >= 0 else 128 - code]))


def _end_with(starter: socket.socket) -> None:
    starter.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    ForkServer(socket.socket(fileno=int(sys.argv[1]))).serve()
