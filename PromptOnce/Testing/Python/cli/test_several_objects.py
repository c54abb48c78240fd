"""Several objects on the command line: prompts for each, figures of each, and no labels merged in silence."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from cli.conftest import BOX, Run
from PromptOnceLib.prompts.prompt import read_prompt
from PromptOnceLib.prompts.prompt_set import read_prompts

pytestmark = pytest.mark.usefixtures("_fake_worker")


@pytest.fixture
def organs(disk_volume: Path, tmp_path: Path) -> Path:
    """Labels 5 (slices 2 to 8) and 1 (slices 0 to 3) on the grid of the disk's volume."""
    image = sitk.ReadImage(str(disk_volume))
    labels = np.zeros(sitk.GetArrayViewFromImage(image).shape, np.uint8)
    labels[2:9, 20:40, 30:60] = 5
    labels[0:4, 50:60, 10:20] = 1
    written = sitk.GetImageFromArray(labels)
    written.CopyInformation(image)
    sitk.WriteImage(written, str(tmp_path / "organs.nii.gz"))
    return tmp_path / "organs.nii.gz"


def test_named_labels_become_objects_on_the_slice_nearest_the_middle_that_shows_all(
    run: Run, disk_volume: Path, organs: Path, tmp_path: Path
) -> None:
    ended = run(
        "segment", disk_volume, "-o", "two.seg.nrrd", "--prompt-from", f"{organs}:5=liver,1=spleen", "--reference",
        f"{organs}:5=liver,1=spleen", "--csv", "two.csv", "--save-prompt", "two.json", "--json",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    report = ended.json
    assert report["version"] == 1
    assert report["seed_slice"] == 3
    assert [item["name"] for item in report["objects"]] == ["liver", "spleen"]
    saved = sitk.ReadImage(str(tmp_path / "two.seg.nrrd"))
    assert [saved.GetMetaData(f"Segment{i}_Name") for i in (0, 1)] == ["liver", "spleen"]
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(organs)))
    for item, label in zip(report["objects"], (5, 1), strict=True):
        evaluated = run("evaluate", f"two.seg.nrrd:{item['name']}", f"{organs}:{label}", "--json").json
        (figures,) = evaluated["cases"][0]["objects"]
        assert item["dice"] == pytest.approx(figures["dice"])
        assert item["millilitres"] == pytest.approx(figures["millilitres"])
        assert item["reference_millilitres"] == pytest.approx(np.count_nonzero(truth == label) * 0.8 * 0.9 * 3 / 1000)
    rows = list(csv.DictReader((tmp_path / "two.csv").open()))
    assert [row["object"] for row in rows] == ["liver"] * 11 + ["spleen"] * 11
    assert rows[5]["reference_area"] == "600"
    assert rows[11 + 1]["reference_area"] == "100"

    again = run("segment", disk_volume, "-o", "again.seg.nrrd", "--prompt", "two.json", "--json").json
    assert [item["millilitres"] for item in again["objects"]] == [item["millilitres"] for item in report["objects"]]


def test_objects_that_share_no_slice_are_prompted_each_on_its_own(
    run: Run, disk_volume: Path, organs: Path, tmp_path: Path
) -> None:
    image = sitk.ReadImage(str(organs))
    labels = sitk.GetArrayFromImage(image)
    labels[2:4][labels[2:4] == 1] = 0
    changed = sitk.GetImageFromArray(labels)
    changed.CopyInformation(image)
    sitk.WriteImage(changed, str(organs))
    ended = run("show", disk_volume, "--prompt-from", f"{organs}:5=liver,1=spleen", "--save-prompt", "p.json")
    assert ended.status == 0, ended.err
    prompts = read_prompts(tmp_path / "p.json")
    assert {item.name: item.indices for item in prompts.objects} == {"liver": (5,), "spleen": (1,)}
    assert "spleen: The central slice 5 holds no label" in ended.err


def test_each_object_is_prompted_by_the_strategy(run: Run, disk_volume: Path, organs: Path, tmp_path: Path) -> None:
    source = ["--prompt-from", f"{organs}:5=liver,1=spleen", "--slice", "3"]
    ended = run("show", disk_volume, *source, "--strategy", "S3", "--save-prompt", "p.json")
    assert ended.status == 0, ended.err
    objects = read_prompt(tmp_path / "p.json").objects
    assert [(item.name, item.box, len(item.points)) for item in objects] == [("liver", None, 5), ("spleen", None, 5)]


def test_labels_without_names_are_one_object_and_that_is_said(run: Run, disk_volume: Path, organs: Path) -> None:
    ended = run("segment", disk_volume, "-o", "one.nii.gz", "--prompt-from", organs, "--slice", "3", "--name", "both")
    assert ended.status == 0, ended.err
    assert "The labels 1, 5 of organs.nii.gz are taken as one object, both" in ended.err
    assert "FILE:1=NAME,5=NAME" in ended.err
    # Labels that were chosen one by one are said too, as one of them may have been meant for itself.
    assert "one object" in run("show", disk_volume, "--prompt-from", f"{organs}:1,5", "--slice", "3").err
    assert "one object" not in run("show", disk_volume, "--prompt-from", f"{organs}:5", "-o", "a.png").err


def test_some_names_are_refused(run: Run, disk_volume: Path, organs: Path) -> None:
    ended = run("show", disk_volume, "--prompt-from", f"{organs}:5=liver,1")
    assert ended.status == 2
    assert "Give every label a name" in ended.err
    assert "not LABEL=NAME" in run("show", disk_volume, "--prompt-from", f"{organs}:5=").err
    assert "no label 7" in run("show", disk_volume, "--prompt-from", f"{organs}:7=liver").err


