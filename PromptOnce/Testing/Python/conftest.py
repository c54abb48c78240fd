"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from worker.fork_server import VARIABLE, forked_workers

# As the worker's environment has it; to be set before torch is imported. OpenMP threads that spin while they wait make
# tests on a busy machine a hundred times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Processes of pytest-xdist share the cores.
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _PROCESSES > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _PROCESSES)))

# No deadline: a busy machine is no error. `make test-slow` chooses the second one.
hypothesis.settings.register_profile("quick", max_examples=20, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=200, deadline=None)
hypothesis.settings.load_profile("quick")

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real test images, which are not part of the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real test images are not at {folder}")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_the_user_is_touched(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Models, seeds and the engine lie in a folder of this process; a test may still name another."""
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))
    for name in ("PROMPTONCE_MODELS", "PROMPTONCE_LIBRARY", "PROMPTONCE_ENGINE"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session", autouse=True)
def _workers_are_forked() -> Iterator[None]:
    """Starting a worker takes milliseconds, see worker/fork_server.py."""
    if sys.platform != "linux":
        yield
        return
    with forked_workers():
        yield


@pytest.fixture(autouse=True)
def _real_workers_start_by_themselves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The marker real_worker proves the whole way, to a worker process that imports torch."""
    if request.node.get_closest_marker("real_worker") is not None:
        monkeypatch.delenv(VARIABLE, raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs Slicer's nodes."""
    for item in items:
        if {"bench", "scene"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("slicer")
