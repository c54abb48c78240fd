"""promptonce segment as a person types it: results, table, JSON, ranges, bad input."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from imaging.enhanced_files import slices, write_enhanced
from PIL import Image

from cli.conftest import BOX, Run
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt, write_prompt
from PromptOnceLib.segmentation.result import read_csv


@pytest.mark.real_worker
def test_a_volume_is_segmented_from_a_box_and_points(
    run_process: Run, disk_volume: Path, disk_reference: Path, tmp_path: Path
) -> None:
    ended = run_process(
        "segment", disk_volume, "-o", "out.seg.nrrd", "--box", BOX, "--positive", "50,40", "52,44",
        "--negative", "80,40", "--reference", f"{disk_reference}:3", "--csv", "out.csv",
        "--sheet", "out.png", "--window", "full", "--name", "the disk",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert ended.out == ""
    assert "slices/s" in ended.err
    assert "Propagating: 11 of 11 slices, 100 %" in ended.err
    assert "Dice" in ended.err

    volume, result = sitk.ReadImage(str(disk_volume)), sitk.ReadImage(str(tmp_path / "out.seg.nrrd"))
    assert result.GetSize() == volume.GetSize()
    np.testing.assert_allclose(result.GetOrigin(), volume.GetOrigin())
    np.testing.assert_allclose(result.GetSpacing(), volume.GetSpacing())
    np.testing.assert_allclose(result.GetDirection(), volume.GetDirection(), atol=1e-12)
    assert sitk.GetArrayViewFromImage(result).any()
    assert result.GetMetaData("Segment0_Name") == "the disk"
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["slice"] for row in rows] == [str(k) for k in range(11)]
    assert Image.open(tmp_path / "out.png").size[0] > 300


def test_one_of_several_volumes_is_chosen_by_its_name(run: Run, tmp_path: Path) -> None:
    stack = [np.full((32, 32), value, np.int16) for value in (0, 50, 100, 200, 250, 300)]
    groups = [{"FrameContentSequence": {"TemporalPositionIndex": 1 + k // 3}} for k in range(6)]
    write_enhanced(tmp_path / "mf.dcm", stack, slices(3) * 2, groups=groups)
    command = ["segment", "mf.dcm", "-o", "out.nii.gz", "--box", "5,5,20,20"]
    refused = run(*command)
    assert refused.status == 2
    assert "1 (time 1, 3 slices), 2 (time 2, 3 slices)" in refused.err
    assert "--volume chooses one" in refused.err
    ended = run(*command, "--volume", "time 2")
    assert ended.status == 0, ended.err
    assert sitk.ReadImage(str(tmp_path / "out.nii.gz")).GetSize() == (32, 32, 3)


def test_json_is_one_object_with_what_scripts_need(run: Run, disk_volume: Path, disk_reference: Path) -> None:
    ended = run(
        "segment", disk_volume, "-o", "out.nii.gz", "--prompt-from", disk_reference, "--reference", disk_reference,
        "--range", "3:8", "--json", "--quiet",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert ended.err == ""
    report = ended.json
    assert report["output"] == "out.nii.gz"
    assert report["model"] == "nano"
    assert "demonstration model" in report["model_note"]
    assert report["device"].startswith(("cpu", "cuda", "mps"))
    assert report["slices"] == 6
    assert report["slices_per_second"] == pytest.approx(6 / report["seconds"], rel=0.05)
    assert report["seed_slice"] == 5
    assert [row["computed"] for row in report["per_slice"]] == [3 <= k <= 8 for k in range(11)]
    assert set(report["per_slice"][0]) == {
        "slice", "computed", "area", "presence", "predicted_iou", "dice", "jaccard",
    }  # fmt: skip
    assert report["per_slice"][0]["area"] is None
    assert 0 <= report["dice"] <= 1
    inside = [row for row in report["per_slice"] if row["computed"]]
    assert all(0 <= row["presence"] <= 1 and 0 <= row["predicted_iou"] <= 1 for row in inside)


@pytest.mark.usefixtures("_fake_worker")
def test_without_a_reference_dice_is_null(run: Run, disk_volume: Path) -> None:
    report = run("segment", disk_volume, "-o", "out.nii.gz", "--box", BOX, "--range", "5:6", "--json").json
    assert report["dice"] is None
    assert report["jaccard"] is None
    assert report["per_slice"][5]["dice"] is None


def test_the_figures_are_those_of_the_file(run: Run, disk_volume: Path, disk_reference: Path) -> None:
    report = run(
        "segment", disk_volume, "-o", "out.seg.nrrd", "--box", BOX, "--reference", disk_reference, "--json"
    ).json
    ended = run("evaluate", "out.seg.nrrd", f"{disk_reference}:3", "--json", "--slices", "slices.csv")
    (evaluated,) = ended.json["cases"][0]["objects"]
    assert evaluated["dice"] == pytest.approx(report["dice"])
    assert evaluated["jaccard"] == pytest.approx(report["jaccard"])
    assert evaluated["millilitres"] == pytest.approx(report["millilitres"])
    assert [row.dice for row in read_csv("slices.csv")] == pytest.approx([row["dice"] for row in report["per_slice"]])
    assert evaluated["hausdorff95_mm"] <= evaluated["hausdorff_mm"]


@pytest.mark.usefixtures("_fake_worker")
def test_the_object_of_a_prompt_file_gets_the_name_that_is_given(run: Run, disk_volume: Path, tmp_path: Path) -> None:
    disk = ObjectPrompt(name="object", box=Box(x0=32, y0=22, x1=68, y1=58))
    write_prompt(tmp_path / "one.json", Prompt(axis=0, slice=4, objects=(disk,)))
    ended = run("segment", disk_volume, "-o", "one.seg.nrrd", "--prompt", "one.json", "--name", "liver", "--json")
    assert ended.status == 0, ended.err
    assert [item["name"] for item in ended.json["objects"]] == ["liver"]
    write_prompt(tmp_path / "two.json", Prompt(axis=0, slice=4, objects=(disk, disk.model_copy(update={"name": "b"}))))
    ended = run("segment", disk_volume, "-o", "two.seg.nrrd", "--prompt", "two.json", "--name", "liver")
    assert (ended.status, "A name goes with one object" in ended.err) == (2, True)


@pytest.mark.usefixtures("_fake_worker")
def test_several_objects_come_from_a_prompt_file(run: Run, disk_volume: Path, tmp_path: Path) -> None:
    disk = ObjectPrompt(name="disk", box=Box(x0=32, y0=22, x1=68, y1=58))
    other = ObjectPrompt(name="corner", box=Box(x0=2, y0=2, x1=20, y1=20), color=(1, 0, 0))
    write_prompt(tmp_path / "two.json", Prompt(axis=0, slice=4, objects=(disk, other)))
    ended = run(
        "segment", disk_volume, "-o", "two.seg.nrrd", "--prompt", "two.json", "--direction", "forward", "--json"
    )
    assert ended.status == 0, ended.err
    assert ended.json["seed_slice"] == 4
    assert ended.json["slices"] == 7
    header = sitk.ImageFileReader()
    header.SetFileName(str(tmp_path / "two.seg.nrrd"))
    header.ReadImageInformation()
    assert [header.GetMetaData(f"Segment{i}_Name") for i in (0, 1)] == ["disk", "corner"]


@pytest.mark.usefixtures("_fake_worker")
def test_a_mask_of_another_segmentation_is_the_prompt_and_others_are_kept_out(
    run: Run, disk_volume: Path, disk_reference: Path, tmp_path: Path
) -> None:
    reference = sitk.ReadImage(str(disk_reference))
    disk = sitk.GetArrayFromImage(reference) == 3
    right = disk.copy()
    right[:, :, :50] = False
    others = sitk.GetImageFromArray(right.astype(np.uint8) * 2)
    others.CopyInformation(reference)
    sitk.WriteImage(others, str(tmp_path / "others.nii.gz"))
    command = ["segment", disk_volume, "-o", "out.nii.gz", "--mask-from", f"{disk_reference}:3", "--slice", "4"]
    assert run(*command, "--json").json["seed_slice"] == 4
    whole = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out.nii.gz"))) > 0
    assert 2 * (whole[4] & disk[4]).sum() / (whole[4].sum() + disk[4].sum()) > 0.95
    assert whole[6, :, 50:].any()
    assert run(*command, "--overwrite", "--keep-out", "others.nii.gz:2").status == 0
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out.nii.gz"))) > 0
    np.testing.assert_array_equal(found, whole & ~right)


@pytest.mark.usefixtures("_fake_worker")
def test_another_axis_and_slice_can_be_chosen(run: Run, disk_volume: Path) -> None:
    report = run(
        "segment", disk_volume, "-o", "o.nii.gz", "--axis", "j", "--slice", "30", "--positive", "50,5", "--range",
        "28:32", "--json",
    ).json  # fmt: skip
    assert report["axis"] == "j"
    assert report["seed_slice"] == 30
    assert report["slices_in_volume"] == 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.nii.gz", "-o", "o.nii.gz", "--box", BOX], "nothing.nii.gz"),
        (["VOLUME", "-o", "o.nii.gz"], "one prompt"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--prompt", "p.json"], "one prompt"),
        (["VOLUME", "-o", "o.nii.gz", "--negative", "3,4"], "negative"),
        (["VOLUME", "-o", "o.nii.gz", "--box", "1,2,3"], "4"),
        (["VOLUME", "-o", "o.nii.gz", "--box", "10,10,10,30"], "area"),
        (["VOLUME", "-o", "o.nii.gz", "--positive", "500,10"], "outside"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--slice", "11"], "slice"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--range", "7:9"], "range"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--range", "0:11"], "slice"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--window", "sunglasses"], "window"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--axis", "diagonal"], "axis"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--model", "giant"], "giant"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--model", "tiny"], "promptonce models download tiny"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--device", "cuda:99"], "cuda:99"),
        (["VOLUME", "-o", "o.nii.gz", "--prompt-from", "REFERENCE:7"], "7"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--strategy", "S5"], "--strategy goes with --prompt-from"),
        (["VOLUME", "-o", "o.nii.gz", "--seed", "x", "--strategy", "S5"], "--strategy goes with --prompt-from"),
        (["VOLUME", "-o", "o.nii.gz", "--prompt-from", "REFERENCE", "--strategy", "S1"], "'S1' is not one of"),
        (["VOLUME", "-o", "o.nii.gz", "--seed", "x", "--name", "y"], "--name does not go with --seed"),
        (["VOLUME", "-o", "o.nii.gz", "--object", "x", "--box", BOX, "--name", "y"], "no name yet"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--by", "mask"], "go with --seed"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--fit", "millimetres"], "go with --seed"),
        (["VOLUME", "-o", "o.jpg", "--box", BOX], "o.jpg"),
        (["VOLUME", "-o", "no-folder/o.nii.gz", "--box", BOX], "no-folder"),
        (["VOLUME", "-o", "VOLUME", "--box", BOX], "input"),
        (["VOLUME", "-o", "same.nrrd", "--csv", "same.nrrd", "--box", BOX], "another output"),
        (["VOLUME", "-o", "o.nii.gz", "--sheet", "sheet.jpg", "--box", BOX], "png"),
        (["VOLUME", "-o", "o.nii.gz", "--box", "nan,1,2,3"], "pixels"),
        (["VOLUME", "-o", "o.nii.gz", "--positive", "inf,1"], "pixels"),
        (["VOLUME", "-o", "o.nii.gz", "--prompt-from", "VOLUME"], "segmentation"),
        (["caf\udce9.nii.gz", "-o", "o.nii.gz", "--box", BOX], "rename"),
        (["VOLUME", "-o", "o.nii.gz", "--box", BOX, "--model", "m\udce9.pt", "--model-config", "c.yaml"], "rename"),
        (["VOLUME", "-o", "REFERENCE", "--box", BOX, "--reference", "REFERENCE:3"], "input"),
    ],
)
def test_bad_input_ends_with_status_2_a_sentence_and_no_file(
    run: Run, disk_volume: Path, disk_reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], words: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("PROMPTONCE_MODELS", str(tmp_path / "models"))
    (tmp_path / "p.json").write_text("{}")
    before = disk_volume.read_bytes(), disk_reference.read_bytes(), sorted(tmp_path.iterdir())
    names = {"VOLUME": str(disk_volume), "REFERENCE": str(disk_reference)}
    filled = [
        argument.replace("VOLUME", names["VOLUME"]).replace("REFERENCE", names["REFERENCE"]) for argument in arguments
    ]

    ended = run("segment", *filled)

    assert ended.status == 2, ended.err
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert (disk_volume.read_bytes(), disk_reference.read_bytes(), sorted(tmp_path.iterdir())) == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nothing.nii.gz", "-o", "o.nii.gz", "--box", BOX], "bad_volume"),
        (["nothing.nii.gz", "-o", "o.nii.gz", "--box", "1,2,3"], "usage"),
        (["nothing.nii.gz"], "bad_input"),
        (["--bogus"], "usage"),
    ],
)
def test_an_error_is_json_too_where_json_is_asked_for(run: Run, arguments: list[str], code: str) -> None:
    ended = run("segment", *arguments, "--json")
    assert ended.status == 2
    assert ended.json["error"]["code"] == code


@pytest.mark.usefixtures("_fake_worker")
def test_points_may_follow_an_equals_sign(run: Run, disk_volume: Path) -> None:
    ended = run("segment", disk_volume, "-o", "o.nii.gz", "--positive=50,40", "52,44", "--range", "5:5", "--json")
    assert ended.status == 0, ended.err


@pytest.mark.usefixtures("_fake_worker")
def test_notices_are_told_and_are_in_the_json(run: Run, disk_volume: Path, tmp_path: Path) -> None:
    box = Box(x0=32, y0=22, x1=68, y1=58)
    objects = (ObjectPrompt(name="one", box=box), ObjectPrompt(name="two", box=box))
    write_prompt(tmp_path / "two.json", Prompt(axis=0, slice=5, objects=objects))
    ended = run("segment", disk_volume, "-o", "two.nii.gz", "--prompt", "two.json", "--range", "5:5", "--json")
    assert any("overlap" in notice for notice in ended.json["notices"])
    assert "overlap" in ended.err
