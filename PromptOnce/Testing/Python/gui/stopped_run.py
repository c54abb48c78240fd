"""A run that has come to its third slice and stands still there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from worker.gate import Gate

from gui.user import User


@contextmanager
def stopped_run(user: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run on a ball in a box, of which three slices have come; it goes on afterwards."""
    runs = user.work.runs
    with Gate(slices=3) as gate:
        monkeypatch.setenv(*gate.variable)
        user.choose(user.load_ball())
        user.box_the_ball()
        user.bench.click(user.panel.run.propagate)
        user.bench.wait_until(lambda: gate.stopped() and runs.job.progress.done == 3, "three slices")
        yield
