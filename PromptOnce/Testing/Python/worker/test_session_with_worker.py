"""A session with the real worker process and the embedded model."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from PromptOnceLib.errors import PromptOnceError, WorkerError
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.requests import PropagationJob, Settings
from PromptOnceLib.worker.requests_slices import PromptedMasks
from PromptOnceLib.worker.session import Session
from PromptOnceLib.worker.session_job import SessionState
from worker.conftest import Start
from worker.disks import disk_frames, disk_prompt, stack_of


@pytest.fixture
def session(start_worker: Start) -> Iterator[Session]:
    session = Session(WorkerClient(start_worker, threads=1))
    yield session
    session.close()


def prepare(session: Session, slices: int) -> None:
    session.prepare(resolve_model("nano"), "cpu", "float32", stack_of(disk_frames(slices)), 5)


def pump_until(session: Session, condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"nothing more happens in {session.state}"
        session.pump(0.1)


def test_from_the_click_to_the_volume(session: Session, temporary: Path) -> None:
    masks: list[PromptedMasks] = []
    prepare(session, slices=11)
    session.preview(disk_prompt(shift=-30), lambda _: pytest.fail("outdated"), pytest.fail)
    session.preview(disk_prompt(), masks.append, pytest.fail)
    assert session.state is SessionState.STARTING
    pump_until(session, lambda: bool(masks))

    ended: list[PromptOnceError | None] = []
    seen: list[int] = []
    job = session.propagate(
        disk_prompt(), Settings(), lambda event: seen.append(event.slice), pytest.fail, lambda _, e: ended.append(e)
    )
    pump_until(session, lambda: bool(ended))
    assert ended == [None]
    assert seen == job.take_changed() == [5, 6, 7, 8, 9, 10, 4, 3, 2, 1, 0]
    assert job.result.computed.all()
    np.testing.assert_array_equal(job.result.masks[:, 5], masks[0].masks)
    bright = disk_frames(11) > 120
    assert (job.result.masks[0] & bright).sum() > 0.8 * bright.sum()
    assert (job.progress.done, job.progress.total, job.progress.seconds_left) in [(11, 11, 0.0), (11, 11, None)]
    assert job.device == "cpu"

    session.close()
    assert list(temporary.iterdir()) == []


def test_cancel_and_the_death_of_the_worker(session: Session, temporary: Path) -> None:
    heard: list[object] = []

    def on_end(job: PropagationJob, error: PromptOnceError | None) -> None:
        heard.append(error)

    def run() -> PropagationJob:
        job = session.propagate(disk_prompt(), Settings(), lambda _: None, pytest.fail, on_end)
        pump_until(session, lambda: bool(job.result.computed.sum() >= 3))
        return job

    prepare(session, slices=400)
    cancelled = run()
    session.cancel()
    pump_until(session, lambda: bool(heard))
    assert heard.pop() is None
    assert cancelled.cancelled
    assert 3 <= cancelled.result.computed.sum() < 400

    killed = run()
    os.kill(session.client._transport.process_id, signal.SIGKILL)
    pump_until(session, lambda: bool(heard))
    assert isinstance(heard.pop(), WorkerError)
    assert killed.result.computed.sum() >= 3
    assert session.state is SessionState.FAILED
    assert list(temporary.iterdir()) == []

    masks: list[PromptedMasks] = []
    session.preview(disk_prompt(), masks.append, pytest.fail)
    pump_until(session, lambda: bool(masks))
    assert masks[0].masks.any()
    assert session.state is SessionState.READY
