"""Fixtures for batches."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from batch.disturbed import World
from batch.studies import quick_options, study


@pytest.fixture
def _posix() -> None:
    """The fake worker is started by a shell script."""
    if sys.platform == "win32":
        pytest.skip("needs a shell")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, study(tmp_path), quick_options(tmp_path))
