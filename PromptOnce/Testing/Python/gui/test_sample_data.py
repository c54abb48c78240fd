"""The phantom among Slicer's sample data: what SampleData is told, and that MRML reads the files it is led to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.request import url2pathname

import numpy as np
import pytest

from PromptOnceLib.imaging import phantom
from PromptOnceLib.imaging.phantom import LABELS
from PromptOnceLib.imaging.volume import Array, Volume

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
vtk = pytest.importorskip("vtk")
sample_data = pytest.importorskip("PromptOnceLib.gui.sample_data")

PACKAGE_FOLDER = Path(sample_data.__file__).resolve().parents[2]


class SampleDataLogic:
    """Keeps what Slicer's class of this name is told."""

    def __init__(self) -> None:
        self.sources: list[dict[str, Any]] = []
        self.rules: dict[str, Any] = {}

    def registerUrlRewriteRule(self, name: str, rule: Any) -> None:  # noqa: N802
        self.rules[name] = rule

    def registerCustomSampleDataSource(self, **source: Any) -> None:  # noqa: N802
        self.sources.append(source)

    def file_at(self, address: str) -> Path:
        """The file behind an address, found as SampleData does: through all rules, then with urllib."""
        for rule in self.rules.values():
            address = rule(address)
        assert address.startswith("file://")
        return Path(url2pathname(address.removeprefix("file://")))


@pytest.fixture(scope="module")
def drawing() -> tuple[Volume, Array]:
    """The phantom with large voxels, drawn in no time."""
    return phantom.chest_phantom(shape=(10, 48, 48))


@pytest.fixture
def logic(drawing: tuple[Volume, Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SampleDataLogic:
    module = ModuleType("SampleData")
    told = SampleDataLogic()
    module.SampleDataLogic = told  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "SampleData", module)
    monkeypatch.setattr(slicer, "app", SimpleNamespace(temporaryPath=str(tmp_path)), raising=False)
    monkeypatch.setattr(phantom, "chest_phantom", lambda: drawing)
    sample_data._drawn_phantom.cache_clear()
    sample_data.register_sample_data()
    return told


def test_nothing_is_drawn_before_somebody_asks(logic: SampleDataLogic, tmp_path: Path) -> None:
    assert [source["sampleName"] for source in logic.sources] == ["PromptOncePhantom"]
    assert list(tmp_path.iterdir()) == []


def test_the_picture_on_the_button_is_there(logic: SampleDataLogic) -> None:
    assert Path(logic.sources[0]["thumbnailFileName"]).is_file()


def test_other_addresses_pass_unchanged(logic: SampleDataLogic) -> None:
    (rule,) = logic.rules.values()
    assert rule("https://example.org/a.nrrd") == "https://example.org/a.nrrd"


def test_the_volume_node_is_the_phantom(logic: SampleDataLogic, drawing: tuple[Volume, Array]) -> None:
    path = logic.file_at(logic.sources[0]["uris"][0])
    assert logic.sources[0]["loadFileTypes"][0] == "VolumeFile"
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    volume = drawing[0]
    assert np.array_equal(slicer.util.arrayFromVolume(node), volume.array)
    lps_to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    assert np.allclose(slicer.util.arrayFromVTKMatrix(matrix), lps_to_ras @ volume.geometry.ijk_to_lps())


def test_the_segmentation_node_has_the_organs_by_name(logic: SampleDataLogic, drawing: tuple[Volume, Array]) -> None:
    path = logic.file_at(logic.sources[0]["uris"][1])
    assert logic.sources[0]["loadFileTypes"][1] == "SegmentationFile"
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = scene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    segmentation = node.GetSegmentation()
    ids = list(segmentation.GetSegmentIDs())
    assert {segmentation.GetSegment(i).GetName(): segmentation.GetSegment(i).GetLabelValue() for i in ids} == LABELS
    for i in ids:
        assert np.array_equal(slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, i), drawing[1])


def test_both_files_are_drawn_at_once_and_once(logic: SampleDataLogic, tmp_path: Path) -> None:
    for address in logic.sources[0]["uris"] * 2:
        assert logic.file_at(address).is_file()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_drawing_that_fails_is_a_failed_download_and_can_be_tried_again(
    logic: SampleDataLogic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slicer.app, "temporaryPath", str(tmp_path / "missing"))
    address = logic.sources[0]["uris"][0]
    with pytest.raises(ValueError, match="could not be drawn"):
        logic.file_at(address)
    monkeypatch.setattr(slicer.app, "temporaryPath", str(tmp_path))
    assert logic.file_at(address).is_file()


def test_drawing_needs_only_what_slicer_brings() -> None:
    """Who tries the sample first has not yet been asked to install anything."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['pydantic', 'slicerio', 'platformdirs']));"
        "from PromptOnceLib.imaging.phantom import chest_phantom; chest_phantom(shape=(4, 16, 16))"
    )
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(PACKAGE_FOLDER)}, check=True)
