"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from worker.fork_server import VARIABLE, forked_workers

# As the worker's environment has it; to be set before torch is imported. OpenMP threads that spin while they wait make
# tests on a busy machine a hundred times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real test images, which are not part of the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real test images are not at {folder}")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _workers_are_forked() -> Iterator[None]:
    """Starting a worker takes milliseconds, see worker/fork_server.py."""
    if sys.platform != "linux":
        yield
        return
    with forked_workers():
        yield


@pytest.fixture
def _workers_start_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that prove the whole way, from the command to a worker that imports torch."""
    monkeypatch.delenv(VARIABLE, raising=False)
