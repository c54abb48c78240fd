"""The module on the bench, with the worker that this Python can run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from bench.fixtures import bench
from worker.fake_process import INSTEAD, fake_python

from gui.user import User

__all__ = ["bench"]


@pytest.fixture
def user(bench: Any) -> User:
    """Somebody who has opened the module on a computer whose own Python can run the worker."""
    import qt

    qt.QSettings().setValue("PromptOnce/kind", "own")
    qt.QSettings().setValue("PromptOnce/device", "cpu")
    return User(bench)


@pytest.fixture
def done(user: User) -> User:
    """A user who has propagated a box through ten slices, from slice 5."""
    user.choose(user.load_ball())
    user.box_the_ball()
    user.propagate()
    user.wait_for_run()
    return user


@pytest.fixture
def _patient_worker(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers without a model that wait after three slices until the run is cancelled."""
    monkeypatch.setenv(INSTEAD, str(fake_python(tmp_path_factory.mktemp("fake"), slices=3)))


@pytest.fixture(autouse=True)
def _the_process_with_the_gui_imports_no_torch() -> Iterator[None]:
    # Tests of the engine in the same process may have imported it before.
    before = "torch" in sys.modules
    yield
    assert before or "torch" not in sys.modules
