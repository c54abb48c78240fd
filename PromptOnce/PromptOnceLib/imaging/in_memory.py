"""Images that a script holds in memory, as volumes: SimpleITK's, nibabel's, NumPy's."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from PromptOnceLib.errors import VolumeError
from PromptOnceLib.imaging.image_file import grey_from_colour
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Array, Geometry, Volume

_COLOURS = (3, 4)


def volume_in_memory(image: Any, spacing: Sequence[float] | None = None, modality: str = "") -> Volume:
    """A volume of an image of SimpleITK or nibabel, or of an array.

    image: a SimpleITK image of two or three dimensions; an image of nibabel, whose voxels (i, j, k) become (k, j, i);
    or whatever NumPy takes for an array (slice, row, column) or (row, column). spacing: mm between slices, rows and
    columns, in the order of the array's axes, for arrays alone; 1 mm, with a notice, where it is not given. modality:
    DICOM's code, such as "CT" or "MR", which the automatic window looks at.

    Raises VolumeError for what is no image, GeometryError for a place in space that cannot be used.
    """
    if spacing is not None and (isinstance(image, sitk.Image) or _of_nibabel(image)):
        raise VolumeError("The image has a spacing of its own: leave the spacing out.")
    if isinstance(image, sitk.Image):
        volume = _from_sitk(image)
    elif _of_nibabel(image):
        volume = _from_nibabel(image)
    else:
        volume = _from_array(image, spacing)
    return replace(volume, modality=modality.upper())


def _of_nibabel(image: Any) -> bool:
    return all(hasattr(image, name) for name in ("dataobj", "affine", "header", "to_filename"))


def _from_sitk(image: sitk.Image) -> Volume:
    if image.GetDimension() not in (2, 3):
        raise VolumeError(f"The image has {image.GetDimension()} dimensions. Only images of two or three can be used.")
    channels = image.GetNumberOfComponentsPerPixel()
    if channels > 1 and channels not in _COLOURS:
        raise VolumeError(f"The image has {channels} values in each voxel. Choose one of them first.")
    whole = sitk.JoinSeries(image) if image.GetDimension() == 2 else image
    array: Array = sitk.GetArrayFromImage(whole)
    notices: tuple[str, ...] = ()
    if channels > 1:
        array, notices = grey_from_colour(array)
    return Volume(array, Geometry.from_image(whole), notices=notices)


def _from_nibabel(image: Any) -> Volume:
    """By way of a file, so that an image lies where the same image lies when it is read from its file."""
    ending = dict(image.files_types)["image"]
    with tempfile.TemporaryDirectory(prefix="promptonce-") as folder:
        path = Path(folder, f"image{ending}")
        image.to_filename(str(path))
        return read_volume(path)


def _from_array(image: Any, spacing: Sequence[float] | None) -> Volume:
    array = np.asarray(image)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if array.ndim not in (2, 3):
        raise VolumeError(
            f"The array has {array.ndim} dimensions. Give slices, rows and columns, or rows and columns of a picture."
        )
    notices: tuple[str, ...] = ()
    if spacing is None:
        spacing = (1.0,) * array.ndim
        notices = ("The array has no spacing: 1 mm is assumed, so distances are in voxels.",)
    if len(spacing) != array.ndim:
        raise VolumeError(f"The spacing has {len(spacing)} numbers, the array {array.ndim} axes: give one for each.")
    if array.ndim == 2:
        array, spacing = array[np.newaxis], (1.0, *spacing)
    k, j, i = (float(number) for number in spacing)
    return Volume(array, Geometry(array.shape[::-1], (i, j, k)), notices=notices)
