"""The scene, empty before and after each test, and the console's logic; the folder is skipped without slicer-core."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment


class Application:
    """What Slicer does for the logic: events while it waits, and a timer for what does not wait."""

    def __init__(self) -> None:
        self.events = 0
        self.pumping = None

    def process_events(self) -> None:
        self.events += 1

    def keep_pumping(self, pump) -> None:
        self.pumping = pump

    def run_until_idle(self) -> None:
        while self.pumping():
            pass


def pytest_pycollect_makemodule(module_path: Path) -> None:
    """Skip before a test file is imported: all of them import slicer."""
    if importlib.util.find_spec("slicer") is None:
        pytest.skip(
            f"{module_path.name} needs the package slicer-core (pip install slicer-core)", allow_module_level=True
        )


@pytest.fixture
def scene() -> Iterator[Any]:
    """The MRML scene, without nodes of other tests."""
    from mrml.scene import boot

    scene = boot()
    scene.Clear(0)
    yield scene
    scene.Clear(0)


@pytest.fixture(scope="module")
def application() -> Application:
    return Application()


@pytest.fixture(scope="module")
def logic(application: Application) -> Iterator[Any]:
    """The logic of Slicer's Python console, with a worker for all tests of a file."""
    from PromptOnceLib.mrml.logic.console import Console

    logic = Console(
        lambda: SubprocessTransport(worker_command(), worker_environment()),
        application.process_events,
        application.keep_pumping,
    )
    yield logic
    logic.close()
