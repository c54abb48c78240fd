"""The recipes for the Python console in docs/user-guide.md run as they stand there, with the real worker."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import slicer

from PromptOnceLib.core.phantom import LABELS, chest_phantom
from PromptOnceLib.mrml.logic import PromptOnceLogicBase
from PromptOnceLib.worker.transport import SubprocessTransport, worker_command, worker_environment

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "user-guide.md"


def recipes() -> list[str]:
    section = GUIDE.read_text(encoding="utf-8").split("## From the Python console")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)


def load_phantom(_name: str) -> Any:
    """What SampleData loads: the volume, which is returned, and the segmentation with the organs."""
    volume, labels = chest_phantom()
    matrix = volume.geometry.ijk_to_lps()
    matrix[:2] *= -1
    node = slicer.util.addVolumeFromArray(volume.array, slicer.util.vtkMatrixFromArray(matrix), "PromptOncePhantom")
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
def logic(waiting: list[Callable[[], bool]]) -> Iterator[PromptOnceLogicBase]:
    logic = PromptOnceLogicBase(
        lambda: SubprocessTransport(worker_command(), worker_environment()), lambda: None, waiting.append
    )
    yield logic
    logic.close()


def test_the_recipes_of_the_user_guide_work(
    scene: Any, logic: PromptOnceLogicBase, waiting: list[Callable[[], bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = ModuleType("SampleData")
    samples.downloadSample = load_phantom  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "SampleData", samples)
    monkeypatch.setattr(slicer.util, "getModuleLogic", lambda name: {"PromptOnce": logic}[name])
    names: dict[str, Any] = {"slicer": slicer}
    runs = []
    for recipe in recipes():
        exec(compile(recipe, GUIDE.name, "exec"), names)
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
