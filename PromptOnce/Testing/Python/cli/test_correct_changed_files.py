"""Results that were renamed, mirrored, added to or computed anew keep what was settled in them."""

from __future__ import annotations

import re
from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk
from imaging.enhanced_files import write_slice
from worker.disks import disk_frames

from cli.conftest import Run
from PromptOnceLib.cases.recorded_result import read_recorded_result
from PromptOnceLib.segmentation.io import read_segmentation

TWO = ["--object", "a|1", "--box", "32,22,68,58", "--object", "b", "--box", "40,30,60,50"]
WINDOW = "100.123456789/200.987654321"
COMPUTED = ["--window", WINDOW, "--device", "cpu", "--quiet"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    picture = sitk.GetImageFromArray(disk_frames().astype(np.int16))
    picture.SetSpacing((0.7, 0.8, 2.5))
    sitk.WriteImage(picture, str(tmp_path / "i.nii.gz"))
    return tmp_path / "i.nii.gz"


@pytest.fixture(scope="module")
def kept() -> list[bytes]:
    """The result of the first test that asks for one, for all others."""
    return []


@pytest.fixture
def result(run: Run, image: Path, tmp_path: Path, kept: list[bytes]) -> Path:
    """Two objects, of which b has three fixed slices."""
    path = tmp_path / "r.seg.nrrd"
    if not kept:
        assert run("segment", image, "-o", path, *TWO, "--slice", "5", *COMPUTED).status == 0
        for index in ("3", "8"):
            ended = run("correct", image, path, "--object", "b", "--slice", index, "--accept")
            assert "made from" not in ended.err, "a window of many digits is found again"
        kept.append(path.read_bytes())
    path.write_bytes(kept[0])
    return path


def settled(path: Path) -> dict[str, tuple[int, ...]]:
    return {item.name: item.indices for item in read_recorded_result(path).prompts.objects}


def header_changed(path: Path, *changes: tuple[bytes, bytes]) -> None:
    header, end, voxels = path.read_bytes().partition(b"\n\n")
    for pattern, new in changes:
        header = re.sub(pattern, new, header)
    path.write_bytes(header + end + voxels)


def test_a_segment_keeps_its_record_where_others_are_removed_or_it_is_renamed(result: Path) -> None:
    assert settled(result) == {"a 1": (5,), "b": (3, 5, 8)}
    header_changed(result, (rb"Segment1_Name:=b", b"Segment1_Name:=lesion"))
    assert settled(result) == {"a 1": (5,), "lesion": (3, 5, 8)}
    header_changed(result, (rb"(?m)^Segment0_.*\n?", b""), (rb"Segment1_", b"Segment0_"))
    assert settled(result) == {"lesion": (3, 5, 8)}


def test_a_result_in_the_opposite_order_is_corrected_in_that_of_the_image(run: Run, image: Path, result: Path) -> None:
    before = np.stack(read_segmentation(result).masks)
    voxels, header = nrrd.read(str(result))
    step = header["space directions"][-1].copy()
    header["space origin"] = header["space origin"] + (voxels.shape[-1] - 1) * step
    header["space directions"][-1] = -step
    nrrd.write(str(result), voxels[..., ::-1], header)
    ended = run("correct", image, result, "--object", "b", "--slice", "1", "--accept", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["fixed"] == [1, 3, 5, 8]
    np.testing.assert_array_equal(np.stack(read_segmentation(result).masks), before)


def test_an_object_is_corrected_as_it_was_made_whatever_was_added(run: Run, image: Path, tmp_path: Path) -> None:
    box = {"x0": 30, "y0": 20, "x1": 70, "y1": 62}
    marked = ", ".join(f'{{"slice": {k}, "box": {str(box).replace(chr(39), chr(34))}}}' for k in (2, 8))
    (tmp_path / "p.json").write_text(
        f'{{"version": 2, "axis": 0, "objects": [{{"name": "b", "slices": [{marked}]}}]}}', encoding="utf-8"
    )
    path, alone = tmp_path / "r.seg.nrrd", tmp_path / "alone.seg.nrrd"
    assert run("segment", image, "-o", path, "--box", "32,22,68,58", "--name", "a", *COMPUTED).status == 0
    alone.write_bytes(path.read_bytes())
    added = ["--prompt", "p.json", "--between", "interpolate"]
    assert run("segment", image, "--into", path, *added, *COMPUTED).status == 0
    for one in (alone, path):
        options = ["--object", "a", "--slice", "7", "--box", "34,24,66,56", "--device", "cpu"]
        assert run("correct", image, one, *options).status == 0
    first = read_segmentation(path).masks[0]
    np.testing.assert_array_equal(first, read_segmentation(alone).masks[0])
    assert first[8:].any(axis=(1, 2)).all()


def test_after_a_new_run_its_result_is_kept_beside_the_correction(run: Run, image: Path, result: Path) -> None:
    kept = result.with_name("r.seg.nrrd.bak")
    original = run("segment", image, "-o", result, "--box", "32,22,68,58", "--overwrite", *COMPUTED)
    assert original.status == 0, original.err
    kept.write_bytes(b"the run before")
    content = result.read_bytes()
    for index in ("3", "4"):
        assert run("correct", image, result, "--slice", index, "--accept").status == 0
        assert kept.read_bytes() == content


def test_one_of_several_volumes_is_corrected(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "echoes"
    folder.mkdir()
    for index, frame in enumerate(disk_frames().astype(np.int16)):
        for echo in (1, 2):
            tags = {"EchoNumbers": echo, "SOPInstanceUID": f"1.2.3.9.{echo}.{index}"}
            write_slice(folder / f"{echo}{index:03}.dcm", frame * echo, [0, 0, 2.5 * index], "MR", **tags)
    made = run("segment", folder, "--volume", "2", "-o", "x.dcm", "--box", "32,22,68,58", "--range", "3:7", *COMPUTED)
    assert made.status == 0, made.err
    options = ["--slice", "4", "--right", "6", "--accept", "--volume", "2", "--json"]
    ended = run("correct", folder, "x.dcm", *options)
    assert ended.status == 0, ended.err
    assert ended.json["fixed"] == [4, 6]


@pytest.mark.parametrize(("name", "values"), [("l.nii.gz", (3, 7)), ("l.mha", (2, 1000)), ("l.nrrd", (5, 70_000))])
def test_a_label_map_keeps_the_numbers_of_its_labels(
    run: Run, image: Path, tmp_path: Path, name: str, values: tuple[int, int]
) -> None:
    labels = np.zeros(disk_frames().shape, np.uint32)
    labels[2:9, 20:60, 30:50], labels[2:9, 20:60, 50:70] = values
    picture = sitk.GetImageFromArray(labels)
    picture.CopyInformation(sitk.ReadImage(str(image)))
    sitk.WriteImage(picture, str(tmp_path / name))
    ended = run("correct", image, name, "--object", f"label {values[1]}", "--slice", "5", "--accept")
    assert ended.status == 0, ended.err
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name))), labels)


def test_another_axis_than_that_of_the_result_is_refused(run: Run, image: Path, result: Path) -> None:
    ended = run("correct", image, result, "--object", "b", "--slice", "4", "--accept", "--axis", "j")
    assert ended.status == 2
    assert "r.seg.nrrd was made of slices along k" in ended.err
    ended = run("correct", image, result, "--object", "b", "--slice", "4", "--accept", "--axis", "axial")
    assert ended.status == 0, ended.err
