"""promptonce show: what an image is, a picture to read coordinates off, and prompts in pixels and in mm on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from cli.conftest import Run
from PromptOnceLib.prompts.prompt import read_prompt


def write_oblique(path: Path) -> sitk.Image:
    """A volume of 12 coronal slices of 30 rows and 20 columns, not square, turned by 10 degrees."""
    image = sitk.GetImageFromArray(np.random.default_rng(0).integers(0, 100, (30, 12, 20)).astype(np.int16))
    image.SetSpacing((1.5, 6.0, 2.0))
    image.SetOrigin((-30, 15, 100))
    angle = np.deg2rad(10)
    turned = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    image.SetDirection(turned.ravel().tolist())
    sitk.WriteImage(image, str(path))
    return image


def test_it_says_what_an_image_is_and_writes_its_central_slice(run: Run, disk_volume: Path, tmp_path: Path) -> None:
    ended = run("show", disk_volume)
    assert ended.status == 0, ended.err
    for words in ("96 x 80 x 11", "0.8 x 0.9 x 3 mm", "11 along k, axial", "central slice 5", "percentile"):
        assert words in ended.out
    # j grows towards right (-x in LPS), as the direction matrix of the fixture says.
    assert "i to posterior, j to right, k to superior" in ended.out
    with Image.open(tmp_path / "disk-slice-5.png") as picture:
        assert picture.width > 900


def test_json_has_the_same_facts(run: Run, disk_volume: Path) -> None:
    report = run("show", disk_volume, "--axis", "i", "--slice", "3", "-o", "a.png", "--json", "--quiet").json
    assert report["version"] == 1
    assert (report["slices"], report["rows"], report["columns"], report["slice"]) == (96, 11, 80, 3)
    assert report["directions"] == ["P", "R", "S"]
    assert report["picture"] == "a.png"
    assert report["size"] == [96, 80, 11]


def test_the_picture_is_not_turned_and_its_pixels_lie_where_the_rulers_say(run: Run, tmp_path: Path) -> None:
    array = np.zeros((3, 50, 40), np.uint8)
    array[1, 10, 30] = 255
    sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / "dot.nrrd"))
    assert run("show", "dot.nrrd", "--window", "full", "-o", "dot.png", "--axis", "k").status == 0
    grey = np.asarray(Image.open(tmp_path / "dot.png").convert("RGB")).astype(int)
    saturation_free = (grey.min(axis=2) > 250).nonzero()
    scale = 1000 / 50
    assert np.median(saturation_free[0]) == pytest.approx(58 + 10.5 * scale, abs=scale / 2)
    assert np.median(saturation_free[1]) == pytest.approx(52 + 30.5 * scale, abs=scale / 2)


def test_nothing_is_replaced_in_silence(run: Run, disk_volume: Path) -> None:
    assert run("show", disk_volume, "-o", "a.png").status == 0
    again = run("show", disk_volume, "-o", "a.png", "--json")
    assert again.status == 2
    assert again.json["error"]["code"] == "output_exists"
    assert "--overwrite replaces it" in again.err
    assert run("show", disk_volume, "-o", "a.png", "--overwrite").status == 0


@pytest.mark.parametrize("space", ["RAS", "LPS"])
@pytest.mark.parametrize(("axis", "letter"), [(1, "j"), (0, "k"), (2, "i")])
def test_a_prompt_in_mm_lies_on_the_pixels_that_are_there(
    run: Run, tmp_path: Path, space: str, axis: int, letter: str
) -> None:
    image = write_oblique(tmp_path / "oblique.nii.gz")
    order = [axis, *(other for other in range(3) if other != axis)]  # of array axes: slice, row, column

    def in_mm(index: int, row: float, column: float) -> str:
        kji = [0.0, 0.0, 0.0]
        for place, value in zip(order, (index, row, column), strict=True):
            kji[place] = value
        x, y, z = image.TransformContinuousIndexToPhysicalPoint(kji[::-1])
        return f"{x},{y},{z}" if space == "LPS" else f"{-x},{-y},{z}"

    ended = run(
        "show", "oblique.nii.gz", "--axis", letter, "--space", space, "--save-prompt", "p.json", "--name", "node",
        "--box-mm", f"{in_mm(4, 2, 3)},{in_mm(4, 9, 8)}", "--positive-mm", in_mm(4, 5, 6), in_mm(4, 6, 7),
        "--negative-mm", in_mm(4, 1, 1),
    )  # fmt: skip
    assert ended.status == 0, ended.err
    prompt = read_prompt(tmp_path / "p.json")
    (item,) = prompt.objects
    assert (prompt.slice, prompt.axis, item.name) == (4, axis, "node")
    assert item.box is not None
    assert (item.box.x0, item.box.y0, item.box.x1, item.box.y1) == pytest.approx((3, 2, 8, 9), abs=1e-3)
    assert [(p.x, p.y) for p in item.points] == [pytest.approx(place, abs=1e-3) for place in [(6, 5), (7, 6), (1, 1)]]
    assert [p.positive for p in item.points] == [True, True, False]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--positive-mm", "1,2,3"], "--space RAS"),
        (["--positive-mm", "1,2,3", "--box", "1,2,3,4", "--space", "RAS"], "in pixels and in mm"),
        (["--positive-mm", "1,2", "--space", "RAS"], "has 2 numbers"),
        (["--box", "1,2,3,4", "--box", "1,2,5,6"], "has 2 boxes"),
        (["--positive-mm", "9999,2,3", "--space", "LPS"], "outside"),
        (["--box", "1,2,3,4", "--object", "a"], "stands behind the --object"),
        (["--slice", "11"], "slices 0 to 10"),
        (["-o", "a.jpg"], "ends in .png"),
    ],
)
def test_what_does_not_fit_is_said(run: Run, disk_volume: Path, options: list[str], words: str) -> None:
    ended = run("show", disk_volume, *options)
    assert ended.status == 2
    assert words in ended.err
    assert not list(Path.cwd().glob("*.png"))


def test_objects_get_the_marks_behind_them(run: Run, disk_volume: Path, tmp_path: Path) -> None:
    ended = run(
        "show", disk_volume, "--slice", "4", "--save-prompt", "two.json", "--object", "disk", "--positive", "50,40",
        "52,41", "--object", "corner", "--box", "2,2,20,20", "--negative", "30,30",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    first, second = read_prompt(tmp_path / "two.json").objects
    assert (first.name, first.box, len(first.points)) == ("disk", None, 2)
    assert second.box is not None
    assert [point.positive for point in second.points] == [False]
    assert json.loads((tmp_path / "two.json").read_text())["slice"] == 4