def test_objects_by_hand_have_millilitres_each(run: Run, disk_volume: Path) -> None:
    ended = run(
        "segment", disk_volume, "-o", "two.seg.nrrd", "--object", "disk", "--box", BOX, "--object", "corner", "--box",
        "2,2,20,20",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert "\ndisk: " in ended.err
    assert " ml" in ended.err.split("corner: ")[-1]


def test_segments_of_a_reference_are_compared_by_name(run: Run, disk_volume: Path) -> None:
    two = ["--object", "disk", "--box", BOX, "--object", "corner", "--box", "2,2,20,20"]
    assert run("segment", disk_volume, "-o", "two.seg.nrrd", *two).status == 0
    report = run("segment", disk_volume, "-o", "new.seg.nrrd", *two, "--reference", "two.seg.nrrd", "--json").json
    assert [item["dice"] for item in report["objects"]] == [1.0, 1.0]
    three = [*two, "--object", "unknown", "--box", "50,50,60,60"]
    ended = run("segment", disk_volume, "-o", "3.seg.nrrd", *three, "--reference", "two.seg.nrrd", "--json")
    assert [item["dice"] for item in ended.json["objects"]] == [1.0, 1.0, None]
    assert any("holds nothing called unknown; it holds: disk, corner" in notice for notice in ended.json["notices"])


def test_segments_are_added_to_a_result(run: Run, disk_volume: Path, tmp_path: Path) -> None:
    assert run("segment", disk_volume, "-o", "all.seg.nrrd", "--box", BOX, "--name", "disk").status == 0
    before = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "all.seg.nrrd")))
    corner = ["--into", "all.seg.nrrd", "--box", "2,2,20,20", "--name"]
    ended = run("segment", disk_volume, *corner, "corner")
    assert ended.status == 0, ended.err
    saved = sitk.ReadImage(str(tmp_path / "all.seg.nrrd"))
    assert [saved.GetMetaData(f"Segment{i}_Name") for i in (0, 1)] == ["disk", "corner"]
    alone = run("evaluate", "all.seg.nrrd:disk", "all.seg.nrrd:disk", "--json").json["cases"][0]["objects"][0]
    assert alone["millilitres"] == pytest.approx(np.count_nonzero(before) * 0.8 * 0.9 * 3 / 1000)

    refused = run("segment", disk_volume, *corner, "Disk")
    assert refused.status == 2
    assert "has a segment disk already" in refused.err
    assert run("segment", disk_volume, *corner, "Disk", "--overwrite").status == 0
    saved = sitk.ReadImage(str(tmp_path / "all.seg.nrrd"))
    assert [saved.GetMetaData(f"Segment{i}_Name") for i in (0, 1)] == ["corner", "Disk"]
    accepted = run("correct", disk_volume, "all.seg.nrrd", "--slice", "4", "--object", "corner", "--accept")
    assert accepted.status == 0, accepted.err


def test_a_result_of_another_grid_or_kind_gets_no_segments(run: Run, disk_volume: Path, organs: Path) -> None:
    for into, words in ((organs, "keeps names"), ("none.seg.nrrd", "no segmentation")):
        ended = run("segment", disk_volume, "--into", into, "--box", BOX)
        assert ended.status == 2
        assert words in ended.err
    assert "-o FILE for a new one" in run("segment", disk_volume, "--box", BOX).err


def test_a_picture_has_no_millilitres(run: Run, tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.full((64, 64), 9, np.uint8)), str(tmp_path / "a.png"))
    ended = run("segment", "a.png", "-o", "a.nii.gz", "--box", "5,5,40,40", "--json")
    assert ended.json["millilitres"] is None
    assert json.dumps(ended.json["objects"][0]["millilitres"]) == "null"
    assert " ml" not in run("segment", "a.png", "-o", "b.nii.gz", "--box", "5,5,40,40").err


def test_results_are_not_replaced_in_silence(run: Run, disk_volume: Path, tmp_path: Path) -> None:
    command = ["segment", disk_volume, "-o", "out.seg.nrrd", "--box", BOX]
    assert run(*command).status == 0
    first = (tmp_path / "out.seg.nrrd").read_bytes()
    for options in ([], ["--csv", "new.csv"]):
        again = run(*command, *options)
        assert again.status == 2
        assert "out.seg.nrrd is there already, and is not replaced. --overwrite replaces it." in again.err
    assert (tmp_path / "out.seg.nrrd").read_bytes() == first
    assert run(*command, "--overwrite").status == 0
    (tmp_path / "table.csv").write_text("mine")
    assert run("evaluate", "out.seg.nrrd", "out.seg.nrrd", "--csv", "table.csv").status == 2
    assert (tmp_path / "table.csv").read_text() == "mine"


def test_the_contact_sheet_shows_the_files_name_unless_asked_not_to(
    run: Run, disk_volume: Path, tmp_path: Path
) -> None:
    def sheet(image: Path, *options: str) -> bytes:
        command = ["segment", image, "-o", "o.nii.gz", "--sheet", "s.png", "--box", BOX, "--overwrite", *options]
        assert run(*command).status == 0
        return (tmp_path / "s.png").read_bytes()

    other = tmp_path / "another name.nii.gz"
    other.write_bytes(disk_volume.read_bytes())
    assert sheet(disk_volume) != sheet(other)
    assert sheet(disk_volume, "--no-file-name") == sheet(other, "--no-file-name")
