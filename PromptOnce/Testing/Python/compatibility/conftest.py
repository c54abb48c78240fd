"""Files of version 0.1.0, copied where tests may write, and the scene and the bench for what Slicer keeps."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from bench.fixtures import bench
from gui.user import User

from compatibility.old_files import DATA

__all__ = ["bench"]


class _WithoutSlicer(pytest.Module):
    """A test file that cannot even be imported: it imports slicer."""

    def collect(self) -> NoReturn:
        pytest.skip(
            f"{self.path.name} needs the package slicer-core (pip install slicer-core)", allow_module_level=True
        )


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    """Skip the scenes where slicer-core is not installed; the other files of this folder do without."""
    if module_path.name == "test_old_scene.py" and importlib.util.find_spec("slicer") is None:
        skipped: pytest.Module = _WithoutSlicer.from_parent(parent, path=module_path)
        return skipped
    return None


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of all files, in which the plans of the runs name their images in this copy."""
    folder = Path(shutil.copytree(DATA, tmp_path.resolve() / "old"))
    for path in folder.glob("*/plan.json"):
        text = path.read_text(encoding="utf-8").replace("{folder}", folder.as_posix())
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def scene() -> Iterator[Any]:
    """The MRML scene, without nodes of other tests."""
    from mrml.scene import boot

    scene = boot()
    scene.Clear(0)
    yield scene
    scene.Clear(0)


@pytest.fixture
def user(bench: Any, tmp_path: Path) -> User:
    """Somebody who has opened the module on a computer without an engine: nothing is computed."""
    user = User(bench)
    user.use_private_environment(tmp_path / "engine")
    return user
