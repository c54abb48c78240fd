"""The module on the bench, with the worker that this Python can run."""

from __future__ import annotations

from typing import Any

import pytest
from bench.fixtures import bench

from gui.user import User

__all__ = ["bench"]


@pytest.fixture
def user(bench: Any) -> User:
    """Somebody who has opened the module on a computer whose own Python can run the worker."""
    import qt

    qt.QSettings().setValue("PromptOnce/kind", "own")
    qt.QSettings().setValue("PromptOnce/device", "cpu")
    return User(bench)
