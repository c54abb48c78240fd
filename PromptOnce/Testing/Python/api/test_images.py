"""The images that a script may give: the same voxels lie in the same place, whatever holds them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

import PromptOnceLib as po
from PromptOnceLib.api.images import any_volume, labels_on
from PromptOnceLib.errors import GeometryError, InputError, SegmentationFileError, VolumeError

ARRAY = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
TURNED = (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def sitk_image() -> sitk.Image:
    image = sitk.GetImageFromArray(ARRAY)
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((10.0, -20.0, 30.0))
    image.SetDirection(TURNED)
    return image


def test_an_image_of_simpleitk_lies_where_its_file_does(tmp_path: Path) -> None:
    sitk.WriteImage(sitk_image(), str(tmp_path / "image.nrrd"))
    read, held = po.read(tmp_path / "image.nrrd"), po.volume(sitk_image(), modality="mr")
    assert np.array_equal(held.array, read.array)
    assert held.geometry == read.geometry
    assert held.modality == "MR"


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image, nib.Nifti1Pair, nib.MGHImage])
def test_an_image_of_nibabel_lies_where_its_file_does(kind: type, tmp_path: Path) -> None:
    sitk.WriteImage(sitk_image(), str(tmp_path / "image.nii.gz"))
    written = nib.load(tmp_path / "image.nii.gz")
    held = po.volume(kind(np.asarray(written.dataobj), written.affine))
    read = po.read(tmp_path / "image.nii.gz")
    assert np.array_equal(held.array, read.array)
    assert held.geometry.same_grid(read.geometry, 1e-4)


def test_an_array_has_the_spacing_of_its_axes() -> None:
    volume = po.volume(ARRAY, spacing=(3.0, 0.9, 0.8))
    assert volume.geometry.spacing == (0.8, 0.9, 3.0)
    assert volume.notices == ()
    assert "1 mm is assumed" in po.volume(ARRAY).notices[0]
    picture = po.volume(ARRAY[0] > 3, spacing=(0.2, 0.1))
    assert picture.array.shape == (1, 5, 6)
    assert picture.geometry.spacing == (0.1, 0.2, 1.0)


def test_pictures_of_simpleitk_are_one_slice_and_colours_become_grey() -> None:
    assert po.volume(sitk.GetImageFromArray(ARRAY[0])).array.shape == (1, 5, 6)
    colour = sitk.GetImageFromArray(np.full((5, 6, 3), (40, 50, 60), np.uint8), isVector=True)
    volume = po.volume(colour)
    assert np.unique(volume.array).tolist() == [48]
    assert "grey" in volume.notices[0]


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    sitk.WriteImage(sitk_image(), str(tmp_path / "image.nrrd"))
    for image, spacing, sentence in [
        (np.zeros((2, 2, 2, 2)), None, "4 dimensions"),
        (np.zeros((2, 2, 2)), (1.0, 1.0), "2 numbers"),
        (np.array([["a", "b"]]), None, "not plain numbers"),
        (sitk.GetImageFromArray(np.zeros((2, 2, 2, 2)), isVector=True), None, "2 values"),
        (sitk_image(), (1.0, 1.0, 1.0), "spacing of its own"),
        (po.volume(sitk_image()), (1.0, 1.0, 1.0), "spacing and a modality of its own"),
    ]:
        with pytest.raises(VolumeError, match=sentence):
            any_volume(image, spacing)
    with pytest.raises(InputError, match="states the spacing itself"):
        any_volume(tmp_path / "image.nrrd", (1.0, 1.0, 1.0))
    with pytest.raises(GeometryError):
        any_volume(np.zeros((2, 2, 2)), (0.0, 1.0, 1.0))


def test_labels_are_taken_where_they_lie_on_the_grid(tmp_path: Path) -> None:
    volume, notices = po.volume(sitk_image()), list[str]()
    sitk.WriteImage(sitk_image() > 5, str(tmp_path / "labels.nrrd"))
    for labels in (str(tmp_path / "labels.nrrd"), ARRAY > 5, sitk_image() > 5):
        assert np.array_equal(labels_on(labels, volume, notices.append) != 0, ARRAY > 5)
    moved = sitk_image() > 5
    moved.SetOrigin((0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="do not lie on the grid of the image: they have its size, but"):
        labels_on(moved, volume, notices.append)
    for wrong in (np.where(ARRAY > 5, 1.0, np.nan), np.where(ARRAY > 5, 1, -1), np.where(ARRAY > 5, 0.9, 0.1)):
        with pytest.raises(SegmentationFileError, match="not a label map"):
            labels_on(wrong, volume, notices.append)
