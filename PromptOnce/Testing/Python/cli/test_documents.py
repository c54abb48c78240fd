"""Every line of the documents that begins with promptonce can be pasted, in its order, in an empty folder.

Left out are lines that need a network, a GPU, a file of the reader (words in capitals), or change the
reader's shell.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from cli.conftest import Run

ROOT = Path(__file__).resolve().parents[4]
# What the others show needs a cluster or an installation.
DOCUMENTS = [ROOT / "README.md", *(ROOT / "docs" / f"{page}.md" for page in ("command-line", "seeds", "batch"))]
LEFT_OUT = re.compile(
    r"models download|promptonce engine|promptonce demo$|--device cuda|--model (tiny|small|base_plus|large)|> ~"
)
OF_THE_READER = re.compile(r"[A-Z_]{4,}")
pytestmark = pytest.mark.usefixtures("_fake_worker")


def commands(path: Path) -> list[str]:
    """The lines of the blocks of code, continued ones joined."""
    blocks = re.findall(r"^```(?:\w*)\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    typed = [line for line in lines if line.startswith("promptonce ") and not LEFT_OUT.search(line)]
    return [line for line in typed if not any(map(OF_THE_READER.fullmatch, words_of(line)))]


def words_of(line: str) -> list[str]:
    return shlex.split(line, comments=True)[1:]


def test_the_documents_have_lines_to_paste() -> None:
    assert sum(len(commands(path)) for path in DOCUMENTS) >= 20


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if commands(path)], ids=lambda path: path.name)
def test_every_line_can_be_pasted(run: Run, tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTONCE_LIBRARY", str(tmp_path / "library"))
    if path.stem == "batch":  # the seed of the page before, and images of the reader
        for line in commands(path.with_name("seeds.md"))[:3]:
            assert run(*words_of(line)).status == 0
        (tmp_path / "images").mkdir()
        (tmp_path / "phantom.nii.gz").rename(tmp_path / "images" / "phantom.nii.gz")
    for case in ("p1", "p2"):  # what the line about folders is for
        for folder, name in (("results", f"{case}.nii.gz"), ("labels", f"{case}_organs.nii.gz")):
            array = np.zeros((5, 20, 20), np.uint8)
            array[1:4, 4:12, 4:12] = 4
            (tmp_path / folder).mkdir(exist_ok=True)
            sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / folder / name))
    for line in commands(path):
        ended = run(*words_of(line))
        assert ended.status == 0, f"{line}\n{ended.err}"
