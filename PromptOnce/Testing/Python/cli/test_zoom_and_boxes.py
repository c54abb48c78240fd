"""Zoom, boxes between boxes and clean-up at the command line, in a batch, in Python, and in what a result carries."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from cli.conftest import Run
from PromptOnceLib.batch.planning.plan import RecordedPlan
from PromptOnceLib.batch.run_folder.records import read_run_record
from PromptOnceLib.cases.correction_record import TAG, CorrectionRecord
from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.prompts.prompt import Box, Point
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet, write_prompts
from PromptOnceLib.segmentation.formats.seg_nrrd import read_tags
from PromptOnceLib.segmentation.ways import Ways

SLICES, SIZE = 9, 160


@pytest.fixture
def rod(tmp_path: Path) -> Path:
    """A bright disk of 10 pixels on all slices but the first and the last."""
    y, x = np.mgrid[:SIZE, :SIZE]
    voxels = np.random.default_rng(5).normal(60, 6, (SLICES, SIZE, SIZE))
    voxels[1:-1, np.hypot(x - 50, y - 40) < 10] += 140
    path = tmp_path / "rod.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(voxels.astype(np.int16)), str(path))
    return path


BOX = ("--box", "38,28,62,52", "--window", "full", "--json")


def boxes(tmp_path: Path, *indices: int) -> Path:
    slices = tuple(FixedSlice(slice=index, box=Box(x0=38, y0=28, x1=62, y1=52)) for index in indices)
    path = tmp_path / "boxes.json"
    write_prompts(path, PromptSet(axis=0, objects=(PromptedObject(name="rod", slices=slices),)))
    return path


def record_of(path: Path) -> CorrectionRecord:
    tag = read_tags(path, TAG)[0]
    assert tag is not None
    return CorrectionRecord.from_tag(tag)


def test_what_was_seen_stands_in_the_result_and_a_correction_sees_the_same(run: Run, rod: Path, tmp_path: Path) -> None:
    assert run("segment", rod, "-o", "rod.seg.nrrd", *BOX, "--name", "rod").status == 0
    record = record_of(tmp_path / "rod.seg.nrrd")
    crop = record.crops["rod"]
    assert (record.zoom, record.between) == ("auto", "track")
    assert crop.rows < SIZE / 2
    assert crop.holds((28, 38, 52, 62))

    assert run("correct", rod, "rod.seg.nrrd", "--slice", "6", "--positive", "50,40").status == 0
    assert record_of(tmp_path / "rod.seg.nrrd").crops == {"rod": crop}
    assert run("correct", rod, "rod.seg.nrrd", "--slice", "7", "--box", "100,90,130,120").status == 0
    beyond = record_of(tmp_path / "rod.seg.nrrd").crops["rod"]
    assert beyond.holds((28, 38, 52, 62)), "the crop of the run is left"
    assert beyond.holds((90, 100, 120, 130)), "the crop does not follow a mark outside of it"


def test_a_correction_keeps_the_clean_up_and_the_filling_of_holes(run: Run, rod: Path, tmp_path: Path) -> None:
    chosen = ("--clean-up", "all", "--fill-holes", "3")
    assert run("segment", rod, "-o", "rod.seg.nrrd", *BOX, "--name", "rod", *chosen).status == 0
    for _ in range(2):
        record = record_of(tmp_path / "rod.seg.nrrd")
        assert record.ways_of("rod") == Ways(clean_up="all", fill_hole_area=3)
        assert run("correct", rod, "rod.seg.nrrd", "--slice", "6", "--positive", "50,40").status == 0


def test_whole_slices_are_seen_where_that_is_wanted(run: Run, rod: Path, tmp_path: Path) -> None:
    assert run("segment", rod, "-o", "rod.seg.nrrd", *BOX, "--zoom", "off").status == 0
    assert record_of(tmp_path / "rod.seg.nrrd").crops == {"object": Crop.whole((SIZE, SIZE))}


@pytest.mark.parametrize("between", ["interpolate", "both"])
def test_boxes_end_the_object(run: Run, rod: Path, tmp_path: Path, between: str) -> None:
    arguments = ("--prompt", boxes(tmp_path, 2, 6), "--window", "full", "--between", between, "--json")
    ended = run("segment", rod, "-o", "rod.seg.nrrd", *arguments)
    assert ended.status == 0, ended.err
    assert [row["slice"] for row in ended.json["per_slice"] if row["area"]] == [2, 3, 4, 5, 6]
    assert record_of(tmp_path / "rod.seg.nrrd").between == between

    corrected = run("correct", rod, "rod.seg.nrrd", "--slice", "7", "--box", "38,28,62,52", "--json")
    assert corrected.status == 0, corrected.err
    found = record_of(tmp_path / "rod.seg.nrrd")
    assert found.between == between
    assert found.prompts.object("rod").indices == (2, 6, 7)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--zoom", "0.5"), "from 1 to 100"),
        (("--clean-up", "none"), "'connected', 'largest', 'all'"),
        (("--between", "interpolate"), "only one is prompted"),
        (("--between", "both"), "only one is prompted"),
    ],
)
def test_what_makes_no_sense_is_said(run: Run, rod: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = run("segment", rod, "-o", "out.seg.nrrd", *BOX, *arguments)
    assert ended.status == 2
    assert said in ended.err


def test_a_batch_is_told_and_keeps_it(run: Run, rod: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    rod.rename(tmp_path / "images" / rod.name)
    prompt = boxes(tmp_path, 2, 6)
    arguments = ("--window", "full", "--between", "interpolate", "--zoom", "2", "--clean-up", "largest")
    ended = run("batch", "images", "--prompt", prompt, "-o", "out", *arguments)
    assert ended.status == 0, ended.err
    options = read_run_record(tmp_path / "out").options
    assert (options["zoom"], options["between"], options["clean_up"]) == (2.0, "interpolate", "largest")
    record = record_of(tmp_path / "out" / "cases" / "rod" / "segmentation.seg.nrrd")
    assert (record.zoom, record.between) == (2.0, "interpolate")
    again = run("batch", "-o", "out", "--resume", "--json")
    assert (again.status, again.json["reused"]) == (0, 1), "what is not named stays as it was"
    other = run("batch", "-o", "out", "--resume", "--zoom", "off", "--json")
    assert (other.status, other.json["reused"]) == (0, 0)


def test_runs_of_older_versions_saw_whole_slices_and_stay_finished() -> None:
    plan = {"cases": [], "selection": {}}
    old = RecordedPlan.model_validate({"plan": plan, "options": {"model": "nano"}}).options
    assert (old.zoom, old.clean_up) == ("off", "all")


def test_a_record_of_an_older_version_saw_whole_slices() -> None:
    marked = FixedSlice(slice=0, points=(Point(x=1, y=1, positive=True),))
    prompts = PromptSet(objects=(PromptedObject(slices=(marked,)),))
    old = CorrectionRecord(axis=0, window="full", prompts=prompts, presence=((0.5,),), predicted_iou=((0.5,),))
    assert (old.ways_of("object"), old.crops) == (Ways(zoom="off"), {})


@pytest.mark.parametrize(("interpolated", "between"), [(True, "interpolate"), (False, "track")])
def test_a_record_of_an_older_version_says_whether_boxes_were_interpolated(interpolated: bool, between: str) -> None:
    prompts = PromptSet(objects=(PromptedObject(),))
    now = CorrectionRecord(axis=0, window="full", prompts=prompts, presence=((0.5,),), predicted_iou=((0.5,),))
    then = now.model_dump(mode="json", exclude={"between"}) | {"interpolated": interpolated}
    assert CorrectionRecord.model_validate_json(json.dumps(then)).between == between
