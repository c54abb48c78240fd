"""The notebooks run from beginning to end, are stored without outputs, and have their pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

FOLDER = Path(__file__).resolve().parents[4] / "docs" / "notebooks"
sys.path.insert(0, str(FOLDER))
import render  # noqa: E402  # a script, in no package


@pytest.mark.parametrize("path", render.NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.parametrize("path", render.NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_pictures_are_kept(path: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("pandas")
    notebook = render.executed(path)
    shown = {render.picture_name(path, number) for number, _ in render.pictures(notebook)}
    assert shown
    assert shown == {picture.name for picture in FOLDER.glob(f"{path.stem}-*.png")}
    text = "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "Dice 0." in text
