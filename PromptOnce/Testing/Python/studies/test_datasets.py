"""Data sets: found in the layout of the real ones, checked, and what is missing is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from PromptOnceLib.batch.planning.case_names import is_safe
from PromptOnceLib.errors import GeometryError, InputError, ManifestError, VolumeError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.segmentation.reference import parse_reference, read_reference
from PromptOnceLib.studies.datasets import DATASETS, StudyCase
from studies.stand_ins import make_amos, make_covid, make_montgomery, write_nifti, write_png


def names(cases: tuple[StudyCase, ...]) -> list[tuple[str, str]]:
    return [(case.group, case.name) for case in cases]


def marked(case: StudyCase) -> list[int]:
    """Voxels that every reference of a case marks, after reading both as a run does."""
    volume = read_volume(case.image)
    parsed = [parse_reference(text) for text in case.references]
    return [int((read_reference(path, volume.geometry, labels) > 0).sum()) for path, labels in parsed]


def test_covid_volumes_are_found_in_two_groups_with_both_lungs(tmp_path: Path) -> None:
    said: list[str] = []
    cases = DATASETS["covid-19-ct"].cases(make_covid(tmp_path), said.append)
    assert names(cases) == [
        ("Coronacases", "coronacases_001"),
        ("Coronacases", "coronacases_002"),
        ("Radiopaedia", "radiopaedia_10_85902_1"),
        ("Radiopaedia", "radiopaedia_10_85902_3"),
    ]
    assert [case.references[0].endswith(".nii.gz:1,2") for case in cases] == [True] * 4
    assert all(count > 100 for case in cases for count in marked(case))
    assert len(said) == 1
    assert "4 of 20 cases" in said[0]


@pytest.mark.parametrize("inner", ["", "MontgomerySet", "NLM-MontgomeryCXRSet/MontgomerySet"])
def test_xrays_have_a_mask_of_either_lung_wherever_the_archive_was_unpacked(tmp_path: Path, inner: str) -> None:
    make_montgomery(tmp_path / inner)
    cases = DATASETS["montgomery"].cases(tmp_path)
    assert names(cases) == [("Montgomery", f"MCUCXR_{number:04}_0") for number in (1, 2, 3)]
    for case in cases:
        assert [Path(text).parent.name for text in case.references] == ["leftMask", "rightMask"]
        assert all(count > 100 for count in marked(case))


def test_amos_volumes_are_ct_up_to_number_500_and_mr_above(tmp_path: Path) -> None:
    make_amos(tmp_path / "amos22")
    for number in (500, 501):
        for kind in ("images", "labels"):
            write_nifti(tmp_path / "amos22" / f"{kind}Tr" / f"amos_{number:04}.nii.gz", np.ones((2, 3, 4), np.uint8))
    cases = DATASETS["amos"].cases(tmp_path)
    found = {case.name: case for case in cases}
    assert [name for name, case in found.items() if case.group == "CT"] == [
        "amos_0001",
        "amos_0002",
        "amos_0003",
        "amos_0500",
    ]
    assert [name for name, case in found.items() if case.group == "MR"] == [
        "amos_0501",
        "amos_0507",
        "amos_0508",
        "amos_0509",
    ]
    assert found["amos_0003"].references[0].endswith("labelsVa/amos_0003.nii.gz:1")
    assert marked(found["amos_0001"])[0] > 0


def test_amos_without_the_validation_part_and_with_another_file_is_used(tmp_path: Path) -> None:
    make_amos(tmp_path)
    for kind in ("images", "labels"):
        for path in (tmp_path / f"{kind}Va").iterdir():
            path.unlink()
        (tmp_path / f"{kind}Va").rmdir()
    write_nifti(tmp_path / "imagesTr" / "other.nii.gz", np.ones((2, 3, 4), np.int16))
    said: list[str] = []
    assert len(DATASETS["amos"].cases(tmp_path, said.append)) == 4
    assert "other.nii.gz" in said[0]


@pytest.mark.parametrize(
    ("name", "gone", "missing"),
    [
        ("covid-19-ct", "Lung_Mask/coronacases_002.nii.gz", "coronacases_002.nii.gz is missing"),
        ("covid-19-ct", "COVID-19-CT-Seg_20cases", "The folder COVID-19-CT-Seg_20cases is missing"),
        ("covid-19-ct", "Lung_Mask", "coronacases_001.nii.gz is missing"),
        ("montgomery", "ManualMask/rightMask/MCUCXR_0002_0.png", "MCUCXR_0002_0.png is missing"),
        ("montgomery", "CXR_png", "The folder CXR_png is missing"),
        ("amos", "labelsTr/amos_0507.nii.gz", "amos_0507.nii.gz is missing"),
        ("amos", "imagesTr", "The folder imagesTr is missing"),
    ],
)
def test_what_is_missing_is_named_with_what_is_expected_and_where_to_get_it(
    tmp_path: Path, name: str, gone: str, missing: str
) -> None:
    {"covid-19-ct": make_covid, "montgomery": make_montgomery, "amos": make_amos}[name](tmp_path)
    (tmp_path / gone).rename(tmp_path / "elsewhere")
    with pytest.raises(InputError) as raised:
        DATASETS[name].cases(tmp_path)
    for part in (missing, "Expected are the folders", DATASETS[name].address, DATASETS[name].licence):
        assert part in raised.value.message


@pytest.mark.parametrize("name", ["covid-19-ct", "montgomery", "amos", "folder"])
def test_a_folder_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        DATASETS[name].cases(tmp_path / "nowhere")


def test_a_mask_of_another_size_is_named(tmp_path: Path) -> None:
    write_nifti(make_covid(tmp_path) / "Lung_Mask" / "radiopaedia_10_85902_1.nii.gz", np.ones((8, 48, 47), np.uint8))
    with pytest.raises(GeometryError, match=r"radiopaedia_10_85902_1\.nii\.gz has 48 x 48 x 8 .* 47 x 48 x 8"):
        DATASETS["covid-19-ct"].cases(tmp_path)
    write_png(make_montgomery(tmp_path) / "ManualMask" / "leftMask" / "MCUCXR_0003_0.png", np.ones((20, 20)))
    with pytest.raises(GeometryError, match=r"MCUCXR_0003_0\.png"):
        DATASETS["montgomery"].cases(tmp_path)


def test_a_damaged_file_is_named_before_anything_runs(tmp_path: Path) -> None:
    make_covid(tmp_path)
    (tmp_path / "Lung_Mask" / "coronacases_001.nii.gz").write_bytes(b"")
    with pytest.raises(VolumeError, match="empty"):
        DATASETS["covid-19-ct"].cases(tmp_path)


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ("images/{}.nii.gz", "labels/{}.nii.gz"),
        ("images/{}.nii.gz", "masks/{}_mask.nii.gz"),
        ("images/ward/{}.nii.gz", "labels/{}.nii"),
        ("imagesTr/{}.nii.gz", "labelsTr/{}.nii.gz"),
        ("{}.nii.gz", "{}_seg.nii.gz"),
        ("{}.nii.gz", "segmentations/{}-label.nii.gz"),
        ("{}_image.nii.gz", "{}_label.nii.gz"),
        ("image_{}.nii.gz", "mask_{}.nii.gz"),
    ],
)
def test_a_folder_of_ones_own_is_understood(tmp_path: Path, image: str, reference: str) -> None:
    for case in ("first", "second"):
        write_nifti(tmp_path / image.format(case), np.full((3, 4, 5), 7, np.int16))
        write_nifti(tmp_path / reference.format(case), np.ones((3, 4, 5), np.uint8))
    write_nifti(tmp_path / image.format("third"), np.full((3, 4, 5), 7, np.int16))
    said: list[str] = []
    cases = DATASETS["folder"].cases(tmp_path, said.append)
    assert names(cases) == [("ward" if "ward" in image else "all", case) for case in ("first", "second")]
    assert [Path(case.references[0]) for case in cases] == [
        tmp_path / reference.format(case) for case in ("first", "second")
    ]
    assert any("third" in notice for notice in said)


def test_a_slicer_segmentation_beside_an_image_is_its_reference(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii.gz", np.full((3, 4, 5), 7, np.int16))
    (tmp_path / "a.seg.nrrd").write_text("NRRD0004")
    (case,) = DATASETS["folder"].cases(tmp_path)
    assert case.references == (str(tmp_path / "a.seg.nrrd"),)


def test_references_of_ones_own_volumes_may_lie_on_another_grid_those_of_pictures_may_not(tmp_path: Path) -> None:
    write_nifti(tmp_path / "ct" / "a.nii.gz", np.full((3, 4, 5), 7, np.int16))
    write_nifti(tmp_path / "ct" / "a_seg.nii.gz", np.ones((6, 8, 10), np.uint8))
    assert len(DATASETS["folder"].cases(tmp_path / "ct")) == 1
    write_png(tmp_path / "xray" / "a.png", np.ones((20, 30)))
    write_png(tmp_path / "xray" / "a_mask.png", np.ones((20, 31)))
    with pytest.raises(GeometryError, match="a_mask"):
        DATASETS["folder"].cases(tmp_path / "xray")


@pytest.mark.parametrize("files", [[], ["a.nii.gz"], ["images/a.nii.gz", "labels/b.nii.gz"]])
def test_a_folder_without_a_pair_says_what_is_expected(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        write_nifti(tmp_path / name, np.ones((2, 3, 4), np.int16))
    with pytest.raises(InputError, match="Expected are the folders images and labels"):
        DATASETS["folder"].cases(tmp_path)


def test_a_table_names_cases_groups_and_labels(tmp_path: Path) -> None:
    write_nifti(tmp_path / "one.nii.gz", np.full((3, 4, 5), 7, np.int16))
    write_nifti(tmp_path / "truth.nii.gz", np.ones((3, 4, 5), np.uint8))
    table = tmp_path / "study.csv"
    table.write_text("case,group,image,reference\np1,ward,one.nii.gz,truth.nii.gz:1\np2,,one.nii.gz,truth.nii.gz\n")
    cases = DATASETS["csv"].cases(table)
    assert cases == (
        StudyCase("p1", "ward", tmp_path / "one.nii.gz", (f"{tmp_path / 'truth.nii.gz'}:1",)),
        StudyCase("p2", "all", tmp_path / "one.nii.gz", (str(tmp_path / "truth.nii.gz"),)),
    )


def test_a_table_without_references_names_the_line(tmp_path: Path) -> None:
    write_nifti(tmp_path / "one.nii.gz", np.full((3, 4, 5), 7, np.int16))
    table = tmp_path / "study.csv"
    table.write_text("case,image,reference\np1,one.nii.gz,\np2,one.nii.gz,gone.nii.gz\n")
    with pytest.raises(ManifestError, match=r"(?s)line 2.*reference.*line 3.*gone\.nii\.gz"):
        DATASETS["csv"].cases(table)


def test_every_data_set_says_what_it_is() -> None:
    assert list(DATASETS) == ["covid-19-ct", "montgomery", "amos", "folder", "csv"]
    for name, found in DATASETS.items():
        assert name == found.name
        assert is_safe(name)
        assert found.title
        assert found.expected().startswith("Expected")
        assert bool(found.address) == bool(found.licence) == (found.complete > 0)
