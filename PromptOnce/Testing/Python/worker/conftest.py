"""Real worker processes for the contract tests, and a session with a fake one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import Segmenter
from worker.disks import disk_frames, stack_of
from worker.fake_worker import World

Start = Callable[[], SubprocessTransport]


def starter(folder: Path) -> Start:
    """Starts workers that make their session folders in `folder`."""
    environment = worker_environment({**os.environ, "TMPDIR": str(folder)})
    return lambda: SubprocessTransport(worker_command(), environment)


def ready_segmenter(client: WorkerClient) -> Segmenter:
    segmenter = Segmenter(client)
    segmenter.use_model(resolve_model("nano"), device="cpu", precision="float32")  # the precision that is exact
    segmenter.use_stack(stack_of(disk_frames()))
    return segmenter


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The folder in which this test's workers make their session folders."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def start_worker(temporary: Path) -> Start:
    return starter(temporary)


@pytest.fixture
def segmenter(start_worker: Start) -> Iterator[Segmenter]:
    """A worker for this test alone."""
    with WorkerClient(start_worker, threads=1) as client:
        yield ready_segmenter(client)


@pytest.fixture(scope="module")
def shared_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerClient]:
    """A worker for all tests of a file that leave it as they found it; starting one takes seconds."""
    with WorkerClient(starter(tmp_path_factory.mktemp("workers")), threads=1) as client:
        yield client


@pytest.fixture
def shared_segmenter(shared_client: WorkerClient) -> Segmenter:
    return ready_segmenter(shared_client)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
