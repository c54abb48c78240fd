"""Fixtures for batches."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def _posix() -> None:
    """The fake worker is started by a shell script."""
    if sys.platform == "win32":
        pytest.skip("needs a shell")
