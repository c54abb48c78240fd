"""References: how they are named, and how their labels come onto the image's grid."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import slicerio
from hypothesis import given
from hypothesis import strategies as st
from imaging.dicom_files import write_dicom
from imaging.test_volume import AXIS_DIRECTIONS
from PIL import Image

from PromptOnceLib.errors import GeometryError, SegmentationFileError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.evaluation import evaluate_files
from PromptOnceLib.segmentation.io import Segment, read_segmentation, write_segmentation
from PromptOnceLib.segmentation.reference import parse_reference, read_reference

GRID = Geometry((6, 5, 4), (1.0, 1.5, 3.0), (10.0, 20.0, 30.0))
SLICERIO_DATA = Path(slicerio.__file__).parent / "data"


def labels(dtype=np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, GRID.shape).astype(dtype)


def write(path: Path, array: np.ndarray, geometry: Geometry = GRID) -> Path:
    sitk.WriteImage(geometry.to_image(array), str(path))
    return path


# --- names


@pytest.mark.parametrize(
    ("text", "file", "wanted"),
    [
        ("lungs.nii.gz", "lungs.nii.gz", None),
        ("lungs.nii.gz:1", "lungs.nii.gz", (1,)),
        ("a/b.nii.gz:1,2, 7", "a/b.nii.gz", (1, 2, 7)),
        ("a.seg.nrrd:right lung,3", "a.seg.nrrd", ("right lung", 3)),
        ("C:\\x.nii.gz", "C:\\x.nii.gz", None),
        ("C:\\x.nii.gz:1", "C:\\x.nii.gz", (1,)),
        ("c:/scans/x.nii.gz:1,2", "c:/scans/x.nii.gz", (1, 2)),
        ("a:b/c.nii.gz", "a:b/c.nii.gz", None),
    ],
)
def test_a_reference_is_a_file_with_optional_labels(text, file, wanted):
    assert parse_reference(text) == (Path(file), wanted)


@pytest.mark.parametrize("text", ["lungs.nii.gz:", "lungs.nii.gz:1,,2", ":1"])
def test_a_reference_without_file_or_label_is_refused(text):
    with pytest.raises(SegmentationFileError, match="FILE:LABEL"):
        parse_reference(text)


def test_a_file_whose_name_has_a_colon_is_found(tmp_path):
    path = tmp_path / "lungs:1"
    path.touch()
    assert parse_reference(str(path)) == (path, None)


# --- label maps


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_labels_on_the_same_grid_are_taken_as_they_are(tmp_path, dtype, suffix):
    notices = []
    array = read_reference(write(tmp_path / f"labels{suffix}", labels(dtype)), GRID, notify=notices.append)
    np.testing.assert_array_equal(array, labels())
    assert array.dtype == np.uint8
    assert notices == []


def test_large_labels_need_16_bits(tmp_path):
    array = labels(np.uint16) * 300
    read = read_reference(write(tmp_path / "labels.nrrd", array), GRID)
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, array)


def test_only_the_wanted_labels_are_kept(tmp_path):
    read = read_reference(write(tmp_path / "labels.nrrd", labels()), GRID, [1, 3])
    np.testing.assert_array_equal(read, np.where(labels() == 2, 0, labels()))


def test_a_label_that_is_not_there_is_named_with_those_that_are(tmp_path):
    path = write(tmp_path / "labels.nrrd", labels())
    with pytest.raises(SegmentationFileError, match=r"no label 9, spleen\. It holds: 1, 2, 3"):
        read_reference(path, GRID, [1, 9, "spleen"])


@given(st.sampled_from(AXIS_DIRECTIONS), st.sampled_from(AXIS_DIRECTIONS))
def test_labels_stored_in_another_axis_order_come_out_in_the_images(own, target):
    rng = np.random.default_rng(1)
    image = Geometry((4, 5, 6), (1.0, 2.0, 3.0), (5.0, 6.0, 7.0), target)
    array = rng.integers(0, 3, image.shape).astype(np.uint8)
    # The same voxels seen with the axes of `own`.
    turn = np.rint(np.reshape(target, (3, 3)).T @ np.reshape(own, (3, 3))).astype(int)
    order, signs = np.abs(turn).argmax(axis=0), turn.sum(axis=0)
    turned = np.flip(array.transpose(2, 1, 0).transpose(order), [axis for axis in range(3) if signs[axis] < 0])
    first = np.where(np.isin(np.arange(3), order[signs < 0]), np.array(image.size) - 1, 0)
    origin = (image.ijk_to_lps() @ [*first, 1])[:3]
    spacing = tuple(np.array(image.spacing)[order])
    geometry = Geometry(turned.shape, spacing, tuple(origin), own)
    notices = []
    with TemporaryDirectory() as folder:
        path = write(Path(folder) / "labels.nrrd", np.ascontiguousarray(turned.transpose(2, 1, 0)), geometry)
        read = read_reference(path, image, notify=notices.append)
    np.testing.assert_array_equal(read, array)
    assert all("another order" in notice for notice in notices)
    assert bool(notices) == (own != target)


def test_a_finer_grid_is_resampled_with_a_notice_and_without_new_labels(tmp_path):
    fine = np.repeat(np.repeat(np.repeat(labels(), 3, 0), 3, 1), 3, 2)
    spacing = tuple(value / 3 for value in GRID.spacing)
    origin = tuple(start - value / 3 for start, value in zip(GRID.origin, GRID.spacing, strict=True))
    path = write(tmp_path / "fine.nrrd", fine, Geometry((18, 15, 12), spacing, origin))
    notices = []
    np.testing.assert_array_equal(read_reference(path, GRID, notify=notices.append), labels())
    assert "nearest neighbour" in notices[0]


def test_a_reference_in_another_place_is_refused(tmp_path):
    elsewhere = Geometry(GRID.size, GRID.spacing, (500.0, 20.0, 30.0))
    with pytest.raises(GeometryError, match="outside the image"):
        read_reference(write(tmp_path / "labels.nrrd", labels(), elsewhere), GRID)


@pytest.mark.parametrize("value", [-1, 0.5, 70_000, np.nan])
def test_an_image_is_not_taken_for_a_label_map(tmp_path, value):
    array = labels(np.float32)
    array[0, 0, 0] = value
    with pytest.raises(SegmentationFileError, match="not a label map"):
        read_reference(write(tmp_path / "image.nrrd", array), GRID)


def test_a_chosen_label_of_a_large_atlas_is_evaluated(tmp_path):
    grid = Geometry((8, 8, 4), (1.0, 1.5, 3.0), (10.0, 20.0, 30.0))
    path = write(tmp_path / "atlas.nii.gz", np.arange(256, dtype=np.uint16).reshape(grid.shape), grid)
    (found,) = evaluate_files(f"{path}:5", f"{path}:5=nucleus")
    assert (found.figures.name, found.figures.dice) == ("nucleus", 1.0)


@pytest.mark.parametrize("origin", [GRID.origin, (11.0, 20.0, 30.0)])
def test_an_empty_segmentation_gives_zeros(tmp_path, origin):
    geometry = Geometry(GRID.size, GRID.spacing, origin)
    array = read_reference(write(tmp_path / "labels.nrrd", np.zeros(GRID.shape, np.uint8), geometry), GRID)
    assert array.shape == GRID.shape
    assert not array.any()


def test_references_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "text.nii.gz").write_text("text")
    (tmp_path / "text.seg.nrrd").write_text("text")
    for name in ("nowhere.nii.gz", "text.nii.gz", "text.seg.nrrd", "nowhere.seg.nrrd"):
        with pytest.raises(SegmentationFileError):
            read_reference(tmp_path / name, GRID)


def test_folders_dicom_and_jpeg_are_refused_as_references(tmp_path):
    Image.new("L", (6, 5)).save(tmp_path / "mask.jpg")
    write_dicom(tmp_path / "seg.dcm", np.zeros((4, 5, 6), np.uint8), t0008_0060="SEG")
    write_dicom(tmp_path / "image.dcm", np.zeros((4, 5, 6), np.uint8))
    for path in (tmp_path, tmp_path / "mask.jpg", tmp_path / "image.dcm"):
        with pytest.raises(SegmentationFileError, match="cannot be a reference"):
            read_reference(path, GRID)
    with pytest.raises(SegmentationFileError, match="cannot be read as a segmentation"):
        read_reference(tmp_path / "seg.dcm", GRID)  # calls itself one, and describes no segment


# --- X-ray masks


def test_a_png_mask_fits_an_x_ray_of_its_size_whatever_its_pixel_size(tmp_path):
    Image.fromarray(labels()[0]).save(tmp_path / "mask.png")
    xray = Geometry((6, 5, 1), (0.14, 0.14, 1.0))
    np.testing.assert_array_equal(read_reference(tmp_path / "mask.png", xray), labels()[:1])
    with pytest.raises(GeometryError, match="mask of this image"):
        read_reference(tmp_path / "mask.png", Geometry((7, 5, 1)))


def test_a_mask_in_colours_is_refused_but_not_one_with_equal_channels(tmp_path):
    xray = Geometry((6, 5, 1))
    grey = Image.fromarray(labels()[0])
    grey.convert("RGB").save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_reference(tmp_path / "grey.png", xray), labels()[:1])
    Image.new("RGB", (6, 5), (255, 0, 0)).save(tmp_path / "red.png")
    with pytest.raises(SegmentationFileError, match="as colours"):
        read_reference(tmp_path / "red.png", xray)


# --- .seg.nrrd


@pytest.fixture(scope="module")
def chest() -> Geometry:
    return read_volume(SLICERIO_DATA / "CTChest4.nrrd").geometry


def test_segments_of_slicer_lie_on_the_grid_of_its_image(chest):
    array = read_reference(SLICERIO_DATA / "Segmentation.seg.nrrd", chest)
    whole = sitk.GetArrayFromImage(sitk.ReadImage(str(SLICERIO_DATA / "Segmentation.seg.nrrd")))
    np.testing.assert_array_equal(array, whole)


@pytest.mark.parametrize("wanted", [["right lung"], ["Right Lung"], [5]])
def test_a_segment_is_chosen_by_name_or_number(chest, wanted):
    array = read_reference(SLICERIO_DATA / "Segmentation.seg.nrrd", chest, wanted)
    assert np.unique(array).tolist() == [0, 5]
    assert (array == 5).sum() == 34450


def test_labels_that_were_saved_as_scaled_numbers_are_whole_again(tmp_path):
    array = labels()
    image = nib.Nifti1Image(array.T.astype(float), np.diag([-1.0, -1.5, 3.0, 1.0]))
    image.set_data_dtype(np.int16)
    nib.save(image, tmp_path / "scaled.nii.gz")
    saved = nib.load(tmp_path / "scaled.nii.gz").get_fdata()
    assert not np.array_equal(saved, saved.round())
    geometry = read_volume(tmp_path / "scaled.nii.gz").geometry
    np.testing.assert_array_equal(read_reference(tmp_path / "scaled.nii.gz", geometry, [2]) != 0, array == 2)


def test_overlapping_segments_are_numbered_and_each_is_whole_when_chosen(chest):
    path = SLICERIO_DATA / "SegmentationOverlapping.seg.nrrd"
    together = read_reference(path, chest)
    lung = read_reference(path, chest, ["left lung"])
    sphere = read_reference(path, chest, ["overlapping sphere"])
    assert np.unique(sphere).tolist() == [0, 8]
    assert ((lung > 0) & (sphere > 0)).any()
    assert (together[sphere > 0] == 8).all()
    assert (lung > 0).sum() > (together == 6).sum()


def test_an_unknown_segment_is_told_with_the_known_ones(chest):
    with pytest.raises(SegmentationFileError, match=r"no segment heart.*5 \(right lung\)"):
        read_reference(SLICERIO_DATA / "Segmentation.seg.nrrd", chest, ["heart"])


def test_an_nrrd_without_segments_is_refused_as_a_segmentation(tmp_path):
    path = write(tmp_path / "plain.seg.nrrd", labels())
    for read in (read_segmentation, lambda path: read_reference(path, GRID)):  # the former to write into it, too
        with pytest.raises(SegmentationFileError, match=r"no segments.*call it \.nrrd"):
            read(path)


def test_a_segment_with_an_accent_in_its_name_is_found(tmp_path):
    path = tmp_path / "liver.seg.nrrd"
    masks = [(labels() == 1).astype(np.uint8), (labels() == 2).astype(np.uint8)]
    write_segmentation(path, masks, [Segment("Leber"), Segment("Gefäß")], GRID)
    np.testing.assert_array_equal(read_reference(path, GRID, ["gefäß"]), 2 * masks[1])


def test_an_empty_reference_is_said_to_be_empty(tmp_path):
    said: list[str] = []
    path = write(tmp_path / "r.nii.gz", np.zeros(GRID.shape, np.uint8))
    assert not read_reference(path, GRID, notify=said.append).any()
    assert said == ["r.nii.gz is empty: nothing in it can be compared with, or prompt."]
