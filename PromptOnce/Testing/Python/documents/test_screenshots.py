"""The script that makes the pictures of the documentation."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

# Looked for and not imported: the bench has to be the first to import PySide6.
MISSING = [name for name in ("slicer", "PySide6") if importlib.util.find_spec(name) is None]
REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason="needs slicer-core and PySide6")
def test_all_pictures_can_be_made_anew(tmp_path: Path) -> None:
    script = REPOSITORY / "docs" / "screenshots.py"
    ended = subprocess.run(
        [sys.executable, script, tmp_path],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    kept = {path.name: Image.open(path).size for path in (REPOSITORY / "Screenshots").glob("*.png")}
    made = {path.name: Image.open(path).size for path in tmp_path.glob("*.png")}
    assert made.keys() == kept.keys()
    of_the_window = [name for name, size in kept.items() if size == kept["panel.png"]]
    assert {made[name] for name in of_the_window} == {kept["panel.png"]}
