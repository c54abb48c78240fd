"""A worker process without a model, which speaks the real protocol; see FakeEngine for what it answers.

A stack whose very first pixel is KILLER ends it. Before each slice it asks the gate that its environment names, if any.
"""

from __future__ import annotations

import os
import queue
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from PromptOnceLib.worker import protocol
from worker.fake_engine import FakeEngine
from worker.gate import GateKeeper

KILLER = 7
INSTEAD = "PROMPTONCE_FAKE_WORKER"  # names a program that every worker becomes, see for_every_python/sitecustomize.py
_TESTS = Path(__file__).parents[1]


def fake_python(folder: Path, slices: int | None = None) -> Path:
    """A program in the folder that starts this worker, whatever it is told to run.

    slices: that it does of each propagation before it waits for its cancel, None for all.
    """
    script = folder / "fake-python.sh"
    # A worker with a Python of its own inherits nothing of the tests' path.
    path = f"{_TESTS / 'worker' / 'for_every_python'}{os.pathsep}{_TESTS}${{PYTHONPATH:+{os.pathsep}$PYTHONPATH}}"
    arguments = "" if slices is None else str(slices)
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{path}" exec "{sys.executable}" -u -m worker.fake_process {arguments}\n')
    script.chmod(0o700)
    return script


def silent_python(folder: Path) -> tuple[Path, Path]:
    """A program that neither says nor does anything as long as somebody holds its input, and the pipe for its id."""
    script, pipe = folder / "silent-python.sh", folder / "pipe"
    os.mkfifo(pipe)
    script.write_text(f'#!/bin/sh\necho $$ > "{pipe}"\nexec cat > /dev/null\n')
    script.chmod(0o700)
    return script, pipe


def say(message: protocol.Message) -> None:
    sys.stdout.buffer.write(protocol.encode(message))
    sys.stdout.buffer.flush()


class Patience:
    """Before the slice after the last it has to do, waits for the cancel of the propagation."""

    def __init__(self, slices: int) -> None:
        self._slices, self._cancelled = slices, threading.Event()

    def __call__(self, done: int) -> None:
        if done == 0:
            self._cancelled.clear()
        if done == self._slices:
            self._cancelled.wait()

    def give_up(self) -> None:
        """From another thread: the propagation is cancelled."""
        self._cancelled.set()


def main(argument: str | None = None) -> None:
    """Answer until standard input ends; the argument is fake_python's slices."""
    slices = None if argument is None else int(argument)
    folder = Path(tempfile.mkdtemp(prefix="fake-worker-"))
    requests: queue.SimpleQueue = queue.SimpleQueue()
    cancelled: set[int] = set()
    keeper = GateKeeper() if slices is None else Patience(slices)

    def listen() -> None:
        for line in sys.stdin.buffer:
            request = protocol.decode_request(line)
            if isinstance(request, protocol.Cancel):
                cancelled.add(request.target)
                keeper.give_up()
                say(protocol.Done(id=request.id))
            else:
                requests.put(request)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    engine = FakeEngine(folder, say, cancelled, keeper)
    while True:
        request = requests.get()
        if isinstance(request, protocol.Propagate) and engine.frames[0, 0, 0] == KILLER:
            os._exit(9)
        say(engine.answer(request))


if __name__ == "__main__":
    main(*sys.argv[1:])
