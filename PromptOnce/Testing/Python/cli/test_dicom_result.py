"""Results as DICOM segmentations, and codes for what objects are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from imaging.dicom_files import write_dicom

from cli.conftest import Run

pytest.importorskip("highdicom")
pytestmark = pytest.mark.usefixtures("_fake_worker")
BOX = ["--box", "5,5,40,40"]


@pytest.fixture
def series(tmp_path: Path) -> Path:
    (tmp_path / "ct").mkdir()
    for number in range(6):
        pixels = np.zeros((1, 64, 64), np.int16)
        pixels[0, 10:30, 8 + number : 30] = 200
        write_dicom(tmp_path / "ct" / f"{number}.dcm", pixels, (0.0, 0.0, 2.5 * number), t0020_000d="1.2.3.1")
    return tmp_path / "ct"


def test_a_series_gets_a_dicom_segmentation_that_serves_as_a_reference(run: Run, series: Path, tmp_path: Path) -> None:
    ended = run("segment", series, "-o", "r.dcm", *BOX, "--name", "left kidney", "--json")
    assert ended.status == 0, ended.err
    kind = pydicom.dcmread(tmp_path / "r.dcm").SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0]
    assert kind.CodeValue == "64033007"
    assert run("segment", series, "-o", "r.nii.gz", *BOX).status == 0
    evaluated = run("evaluate", "r.nii.gz", "r.dcm", "--json").json
    (item,) = evaluated["cases"][0]["objects"]
    assert (item["name"], item["dice"]) == ("left kidney", 1.0)
    assert item["millilitres"] > 0
    # It can be made again, unlike the images.
    assert run("segment", series, "-o", "r.dcm", *BOX, "--overwrite").status == 0
    assert run("segment", series, "-o", next(series.iterdir()), *BOX, "--overwrite").status == 2


def test_slices_that_a_dicom_segmentation_leaves_out_count_as_empty(run: Run, series: Path, tmp_path: Path) -> None:
    assert run("segment", series, "-o", "whole.nii.gz", *BOX).status == 0
    figures = {}
    for name in ("part.dcm", "part.nii.gz"):
        assert run("segment", series, "-o", name, *BOX, "--range", "2:3").status == 0
        compared = run("evaluate", name, "whole.nii.gz", "--json")
        assert "another grid" not in compared.err
        (item,) = compared.json["cases"][0]["objects"]
        figures[name] = [item[key] for key in ("dice", "millilitres", "reference_millilitres", "hausdorff_mm")]
    assert figures["part.dcm"] == pytest.approx(figures["part.nii.gz"])
    assert figures["part.dcm"][0] < 0.6


def test_other_images_are_refused_before_the_work(run: Run, disk_volume: Path) -> None:
    ended = run("segment", disk_volume, "-o", "r.dcm", *BOX)
    assert ended.status == 2
    assert "Choose .seg.nrrd or .nii.gz" in ended.err


def test_codes_of_the_user_are_kept_in_every_format(run: Run, series: Path, tmp_path: Path) -> None:
    code = ["--code", "b=SCT:413455006:Ductal carcinoma", "--object", "a", *BOX, "--object", "b", *BOX]
    assert run("segment", series, "-o", "r.dcm", *code).status == 0
    segments = pydicom.dcmread(tmp_path / "r.dcm").SegmentSequence
    assert [one.SegmentedPropertyTypeCodeSequence[0].CodeMeaning for one in segments] == ["Tissue", "Ductal carcinoma"]
    assert run("segment", series, "-o", "r.seg.nrrd", *code).status == 0
    tags = sitk.ReadImage(str(tmp_path / "r.seg.nrrd")).GetMetaData("Segment1_Tags")
    assert "SCT^413455006^Ductal carcinoma" in tags
    for wrong, words in (("SCT:1:x", "say of which object"), ("c=SCT:1:x", 'no object "c"'), ("a=SCT", "SCHEME:VALUE")):
        ended = run("segment", series, "-o", "x.seg.nrrd", "--code", wrong, *code[2:])
        assert ended.status == 2
        assert words in ended.err
