"""The protocol under misuse: broken messages, other versions, death of either side, and nothing left on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from PromptOnceLib.errors import PromptOnceError, WorkerError
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import PropagationJob, Segmenter, Settings
from worker.disks import disk_frames, disk_prompt, stack_of
from worker.processes import alive, wait_for_end

Start = Callable[[], SubprocessTransport]
HELLO = protocol.encode(protocol.Hello(id=1, protocol=protocol.PROTOCOL_VERSION))


def propagating(segmenter: Segmenter, errors: list[PromptOnceError | None] | None = None) -> PropagationJob:
    """A propagation that is under way; errors: takes how it ends."""
    ends = [] if errors is None else errors
    return segmenter.session.propagate(disk_prompt(), Settings(), None, None, lambda _, error: ends.append(error))


def answer(transport: SubprocessTransport, timeout: float = 60) -> dict:
    line = transport.read_line(timeout)
    assert line is not None, "no answer"
    return json.loads(line)


@pytest.mark.parametrize(
    ("message", "identity"),
    [
        (b"this is not JSON\n", None),
        (b"\xff\xfe\x00\n", None),
        (b"[1, 2]\n", None),
        (b'{"type": "dance", "id": 7}\n', 7),
        (b'{"type": "prefetch", "id": 8}\n', 8),
        (b'{"type": "prefetch", "id": 9, "slice": 0, "surprise": 1}\n', 9),
        (b'{"type": "set_stack", "id": 10, "file": "../../etc/passwd"}\n', 10),
        (b'{"type": "prefetch", "id": 11, "slice": -1}\n', 11),
        (b"[" * 100_000 + b"\n", None),
    ],
)
def test_a_malformed_message_gets_an_error_and_the_worker_lives(
    start_worker: Start, message: bytes, identity: int | None
) -> None:
    transport = start_worker()
    transport.write(message + HELLO)
    failed, welcome = answer(transport), answer(transport)
    transport.stop(5)
    assert (failed["type"], failed["code"], failed["id"]) == ("failed", "bad_message", identity)
    assert welcome["type"] == "welcome"


def test_an_oversized_message_gets_an_error_and_the_worker_lives(start_worker: Start) -> None:
    transport = start_worker()
    transport.write(b'{"type": "hello", "id": 1, "x": "' + b"x" * (protocol.MAX_MESSAGE_BYTES + 100) + b'"}\n' + HELLO)
    failed, welcome = answer(transport), answer(transport)
    transport.stop(5)
    assert failed["code"] == "bad_message"
    assert "large" in failed["message"]
    assert welcome["type"] == "welcome"


def test_an_unknown_version_is_refused(start_worker: Start) -> None:
    transport = start_worker()
    transport.write(b'{"type": "hello", "id": 1, "protocol": 99}\n')
    failed = answer(transport)
    transport.stop(5)
    assert failed["code"] == "unknown_version"


def test_nothing_is_done_before_the_greeting(start_worker: Start) -> None:
    transport = start_worker()
    transport.write(b'{"type": "prefetch", "id": 3, "slice": 0}\n')
    failed = answer(transport)
    transport.stop(5)
    assert (failed["type"], failed["id"]) == ("failed", 3)


@pytest.mark.real_worker
def test_quit_ends_the_worker_and_leaves_nothing(start_worker: Start, temporary: Path) -> None:
    transport = start_worker()
    transport.write(HELLO + b'{"type": "quit", "id": 2}\n')
    assert answer(transport)["type"] == "welcome"
    assert answer(transport) == {"type": "done", "id": 2}
    assert transport._process.wait(20) == 0
    assert list(temporary.iterdir()) == []
    transport.stop(5)


@pytest.mark.real_worker
def test_the_end_of_input_ends_a_busy_worker_at_once(segmenter: Segmenter, temporary: Path) -> None:
    segmenter.use_stack(stack_of(disk_frames(slices=400)))
    job = propagating(segmenter)
    while not job.result.computed.any():
        segmenter.session.pump(0.1)
    process = segmenter.client._transport._process
    segmenter.client.close(grace=60)
    assert process.returncode == 0, "it was killed instead of ending by itself"
    assert list(temporary.iterdir()) == []


def test_a_killed_worker_is_reported_and_replaced(segmenter: Segmenter, temporary: Path) -> None:
    segmenter.use_stack(stack_of(disk_frames(slices=400)))
    errors: list[PromptOnceError | None] = []
    job = propagating(segmenter, errors)
    while job.result.computed.sum() < 3:
        segmenter.session.pump(0.1)
    os.kill(segmenter.client._transport.process_id, signal.SIGKILL)

    while not errors:
        segmenter.session.pump(0.1)
    assert isinstance(errors[0], WorkerError)
    assert "ended unexpectedly" in errors[0].message
    assert job.result.computed.sum() >= 3, "what was done is lost"
    assert list(temporary.iterdir()) == [], "the dead worker's folder is still there"

    assert segmenter.predict(disk_prompt()).masks.any()  # a new worker, with model and volume
    assert len(list(temporary.iterdir())) == 1


def test_a_normal_end_leaves_nothing(segmenter: Segmenter, temporary: Path) -> None:
    segmenter.propagate(disk_prompt())
    segmenter.client.close()
    assert list(temporary.iterdir()) == []


@pytest.mark.real_worker
@pytest.mark.slow
def test_a_worker_whose_parent_is_killed_ends_and_leaves_nothing(temporary: Path) -> None:
    script = textwrap.dedent("""
        import sys
        from PromptOnceLib.models.registry import resolve_model
        from PromptOnceLib.worker.client import WorkerClient
        from PromptOnceLib.worker.segmenter import Segmenter
        from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
        from worker.disks import disk_frames, disk_prompt, stack_of
        client = WorkerClient(lambda: SubprocessTransport(worker_command(), worker_environment()), threads=1)
        segmenter = Segmenter(client)
        segmenter.use_model(resolve_model("nano"))
        segmenter.use_stack(stack_of(disk_frames(slices=2000)))
        tell = lambda event: event.done == 1 and print(client._transport.process_id, flush=True)
        segmenter.propagate(disk_prompt(), on_slice=tell)
    """)
    environment = worker_environment({**os.environ, "TMPDIR": str(temporary)})
    environment["PYTHONPATH"] += os.pathsep + str(Path(__file__).parents[1])
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert list(temporary.iterdir())
    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert wait_for_end(worker), "the worker outlived its parent"
    assert list(temporary.iterdir()) == []


def test_a_program_that_is_no_worker_is_reported(tmp_path: Path) -> None:
    def talk() -> SubprocessTransport:
        return SubprocessTransport([sys.executable, "-c", "print('hello')"], worker_environment())

    with pytest.raises(WorkerError):
        WorkerClient(talk).start()
    with pytest.raises(WorkerError, match="could not be started"):
        SubprocessTransport([str(tmp_path / "no-python")], {})


@pytest.mark.parametrize("kind", ["ImportError", "OSError", "RuntimeError"])
def test_a_python_whose_torch_does_not_load_is_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / "torch.py").write_text(f"raise {kind}('there is no torch')\n")
    environment = worker_environment({**os.environ, "PYTHONPATH": str(tmp_path)})
    with pytest.raises(WorkerError, match="PyTorch or SAM 2 cannot be loaded") as caught:
        WorkerClient(lambda: SubprocessTransport(worker_command(), environment)).start()
    assert caught.value.code == "engine_missing"
    assert caught.value.detail == "there is no torch"


def test_the_log_of_a_dead_worker_is_in_the_detail() -> None:
    def crash() -> SubprocessTransport:
        return SubprocessTransport([sys.executable, "-c", "raise SystemExit('no torch here')"], worker_environment())

    with pytest.raises(WorkerError) as caught:
        WorkerClient(crash).start()
    assert "no torch here" in caught.value.detail


WITH_A_CHILD = """
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "open(%r).read()"]).pid, flush=True)
while sys.stdin.read() or %r: pass
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a child that waits for the test needs a named pipe")
@pytest.mark.parametrize("hangs", [False, True])
def test_what_a_worker_has_started_does_not_keep_its_end_from_coming(tmp_path: Path, hangs: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    script = WITH_A_CHILD % (str(tmp_path / "pipe"), hangs)
    transport = SubprocessTransport([sys.executable, "-c", script], worker_environment())
    child = int(transport.read_line(60) or 0)
    stopping = threading.Thread(target=transport.stop, args=(0.2,))
    stopping.start()
    stopping.join(20)
    stopped = not stopping.is_alive()
    if hangs:
        assert wait_for_end(child), "a worker that is killed takes along what it has started"
    else:
        assert alive(child), "a worker that ends by itself leaves it alone"
        (tmp_path / "pipe").write_text("")  # which the child waits for
        assert wait_for_end(child)
    stopping.join()
    assert stopped
