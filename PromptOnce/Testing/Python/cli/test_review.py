"""promptonce review: the slices of a saved result, worst first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from worker.disks import disk_frames, disk_prompt

from cli.conftest import Run
from PromptOnceLib.cases.correction_record import TAG, correction_record
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.segmentation.formats.seg_nrrd import read_tags
from PromptOnceLib.segmentation.io import read_segmentation, write_segmentation
from PromptOnceLib.segmentation.result import SegmentationResult
from PromptOnceLib.segmentation.segment import Segment


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A disk that leaks on slice 8, prompted on slice 5; slices lie along the axis j."""
    masks = (disk_frames() > 130).astype(np.uint8)[None]
    masks[0, 8] = 1
    scores = np.full(masks.shape[:2], 0.95, np.float32)
    scores[0, 8] = 0.4
    found = SegmentationResult(masks, np.ones(11, bool), scores, scores.copy(), 1, ("disk",))
    prompts = PromptSet.of(disk_prompt().model_copy(update={"axis": 1}))
    tags = {TAG: correction_record(prompts, found, "full").to_tag()}
    in_volume = found.to_volume_order(0)
    rows, slices, columns = in_volume.shape
    grid = Geometry((columns, slices, rows), (0.7, 2.5, 0.8), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    write_segmentation(tmp_path / "r.seg.nrrd", [in_volume], [Segment("disk")], grid, tags)
    return tmp_path / "r.seg.nrrd"


def edit(path: Path, index: int) -> None:
    """As another program does that keeps the tags: half of the mask of a slice goes away."""
    tag = read_tags(path, TAG)[0]
    assert tag is not None
    segments, masks, geometry = read_segmentation(path)
    edited = [mask.copy() for mask in masks]
    edited[0][:40, index] = 0
    write_segmentation(path, edited, segments, geometry, {TAG: tag})


def test_the_worst_slice_comes_first_in_words_and_as_json(run: Run, result: Path) -> None:
    ended = run("review", result, "--json")
    assert ended.status == 0, ended.err
    slices = ended.json["slices"]
    assert sorted(one["slice"] for one in slices) == list(range(11))
    assert (slices[0]["slice"], slices[0]["state"], slices[0]["area"]) == (8, "doubtful", 80 * 96)
    assert "predicted IoU 0.40" in slices[0]["reasons"]
    assert (slices[-1]["slice"], slices[-1]["state"]) == (5, "prompted")
    lines = run("review", result, "--first", "2").out.splitlines()
    assert len(lines) == 3
    assert lines[1].split()[:3] == ["disk", "8", "doubtful"]
    assert "times the area of slice 7" in lines[1]


def test_slices_that_another_program_changed_count_as_corrected(run: Run, result: Path) -> None:
    edit(result, 2)
    ended = run("review", result, "--json")
    assert ended.status == 0
    assert "disk: slice 2 changed since r.seg.nrrd was written" in ended.err
    assert {one["slice"]: one["state"] for one in ended.json["slices"]}[2] == "corrected"


def test_a_file_without_segments_is_told(run: Run, tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5), np.uint8)), str(tmp_path / "empty.seg.nrrd"))
    ended = run("review", tmp_path / "empty.seg.nrrd")
    assert (ended.status, "holds no segments" in ended.err) == (2, True)


def test_a_segment_that_was_added_elsewhere_is_left_out_of_what_is_known(run: Run, result: Path) -> None:
    tag = read_tags(result, TAG)[0]
    assert tag is not None
    segments, masks, geometry = read_segmentation(result)
    added = [segments[0], replace(segments[0], name="added")]
    write_segmentation(result, [masks[0], masks[0][::-1]], added, geometry, {TAG: tag})
    slices = run("review", result, "--json").json["slices"]
    assert {one["state"] for one in slices if one["object"] == "added"} == {"not computed"}
    assert run("review", result, "--object", "disk", "--json").json["slices"][0]["slice"] == 8


@pytest.mark.parametrize("name", ["labels.nii.gz", "missing.seg.nrrd"])
def test_what_tells_nothing_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    if name.startswith("labels"):
        sitk.WriteImage(sitk.GetImageFromArray((disk_frames() > 130).astype(np.uint8)), str(tmp_path / name))
    ended = run("review", tmp_path / name, "--json")
    assert ended.status == 2
    assert ("does not tell how sure" if name.startswith("labels") else "no segmentation at") in ended.err
    assert "message" in ended.json["error"]
    assert run("review", tmp_path / name, "--object", "x").status == 2
