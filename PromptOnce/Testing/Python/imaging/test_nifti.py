"""NIfTI, Analyze and FreeSurfer files: their variants, where they lie, and what is refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from imaging.nifti_files import SIZE, SPACING, affine, forms_of, voxels, write_nifti_image
from PromptOnceLib.errors import GeometryError, VolumeError
from PromptOnceLib.imaging.nifti_forms import farthest_corner, straightened
from PromptOnceLib.imaging.read import read_volume

HERE = affine()
THERE = affine((24.8, 30.0, 105.0))


def lps(matrix: np.ndarray) -> np.ndarray:
    return np.diag([-1, -1, 1, 1]) @ matrix


@pytest.mark.parametrize("q", [None, HERE, THERE])
@pytest.mark.parametrize("q_code", [0, 1, 2])
@pytest.mark.parametrize("s_code", [0, 1, 2, 4])
def test_an_image_lies_where_3d_slicer_shows_it_whatever_its_forms(tmp_path, q, q_code, s_code):
    path = write_nifti_image(tmp_path / "image.nii.gz", (HERE, s_code), (q, q_code))
    volume, seen = read_volume(path), sitk.ReadImage(str(path))
    assert volume.geometry.origin == pytest.approx(seen.GetOrigin())
    assert volume.geometry.direction == pytest.approx(seen.GetDirection())
    assert volume.geometry.spacing == pytest.approx(seen.GetSpacing())
    np.testing.assert_array_equal(volume.array, voxels().T)
    apart = q is THERE and q_code > 0 and s_code > 0
    assert [" two places" in notice for notice in volume.notices] == [True] * apart


def test_the_distance_of_two_forms_is_told_in_mm(tmp_path):
    path = write_nifti_image(tmp_path / "image.nii.gz", (THERE, 2), (HERE, 1))
    assert "up to 6.93 mm apart" in read_volume(path).notices[0]  # 4.8 mm and 5 mm


@pytest.mark.parametrize(("units", "scale"), [("micron", 1e-3), ("mm", 1.0), ("meter", 1e3), (None, 1.0)])
def test_units_of_length_are_turned_into_mm(tmp_path, units, scale):
    path = write_nifti_image(tmp_path / "image.nii.gz", (HERE, 2), units=units)
    assert read_volume(path).geometry.spacing == pytest.approx(np.array(SPACING) * scale)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize(("name", "stored"), [("image.nii", ".nii.gz"), ("image.nii.gz", ".nii"), ("image", ".nii.gz")])
def test_contents_count_whatever_the_name(tmp_path, kind, name, stored):
    stored_as = write_nifti_image(tmp_path / f"stored{stored}", (HERE, 2), kind=kind)
    path = stored_as.rename(tmp_path / name)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.array, voxels().T)
    np.testing.assert_allclose(volume.geometry.ijk_to_lps(), lps(HERE), atol=1e-5)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Nifti2Pair])
@pytest.mark.parametrize("named", ["image.hdr", "image.img"])
def test_a_pair_is_read_by_either_file_in_either_byte_order(tmp_path, order, kind, named):
    header = kind.header_class(endianness=order)
    header.set_data_dtype(np.int16)
    image = kind(voxels(), HERE, header)
    nib.save(image, tmp_path / "image.img")
    volume = read_volume(tmp_path / named)
    np.testing.assert_array_equal(volume.array, voxels().T)
    assert volume.array.dtype == np.dtype(np.int16)


def test_an_analyze_file_is_read(tmp_path):
    nib.save(nib.AnalyzeImage(voxels(), np.diag([*SPACING, 1])), tmp_path / "image.img")
    volume = read_volume(tmp_path / "image.hdr")
    np.testing.assert_array_equal(volume.array, voxels().T)
    assert volume.geometry.spacing == pytest.approx(SPACING)


@pytest.mark.parametrize("name", ["brain.mgz", "brain.mgh"])
def test_a_freesurfer_image_is_read_with_its_place(tmp_path, name):
    nib.save(nib.MGHImage(voxels(np.float32), affine(turn=0.3)), tmp_path / name)
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array, voxels().T)
    np.testing.assert_allclose(volume.geometry.ijk_to_lps(), lps(affine(turn=0.3)), atol=1e-4)


def test_scaled_values_are_scaled_and_become_floats(tmp_path):
    path = write_nifti_image(tmp_path / "image.nii", (HERE, 1))
    contents = bytearray(path.read_bytes())
    struct.pack_into("<2f", contents, 112, 2.5, -1024.0)
    path.write_bytes(contents)
    volume = read_volume(path)
    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(volume.array, voxels().T * 2.5 - 1024)
    np.testing.assert_allclose(volume.array, sitk.GetArrayFromImage(sitk.ReadImage(str(path))))


def test_colours_become_luminance(tmp_path):
    colours = np.zeros(SIZE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    colours["G"] = 200
    nib.save(nib.Nifti1Image(colours, HERE), tmp_path / "colour.nii.gz")
    volume = read_volume(tmp_path / "colour.nii.gz")
    assert np.unique(volume.array).tolist() == [117]
    assert volume.geometry.size == SIZE


def test_vectors_and_complex_numbers_are_refused(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((*SIZE, 1, 3), np.float32), HERE), tmp_path / "vectors.nii")
    with pytest.raises(VolumeError, match="3 values per voxel"):
        read_volume(tmp_path / "vectors.nii")
    nib.save(nib.Nifti1Image(np.zeros(SIZE, np.complex64), HERE), tmp_path / "complex.nii")
    with pytest.raises(VolumeError, match="complex"):
        read_volume(tmp_path / "complex.nii")


def test_a_slice_of_two_dimensions_keeps_its_place(tmp_path):
    nib.save(nib.Nifti1Image(voxels()[:, :, 0], HERE), tmp_path / "slice.nii.gz")
    volume = read_volume(tmp_path / "slice.nii.gz")
    assert volume.geometry.shape == (1, 10, 12)
    assert volume.geometry.origin == pytest.approx(lps(HERE)[:3, 3])


# --- shear


def test_a_small_shear_is_read_on_the_nearest_straight_grid_with_a_notice(tmp_path):
    sheared = affine(turn=0.4, shear=0.002)
    volume = read_volume(write_nifti_image(tmp_path / "image.nii.gz", (sheared, 2)))
    off = farthest_corner(volume.geometry.ijk_to_lps(), lps(sheared), SIZE)
    assert 0 < off < 0.02 * min(SPACING)
    assert "not quite perpendicular" in volume.notices[0]
    assert f"{off:.2g} mm" in volume.notices[0]


@pytest.mark.parametrize("shear", [0.05, 0.3])
def test_a_large_shear_is_refused_with_advice_that_helps(tmp_path, shear):
    path = write_nifti_image(tmp_path / "image.nii.gz", (affine(shear=shear), 2))
    with pytest.raises(GeometryError, match=r"not perpendicular.*nibabel"):
        read_volume(path)


def test_where_one_form_is_sheared_the_other_counts(tmp_path):
    path = write_nifti_image(tmp_path / "image.nii.gz", (affine(shear=0.3), 2), (HERE, 1))
    np.testing.assert_allclose(read_volume(path).geometry.ijk_to_lps(), lps(HERE), atol=1e-5)


@given(st.lists(st.floats(-0.003, 0.003), min_size=9, max_size=9), st.booleans())
def test_the_straight_grid_is_perpendicular_keeps_lengths_middle_and_handedness(noise, mirrored):
    matrix = lps(affine(turn=1.0)) @ np.diag([-1.0 if mirrored else 1.0, 1, 1, 1])
    matrix[:3, :3] += np.reshape(noise, (3, 3))
    straight = straightened(matrix, SIZE)
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    axes = straight[:3, :3] / lengths
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    assert np.sign(np.linalg.det(axes)) == np.sign(np.linalg.det(matrix[:3, :3]))
    middle = np.array([*((np.array(SIZE) - 1) / 2), 1])
    np.testing.assert_allclose(straight @ middle, matrix @ middle, atol=1e-9)


# --- damaged files


@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz", "image.img", "image.img.gz", "image.mgz", "image.mgh"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_file_that_was_cut_off_is_refused_as_incomplete(tmp_path, name, share):
    kind = nib.MGHImage if ".mg" in name else nib.Nifti1Pair if ".img" in name else nib.Nifti1Image
    noise = np.random.default_rng(0).integers(0, 30_000, (40, 30, 20)).astype(np.int16)
    nib.save(kind(noise, HERE), tmp_path / name)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    named = [name, name.replace("img", "hdr")]
    for each in dict.fromkeys(named):
        with pytest.raises(VolumeError, match="incomplete"):
            read_volume(tmp_path / each)


def test_a_header_that_promises_more_than_any_compression_holds_is_refused_at_once(tmp_path):
    header = nib.Nifti1Header()
    header.set_data_shape((30_000, 30_000, 30_000))
    header.set_data_dtype(np.float64)
    with gzip.open(tmp_path / "image.nii.gz", "wb") as file:
        file.write(header.binaryblock + bytes(10_000))
    with pytest.raises(VolumeError, match="incomplete"):
        read_volume(tmp_path / "image.nii.gz")


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("field", ["srow_x", "qoffset_x"])
def test_a_place_of_invalid_numbers_is_refused(tmp_path, value, field):
    path = write_nifti_image(tmp_path / "image.nii", (HERE, 2), (HERE, 1))
    contents = bytearray(path.read_bytes())
    struct.pack_into("<f", contents, {"srow_x": 280, "qoffset_x": 268}[field], value)
    path.write_bytes(contents)
    with pytest.raises(VolumeError, match="not a number"):
        read_volume(path)


def test_a_header_without_its_voxels_is_told(tmp_path):
    nib.save(nib.Nifti1Pair(voxels(), HERE), tmp_path / "image.img")
    (tmp_path / "image.img").unlink()
    with pytest.raises(VolumeError, match="beside it"):
        read_volume(tmp_path / "image.hdr")


# --- the cases that were found in hospitals


@pytest.mark.parametrize("case", ["nifti-microns", "nifti-qform-sform-differ", "nifti-tiny-shear", "nifti2"])
def test_the_shared_nifti_cases_are_read(shared_data: Path, case: str):
    folder = shared_data.parent / "cases" / case
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    volume = read_volume(folder / "image.nii.gz")
    np.testing.assert_array_equal(volume.array, np.asarray(nib.load(folder / "image.nii.gz").dataobj).T)
    assert volume.geometry.nifti is not None
    assert volume.geometry.nifti.sform_code == int(forms_of(folder / "image.nii.gz")["sform_code"][0])


def test_the_shared_analyze_file_is_refused_as_incomplete(shared_data: Path):
    path = shared_data.parent / "cases" / "analyze-cut-off" / "image.img"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    with pytest.raises(VolumeError, match="incomplete"):
        read_volume(path)
