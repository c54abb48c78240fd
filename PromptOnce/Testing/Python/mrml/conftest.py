"""The scene for these tests, empty before and after each; the folder is skipped where slicer-core is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


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
