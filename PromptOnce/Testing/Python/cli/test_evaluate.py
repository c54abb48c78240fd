"""promptonce evaluate: figures worked out by hand, objects matched by name or number, many pairs, tables and page."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from cli.conftest import Run
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.io import write_segmentation
from PromptOnceLib.segmentation.segment import Segment


def write_labels(path: Path, array: NDArray, spacing: tuple[float, float, float] = (1, 1, 1)) -> None:
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing(spacing)
    path.parent.mkdir(exist_ok=True, parents=True)
    sitk.WriteImage(image, str(path))


def write_segments(path: Path, **masks: NDArray) -> None:
    shape = next(iter(masks.values())).shape
    write_segmentation(path, list(masks.values()), [Segment(name) for name in masks], Geometry(shape[::-1]))


def block(*, first: int, last: int) -> NDArray:
    """Slices first to last of a volume of 10, each with the same 4 x 4 square."""
    array = np.zeros((10, 9, 8), np.uint8)
    array[first : last + 1, 2:6, 2:6] = 1
    return array


def test_the_figures_are_those_worked_out_by_hand(run: Run, tmp_path: Path) -> None:
    result, reference = np.zeros((4, 8, 8)), np.zeros((4, 8, 8))
    reference[1:3, 2:4, 2:4] = 2
    result[1:3, 2:4, 2:5] = 1
    result[3, 0, 0] = 1
    write_labels(tmp_path / "result.nii.gz", result, (1, 1, 5))
    write_labels(tmp_path / "reference.nii.gz", reference, (1, 1, 5))

    command = ["evaluate", "result.nii.gz", "reference.nii.gz:2"]
    report = run(*command, "--json", "--slices", "slices.csv", "--tolerance", "1").json
    assert (report["version"], report["tolerance_mm"]) == (1, 1)
    (item,) = report["cases"][0]["objects"]
    assert item["dice"] == pytest.approx(2 * 8 / (13 + 8))
    assert item["jaccard"] == pytest.approx(8 / 13)
    assert item["dice_per_slice"]["count"] == 2
    assert item["dice_per_slice"]["mean"] == pytest.approx(0.8)
    far = np.sqrt(2**2 + 2**2 + 5**2)
    assert item["hausdorff_mm"] == pytest.approx(far)
    assert item["hausdorff_pixels"] == pytest.approx(3.0)
    # Of the result's 13 surface voxels 8 lie on the reference, 4 one mm beside it, one far; its 8 lie on the result.
    assert item["average_distance_mm"] == pytest.approx((4 * 1 + far) / 21)
    assert item["surface_dice"] == pytest.approx(20 / 21)
    assert item["millilitres"] == pytest.approx(13 * 5 / 1000)
    rows = list(csv.DictReader((tmp_path / "slices.csv").open()))
    assert [row["dice"] for row in rows] == ["", "0.8", "0.8", "0.0"]
    words = run(*command)
    assert words.status == 0
    assert "Dice 0.7619" in words.out
    assert "surface Dice at 2 mm 0.9524" in words.out


def test_segments_belong_together_by_their_names(run: Run, tmp_path: Path) -> None:
    write_segments(tmp_path / "a.seg.nrrd", liver=block(first=2, last=5), spleen=block(first=4, last=6))
    write_segments(
        tmp_path / "b.seg.nrrd",
        Spleen=block(first=4, last=6),
        Liver=block(first=2, last=8),
        kidney=block(first=0, last=1),
    )
    ended = run("evaluate", "a.seg.nrrd", "b.seg.nrrd", "--json", "--csv", "f.csv")
    found = {item["name"]: item for item in ended.json["cases"][0]["objects"]}
    # They overlap in the files: each keeps all its voxels.
    assert found["Spleen"]["dice"] == 1.0
    assert found["Liver"]["dice"] == pytest.approx(2 * 4 / (4 + 7))
    assert (found["kidney"]["dice"], found["kidney"]["missing"], found["kidney"]["hausdorff_mm"]) == (0.0, True, None)
    assert "counted as empty: kidney" in ended.json["cases"][0]["notices"][0]
    rows = list(csv.DictReader((tmp_path / "f.csv").open()))
    assert [row["object"] for row in rows] == ["Spleen", "Liver", "kidney"]
    assert rows[2]["hausdorff95_mm"] == ""
    other_way = run("evaluate", "b.seg.nrrd", "a.seg.nrrd")
    assert "Not in the reference, and left out: kidney." in other_way.err


def test_names_that_differ_in_upper_and_lower_case_alone_are_two_objects(run: Run, tmp_path: Path) -> None:
    write_segments(tmp_path / "a.seg.nrrd", gtv=block(first=2, last=5), GTV=block(first=4, last=6))
    write_segments(tmp_path / "b.seg.nrrd", GTV=block(first=4, last=6), gtv=block(first=2, last=4))
    ended = run("evaluate", "a.seg.nrrd", "b.seg.nrrd", "--json")
    found = {item["name"]: item["dice"] for item in ended.json["cases"][0]["objects"]}
    assert found == {"GTV": 1.0, "gtv": pytest.approx(2 * 3 / (4 + 3))}
    (item,) = run("evaluate", "a.seg.nrrd:GTV", "b.seg.nrrd:GTV", "--json").json["cases"][0]["objects"]
    assert item["dice"] == 1.0


def test_label_maps_belong_together_by_number_or_by_the_names_that_are_given(run: Run, tmp_path: Path) -> None:
    write_labels(tmp_path / "a.nii.gz", np.where(block(first=2, last=5), 5, 0) + block(first=7, last=8))
    write_labels(tmp_path / "b.nii.gz", np.where(block(first=2, last=4), 5, 0) + block(first=7, last=8))
    write_segments(tmp_path / "c.seg.nrrd", spleen=block(first=7, last=8), liver=block(first=2, last=5))

    def dice(*arguments: str) -> dict[str, float]:
        ended = run("evaluate", *arguments, "--json")
        assert ended.status == 0, ended.err
        return {item["name"]: item["dice"] for item in ended.json["cases"][0]["objects"]}

    assert dice("a.nii.gz", "b.nii.gz") == {"label 1": 1.0, "label 5": pytest.approx(6 / 7)}
    assert dice("a.nii.gz:5=liver,1=spleen", "c.seg.nrrd") == {"spleen": 1.0, "liver": 1.0}
    assert dice("c.seg.nrrd", "b.nii.gz:5=LIVER") == {"LIVER": pytest.approx(6 / 7)}
    assert dice("a.nii.gz", "b.nii.gz", "--together") == {"all objects": pytest.approx(2 * 5 / 11)}
    assert list(dice("a.nii.gz:1,5", "c.seg.nrrd").values()) == [1.0]
    # A label map has no names: the segments of the other file count from 1.
    assert dice("c.seg.nrrd", "b.nii.gz") == {"spleen": 1.0, "label 5": 0.0}


def test_what_does_not_belong_together_is_refused(run: Run, tmp_path: Path) -> None:
    write_segments(tmp_path / "a.seg.nrrd", liver=block(first=2, last=5), spleen=block(first=4, last=6))
    write_segments(tmp_path / "b.seg.nrrd", heart=block(first=2, last=5), aorta=block(first=4, last=6))
    ended = run("evaluate", "a.seg.nrrd", "b.seg.nrrd", "--json")
    assert ended.status == 2
    assert "the result has liver, spleen, the reference heart, aorta" in ended.json["error"]["message"]
    write_labels(tmp_path / "a.nii.gz", np.ones((3, 5, 5)))
    far = sitk.GetImageFromArray(np.ones((3, 5, 5), np.uint8))
    far.SetOrigin((1000, 0, 0))
    sitk.WriteImage(far, str(tmp_path / "far.nii.gz"))
    for reference in ("far.nii.gz", "missing.nii.gz", "a.nii.gz:9"):
        assert run("evaluate", "a.nii.gz", reference).status == 2
    before = (tmp_path / "a.nii.gz").read_bytes()
    assert run("evaluate", "a.nii.gz", "a.nii.gz", "--csv", "a.nii.gz", "--overwrite").status == 2
    assert (tmp_path / "a.nii.gz").read_bytes() == before


def test_an_empty_result_misses_everything(run: Run, tmp_path: Path) -> None:
    write_labels(tmp_path / "a.nii.gz", np.zeros((10, 9, 8)))
    write_labels(tmp_path / "b.nii.gz", block(first=2, last=5))
    ended = run("evaluate", "a.nii.gz", "b.nii.gz", "--json")
    (item,) = ended.json["cases"][0]["objects"]
    assert (item["dice"], item["missing"], item["hausdorff95_mm"]) == (0.0, True, None)
    assert "The result is empty." in ended.json["cases"][0]["notices"]


def test_equal_masks_are_no_distance_apart(run: Run, tmp_path: Path) -> None:
    write_labels(tmp_path / "a.nii.gz", np.pad(np.ones((3, 5, 5)), 2))
    ended = run("evaluate", "a.nii.gz", "a.nii.gz", "--json", "--tolerance", "0")
    (item,) = ended.json["cases"][0]["objects"]
    assert (item["hausdorff_mm"], item["average_distance_mm"], item["surface_dice"]) == (0, 0, 1)
    assert "-0.0" not in ended.out


@pytest.fixture
def study(tmp_path: Path) -> Path:
    for number, last in enumerate((5, 6, 7)):
        write_labels(tmp_path / "results" / f"p{number}.nii.gz", block(first=2, last=5))
        write_labels(tmp_path / "labels" / f"p{number}.nii.gz", 3 * block(first=2, last=last))
    write_labels(tmp_path / "results" / "p9.nii.gz", block(first=2, last=5))
    (tmp_path / "labels" / "p1.nii.gz").write_bytes(b"no image")
    return tmp_path


def test_many_pairs_have_a_table_statistics_and_a_page(run: Run, study: Path) -> None:
    ended = run("evaluate", "results", "labels", "--csv", "f.csv", "--report", "e.html", "--json")
    assert ended.status == 1
    cases = {case["case"]: case for case in ended.json["cases"]}
    assert cases["p0"]["objects"][0]["dice"] == 1.0
    assert cases["p2"]["objects"][0]["dice"] == pytest.approx(8 / 10)
    assert "cannot be" in cases["p1"]["error"] or "not" in cases["p1"]["error"]
    assert cases["p9"]["error"] == "There is no reference for it."
    (summary,) = ended.json["summary"]
    assert summary["cases"] == 2
    assert summary["figures"]["dice"]["mean"] == pytest.approx(0.9)
    rows = list(csv.DictReader((study / "f.csv").open()))
    assert [(row["case"], row["dice"] != "", row["error"] != "") for row in rows] == [
        ("p0", True, False), ("p1", False, True), ("p2", True, False), ("p9", False, True),
    ]  # fmt: skip
    page = (study / "e.html").read_text(encoding="utf-8")
    assert "0.900 ± 0.141" in page
    assert page.count("<svg") == 5
    assert str(study) not in page


def test_no_table_and_page_says_where_files_lie_that_cannot_be_read(run: Run, study: Path) -> None:
    os.mkfifo(study / "labels" / "p9.nii.gz")  # whose error has the whole path
    ended = run("evaluate", study / "results", study / "labels", "--csv", "f.csv", "--report", "e.html", "--json")
    assert "p9.nii.gz is not an ordinary file" in {case["case"]: case for case in ended.json["cases"]}["p9"]["error"]
    for text in ((study / "f.csv").read_text(), (study / "e.html").read_text(encoding="utf-8")):
        assert "p9.nii.gz is not an ordinary file" in text
        assert str(study) not in text


def test_patterns_name_results_and_references(run: Run, study: Path) -> None:
    (study / "labels" / "p1.nii.gz").unlink()
    for path in (study / "labels").iterdir():
        path.rename(path.with_name(path.name.replace(".nii.gz", "_lung.nii.gz")))
    refused = run("evaluate", "results", "labels")
    assert refused.status == 2
    assert "p0.nii.gz" in refused.err
    assert "p0_lung.nii.gz" in refused.err
    named = ["--references", "{case}_lung.nii.gz:3=lung", "--json"]
    assert run("evaluate", "results", "labels", "--results", "p0*", *named).status == 2, "names no case"
    ended = run("evaluate", "results", "labels", *named)
    found = [item["name"] for case in ended.json["cases"] for item in case["objects"]]
    assert found == ["lung", "lung"]
    assert "go with folders" in run("evaluate", "results/p0.nii.gz", "labels").err
