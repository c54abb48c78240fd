"""The recipes for Slicer's console in the documentation run as they stand there, with the real worker."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import SimpleITK as sitk
import slicer

from PromptOnceLib.imaging.phantom import LABELS, chest_phantom
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.mrml.logic.console import Console
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment

pytestmark = pytest.mark.slow

DOCUMENTS = Path(__file__).resolve().parents[4] / "docs"


SLICES = slice(0, 22), slice(16, 22)  # of the chests in the recipes for seeds and batches; the first is prompted on 20


def recipes(page: str, title: str) -> list[str]:
    """The blocks of Python in the section of a page."""
    section = (DOCUMENTS / page).read_text(encoding="utf-8").split(f"# {title}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)


def add_chest(volume: Volume, name: str) -> Any:
    matrix = volume.geometry.ijk_to_lps()
    matrix[:2] *= -1
    return slicer.util.addVolumeFromArray(volume.array, slicer.util.vtkMatrixFromArray(matrix), name)


def load_phantom(_name: str) -> Any:
    """What SampleData loads: the volume, which is returned, and the segmentation with the organs."""
    volume, labels = chest_phantom()
    node = add_chest(volume, "PromptOncePhantom")
    reference = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "PromptOncePhantomReference")
    reference.SetReferenceImageGeometryParameterFromVolumeNode(node)
    for name, value in LABELS.items():
        segment = reference.GetSegmentation().AddEmptySegment("", name)
        slicer.util.updateSegmentBinaryLabelmapFromArray((labels == value).astype("uint8"), reference, segment, node)
    return node


@pytest.fixture
def waiting() -> list[Callable[[], bool]]:
    """The functions that somebody has to call again and again: in Slicer a timer does."""
    return []


@pytest.fixture
def logic(waiting: list[Callable[[], bool]]) -> Iterator[Console]:
    logic = Console(lambda: SubprocessTransport(worker_command(), worker_environment()), lambda: None, waiting.append)
    yield logic
    logic.close()


def test_the_recipes_of_the_user_guide_work(
    scene: Any, logic: Console, waiting: list[Callable[[], bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = ModuleType("SampleData")
    samples.downloadSample = load_phantom  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "SampleData", samples)
    monkeypatch.setattr(slicer.util, "getModuleLogic", lambda name: {"PromptOnce": logic}[name])
    names: dict[str, Any] = {"slicer": slicer}
    runs = []
    for recipe in recipes("slicer-console.md", "Slicer's Python console"):
        exec(compile(recipe, "documentation", "exec"), names)
        if names.get("run") not in (None, *runs):
            runs.append(names["run"])
    assert len(runs) == 4
    assert runs[0].outcome().totals.dice > 0.5
    assert [int(run.job.result.computed.sum()) for run in runs[:3]] == [40, 6, 6]
    assert not runs[3].finished
    logic.cancel()
    while waiting[0]():
        pass
    assert runs[3].finished
    assert names["evaluation"].totals.dice > 0.5


def test_the_recipes_for_seeds_and_batches_work(
    scene: Any,
    logic: Console,
    waiting: list[Callable[[], bool]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PROMPTONCE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setattr(slicer.util, "getModuleLogic", lambda name: {"PromptOnce": logic}[name])
    chests = [thin_chest(number, slices) for number, slices in enumerate(SLICES)]
    (tmp_path / "chests").mkdir()
    write_nifti(chests[1], tmp_path / "chests" / "one.nii.gz")
    volume, other = (add_chest(chest, f"chest {number}") for number, chest in enumerate(chests))
    names: dict[str, Any] = {"slicer": slicer, "volume": volume, "otherVolume": other}

    (of_seeds,) = recipes("seeds.md", "In Slicer's console")
    exec(compile(of_seeds, "documentation", "exec"), names)
    assert names["match"].usable
    assert names["match"].seed.id == names["seed"].id
    assert names["run"].outcome().totals.millilitres > 0

    (of_batches,) = recipes("batch.md", "In Slicer's console")
    exec(compile(of_batches.replace('"/data/', f'"{tmp_path.as_posix()}/'), "documentation", "exec"), names)
    while waiting[0]():
        pass
    assert "finished=1" in capsys.readouterr().out, "the function of the recipe was called"
    assert sorted(names["job"].ended) == ["volume-1", "volume-2"]
    assert names["job"].summary.succeeded
    assert (tmp_path / "results" / "report.html").is_file()


def thin_chest(number: int, slices: slice) -> Volume:
    """Some slices of a phantom."""
    volume, _ = chest_phantom(number)
    array = volume.array[slices]
    return replace(volume, array=array, geometry=replace(volume.geometry, size=array.shape[::-1]))


def write_nifti(volume: Volume, path: Path) -> None:
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.geometry.spacing)
    image.SetOrigin(volume.geometry.origin)
    image.SetDirection(volume.geometry.direction)
    sitk.WriteImage(image, str(path))
