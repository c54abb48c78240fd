"""Results and references in NIfTI: the mask lies on its image for nibabel, FSL and ITK, whatever the forms say."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk
from imaging.nifti_files import SIZE, affine, forms_of, write_nifti_image

from PromptOnceLib.errors import SegmentationFileError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.io import Segment, read_segmentation, write_segmentation
from PromptOnceLib.segmentation.reference import read_reference

HERE, THERE = affine(), affine((24.8, 30.0, 105.0), turn=0.2)
MASK = np.zeros(SIZE[::-1], bool)
MASK[1:4, 2:6, 3:9] = True

IMAGES = {
    "both forms alike": {"sform": (HERE, 1), "qform": (HERE, 1)},
    "sform alone": {"sform": (HERE, 2)},
    "qform alone": {"qform": (HERE, 1)},
    "forms that differ": {"sform": (THERE, 2), "qform": (HERE, 1)},
    "forms that differ, scanner": {"sform": (THERE, 1), "qform": (HERE, 2)},
    "no form": {},
    "forms that do not count": {"sform": (THERE, 0), "qform": (HERE, 0)},
    "microns": {"sform": (HERE, 2), "qform": (HERE, 2), "units": "micron"},
    "metres": {"sform": (HERE, 1), "units": "meter"},
    "mirrored": {"sform": (HERE @ np.diag([-1, 1, 1, 1]), 1), "qform": (HERE @ np.diag([-1, 1, 1, 1]), 1)},
    "small shear": {"sform": (affine(shear=0.002), 2)},
    "NIfTI-2": {"sform": (THERE, 4), "qform": (HERE, 1), "kind": nib.Nifti2Image},
}


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_nifti_result_keeps_forms_codes_and_units_of_its_image(tmp_path: Path, kind: str, suffix: str) -> None:
    image = write_nifti_image(tmp_path / "image.nii.gz", **IMAGES[kind])
    result = tmp_path / f"result{suffix}"
    write_segmentation(result, [MASK], [Segment("disk")], read_volume(image).geometry)
    for name, value in forms_of(image).items():
        np.testing.assert_allclose(forms_of(result)[name], value, rtol=1e-6, atol=1e-9, err_msg=name)
    loaded = nib.load(result)
    np.testing.assert_allclose(loaded.affine, nib.load(image).affine, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(loaded.dataobj).T, MASK)
    if kind not in ("small shear", "NIfTI-2"):  # which ITK cannot read as images either
        first, second = sitk.ReadImage(str(image)), sitk.ReadImage(str(result))
        assert second.GetOrigin() == pytest.approx(first.GetOrigin())
        assert second.GetDirection() == pytest.approx(first.GetDirection())
        assert second.GetSpacing() == pytest.approx(first.GetSpacing())


@pytest.mark.parametrize("kind", IMAGES)
def test_a_result_is_its_own_reference_voxel_by_voxel(tmp_path: Path, kind: str) -> None:
    geometry = read_volume(write_nifti_image(tmp_path / "image.nii.gz", **IMAGES[kind])).geometry
    notices: list[str] = []
    for name in ("result.nii.gz", "result.seg.nrrd", "result.nrrd", "result.mha"):
        write_segmentation(tmp_path / name, [MASK], [Segment("disk")], geometry)
        np.testing.assert_array_equal(read_reference(tmp_path / name, geometry, notify=notices.append), MASK)
        np.testing.assert_array_equal(read_segmentation(tmp_path / name).masks[0], MASK)
    assert notices == []


@pytest.mark.parametrize("kind", IMAGES)
def test_a_label_that_nibabel_saved_is_compared_voxel_by_voxel(tmp_path: Path, kind: str) -> None:
    image = write_nifti_image(tmp_path / "image.nii.gz", **IMAGES[kind])
    label = tmp_path / "label.nii.gz"
    nib.save(nib.Nifti1Image(MASK.T.astype(np.uint8), nib.load(image).affine), label)
    notices: list[str] = []
    read = read_reference(label, read_volume(image).geometry, notify=notices.append)
    np.testing.assert_array_equal(read, MASK)
    assert all("mm away" in notice and "voxel by voxel" in notice for notice in notices)


def test_the_notice_says_how_far_apart_the_grids_are(tmp_path: Path) -> None:
    there = affine((24.8, 30.0, 105.0))
    image = write_nifti_image(tmp_path / "image.nii.gz", (there, 2), (HERE, 1))
    nib.save(nib.Nifti1Image(MASK.T.astype(np.uint8), there), tmp_path / "label.nii.gz")
    notices: list[str] = []
    read_reference(tmp_path / "label.nii.gz", read_volume(image).geometry, notify=notices.append)
    assert len(notices) == 1
    assert "6.93 mm" in notices[0]


@pytest.mark.parametrize("image_form", [True, False])
def test_a_file_without_a_place_lies_on_every_grid_of_its_size_and_spacing(tmp_path: Path, image_form: bool) -> None:
    placed, placeless = {"sform": (THERE, 1)}, {}
    image = write_nifti_image(tmp_path / "image.nii.gz", **(placed if image_form else placeless))
    label = write_nifti_image(
        tmp_path / "label.nii.gz", **(placeless if image_form else placed), array=MASK.T.astype(np.uint8)
    )
    np.testing.assert_array_equal(read_reference(label, read_volume(image).geometry), MASK)


def test_a_reference_that_was_made_elsewhere_is_still_resampled(tmp_path: Path) -> None:
    image = write_nifti_image(tmp_path / "image.nii.gz", (HERE, 1))
    label = write_nifti_image(
        tmp_path / "label.nii.gz", (affine((21.6, 30.0, 100.0)), 1), array=MASK.T.astype(np.uint8)
    )
    notices: list[str] = []
    read = read_reference(label, read_volume(image).geometry, notify=notices.append)
    assert "nearest neighbour" in notices[0]
    np.testing.assert_array_equal(read, np.roll(MASK, 2, axis=2))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_without_a_nifti_image_both_forms_state_the_grid(tmp_path: Path, suffix: str) -> None:
    turned = tuple(np.reshape([0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, -1], 9).tolist())
    geometry = Geometry(SIZE, (0.5, 0.6, 2.0), (10.0, -20.0, 30.0), turned)
    path = tmp_path / f"result{suffix}"
    write_segmentation(path, [MASK], [Segment("disk")], geometry)
    header = nib.load(path).header
    to_ras = np.diag([-1, -1, 1, 1]) @ geometry.ijk_to_lps()
    for matrix, code in (header.get_qform(coded=True), header.get_sform(coded=True)):
        assert code == 1
        np.testing.assert_allclose(matrix, to_ras, atol=1e-5)
    assert header.get_xyzt_units()[0] == "mm"
    assert Geometry.from_image(sitk.ReadImage(str(path))).same_grid(geometry)


def test_equal_results_are_equal_files(tmp_path: Path) -> None:
    geometry = Geometry(SIZE)
    for name in ("a.nii.gz", "b.nii.gz"):
        write_segmentation(tmp_path / name, [MASK], [Segment("disk")], geometry)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_pynrrd_sees_a_result_of_a_nifti_image_where_slicer_shows_the_image(tmp_path: Path) -> None:
    geometry = read_volume(write_nifti_image(tmp_path / "image.nii.gz", (THERE, 2), (HERE, 1))).geometry
    write_segmentation(tmp_path / "result.seg.nrrd", [MASK], [Segment("disk")], geometry)
    array, header = nrrd.read(str(tmp_path / "result.seg.nrrd"))
    np.testing.assert_array_equal(array.T, MASK)
    np.testing.assert_allclose(header["space origin"], geometry.origin)
    np.testing.assert_allclose(header["space directions"].T, geometry.ijk_to_lps()[:3, :3], atol=1e-6)


# --- what is no label map


def test_a_grey_image_of_few_values_is_no_reference(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 100, SIZE).astype(np.uint8)
    path = write_nifti_image(tmp_path / "grey.nii.gz", (HERE, 1), array=grey)
    with pytest.raises(SegmentationFileError, match="looks like an image"):
        read_reference(path, read_volume(path).geometry)
    assert read_reference(path, read_volume(path).geometry, [7]).any()


def test_an_atlas_of_many_labels_is_a_reference(tmp_path: Path) -> None:
    atlas = np.repeat(np.repeat(np.arange(120, dtype=np.uint8).reshape(1, 20, 6), 12, 0), 5, 1)
    path = write_nifti_image(tmp_path / "atlas.nii.gz", (HERE, 1), array=atlas.transpose(1, 2, 0))
    read_reference(path, read_volume(path).geometry)


def test_a_reference_that_marks_everything_is_told(tmp_path: Path) -> None:
    path = write_nifti_image(tmp_path / "label.nii.gz", (HERE, 1), array=np.full(SIZE, 3, np.uint8))
    notices: list[str] = []
    read_reference(path, read_volume(path).geometry, notify=notices.append)
    assert "marks every voxel" in notices[0]


def test_the_shared_case_of_two_forms_gives_exactly_its_mask(shared_data: Path) -> None:
    folder = shared_data.parent / "cases" / "nifti-qform-sform-differ"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    read = read_reference(folder / "label.nii.gz", read_volume(folder / "image.nii.gz").geometry)
    np.testing.assert_array_equal(read, np.asarray(nib.load(folder / "label.nii.gz").dataobj).T)
