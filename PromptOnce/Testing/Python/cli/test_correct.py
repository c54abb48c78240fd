"""promptonce correct: a slice of a saved result is settled, and the file says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from batch.sample_runs import Sample, sample_run, write_sample_run
from worker.disks import disk_frames

from cli.conftest import Run
from PromptOnceLib.batch.file_names import PLAN
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, RecordedPlan, Selection
from PromptOnceLib.batch.run_folder.records import read_case_record
from PromptOnceLib.cases.correction import read_saved_result, write_saved_result
from PromptOnceLib.cases.correction_record import TAG, CorrectionRecord
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.segmentation.formats.seg_nrrd import read_tags
from PromptOnceLib.segmentation.io import read_segmentation, write_segmentation

BOX = ["--box", "32,22,68,58", "--positive", "50,40"]


def save(array: np.ndarray, path: Path) -> Path:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.7, 0.8, 2.5))
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return save(disk_frames().astype(np.int16), tmp_path / "image.nii.gz")


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    labels = np.zeros(disk_frames().shape, np.uint8)
    labels[7, 20:60, 30:70] = 3
    return save(labels, tmp_path / "drawn.nii.gz")


@pytest.fixture(scope="module")
def segmented() -> list[bytes]:
    """The result of the first test that asks for one, for all others."""
    return []


@pytest.fixture
def result(run: Run, image: Path, tmp_path: Path, segmented: list[bytes]) -> Path:
    path = tmp_path / "r.seg.nrrd"
    if not segmented:
        assert run("segment", image, "-o", path.name, "--name", "disk", *BOX, "--device", "cpu").status == 0
        segmented.append(path.read_bytes())
    path.write_bytes(segmented[0])
    return path


def masks(path: Path) -> np.ndarray:
    return np.stack(read_segmentation(path).masks)


def record(path: Path) -> CorrectionRecord:
    tag = read_tags(path, TAG)[0]
    assert tag is not None
    return CorrectionRecord.from_tag(tag)


def test_a_mask_is_taken_as_it_is_and_the_rest_stays(run: Run, image: Path, result: Path, drawn: Path) -> None:
    before = masks(result)
    assert run("correct", image, result, "--slice", "9", "--accept", "--json").json["fixed"] == [5, 9]
    np.testing.assert_array_equal(masks(result), before)
    assert [fixed.state for fixed in record(result).prompts.object("disk").slices] == ["prompted", "accepted"]

    ended = run("correct", image, result, "--slice", "7", "--mask", f"{drawn}:3", "--device", "cpu", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["fixed"] == [5, 7, 9]
    assert (ended.json["state"], ended.json["slices"]) == ("corrected", 2)
    after = masks(result)
    expected = np.zeros(after.shape[-2:], bool)
    expected[20:60, 30:70] = True
    np.testing.assert_array_equal(after[0, 7], expected)
    others = [0, 1, 2, 3, 4, 5, 9, 10]
    np.testing.assert_array_equal(after[:, others], before[:, others])


def test_what_it_was_before_stays_beside_it_once(run: Run, image: Path, result: Path, drawn: Path) -> None:
    first = result.read_bytes()
    run("correct", image, result, "--slice", "7", "--mask", drawn, "--device", "cpu")
    second = result.read_bytes()
    assert second != first
    run("correct", image, result, "--slice", "9", "--accept")
    backup = result.with_name("r.seg.nrrd.bak")
    assert backup.read_bytes() == first
    assert result.read_bytes() != second


def test_box_and_points_correct_a_slice(run: Run, image: Path, result: Path) -> None:
    marks = ["--box", "35,22,71,58", "--negative", "85,70"]
    ended = run("correct", image, result, "--slice", "8", *marks, "--device", "cpu")
    assert ended.status == 0, ended.err
    assert "Slice 8 of disk: corrected, 4 slices propagated again" in ended.err
    disk = disk_frames()[8] > 130
    found = masks(result)[0, 8] > 0
    assert 2 * (found & disk).sum() / (found.sum() + disk.sum()) > 0.9


def test_a_label_map_is_corrected_from_slices_that_are_right(
    run: Run, image: Path, result: Path, drawn: Path, tmp_path: Path
) -> None:
    labels = save(masks(result)[0], tmp_path / "labels.nii.gz")
    ended = run(
        "correct", image, labels, "--slice", "7", "--mask", drawn, "--right", "5", "--right", "9", "--device", "cpu",
        "--json",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert (ended.json["object"], ended.json["fixed"]) == ("label 1", [5, 7, 9])
    others = [0, 1, 2, 3, 4, 5, 9, 10]
    np.testing.assert_array_equal(masks(labels)[0, others], masks(result)[0, others])


def test_the_record_names_nothing_but_objects(result: Path, tmp_path: Path) -> None:
    text = record(result).model_dump_json()
    assert "disk" in text
    assert str(tmp_path) not in text
    assert "image" not in text


def test_what_another_program_drew_is_kept(run: Run, image: Path, result: Path, drawn: Path) -> None:
    segments, (stored,), geometry = read_segmentation(result)
    mask = stored.copy()
    mask[6, :, :40] = 0
    tag = read_tags(result, TAG)[0]
    assert tag is not None
    write_segmentation(result, [mask], segments, geometry, {TAG: tag})
    edited = masks(result)
    ended = run("correct", image, result, "--slice", "8", "--mask", drawn_on(drawn, 8), "--device", "cpu", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["fixed"] == [5, 6, 8]
    np.testing.assert_array_equal(masks(result)[0, 6], edited[0, 6])
    assert record(result).prompts.object("disk").slices[1].state == "corrected"


def test_a_file_that_changes_meanwhile_stays_as_it_is(image: Path, result: Path) -> None:
    saved = read_saved_result(read_volume(image), result)
    content = result.read_bytes()
    result.write_bytes(content)  # the same again is no change
    write_saved_result(result, saved)
    result.write_bytes(content + b" ")
    with pytest.raises(InputError, match="changed by another program"):
        write_saved_result(result, saved)
    assert result.read_bytes() == content + b" "
    result.unlink()
    with pytest.raises(InputError, match="changed by another program"):
        write_saved_result(result, saved)


def test_in_a_run_the_result_stays_and_record_and_report_tell_of_the_correction(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write_sample_run(folder, [Sample("a")])
    plan = RecordedPlan(plan=BatchPlan(selection=Selection(), cases=()), options=BatchOptions())
    (folder / PLAN).write_text(plan.model_dump_json(), encoding="utf-8")
    volume = sample_run(Sample("a")).case.volume
    sitk.WriteImage(volume.geometry.to_image(volume.array), str(tmp_path / "a.nii.gz"))
    result = folder / "cases" / "a" / "segmentation.seg.nrrd"
    before = result.read_bytes()
    for index in (2, 6):
        ended = run("correct", "a.nii.gz", result, "--slice", str(index), "--accept", "--json")
        assert ended.status == 0, ended.err
    assert ended.json["output"] == str(result.with_name("corrected.seg.nrrd"))
    assert ended.json["fixed"] == [2, 4, 6]
    assert result.read_bytes() == before
    assert read_case_record(result.parent).review.state == "corrected"
    assert "After correction" in (folder / "report.html").read_text(encoding="utf-8")


def drawn_on(drawn: Path, index: int) -> Path:
    """The drawn mask on another slice."""
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(drawn)))
    return save(np.roll(labels, index - 7, axis=0), drawn)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--slice", "7"], "Give one correction"),
        (["--slice", "7", "--accept", "--box", "1,1,5,5"], "Give one correction"),
        (["--slice", "99", "--accept"], "no slice 99"),
        (["--slice", "99", "--mask", "DRAWN"], "no slice 99"),
        (["--slice", "3", "--mask", "DRAWN"], "nothing on slice 3"),
        (["--slice", "3", "--object", "liver", "--accept"], '"liver"'),
        (["--slice", "3", "--accept", "--right", "99"], "no slice 99"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    run: Run, image: Path, result: Path, drawn: Path, arguments: list[str], words: str
) -> None:
    before = result.read_bytes()
    ended = run("correct", image, result, *[str(drawn) if one == "DRAWN" else one for one in arguments])
    assert ended.status == 2
    assert words in ended.err
    assert result.read_bytes() == before
    assert not result.with_name("r.seg.nrrd.bak").exists()


def test_another_image_and_a_changed_record_are_refused(run: Run, result: Path, tmp_path: Path, image: Path) -> None:
    other = save(disk_frames(9).astype(np.int16), tmp_path / "other.nii.gz")
    ended = run("correct", other, result, "--slice", "3", "--accept")
    assert ended.status == 2
    assert "grid of the image" in ended.err
    alike = save(disk_frames(seed=1).astype(np.int16), tmp_path / "alike.nii.gz")
    assert "made from" not in run("correct", image, result, "--slice", "4", "--accept").err
    assert "not the one that r.seg.nrrd was made from" in run("correct", alike, result, "--slice", "4", "--accept").err
    tag = read_tags(result, TAG)[0]
    assert tag is not None
    result.write_bytes(result.read_bytes().replace(tag.encode(), tag[:-8].encode()))
    ended = run("correct", image, result, "--slice", "3", "--accept")
    assert ended.status == 2
    assert "prompts in this segmentation cannot be read" in ended.err
