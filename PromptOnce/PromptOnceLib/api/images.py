"""Images and segmentations as a script gives them: paths, arrays, images of SimpleITK and nibabel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.case import Reference
from PromptOnceLib.errors import GeometryError, InputError, VolumeError
from PromptOnceLib.imaging.dicom.tags import OnProgress
from PromptOnceLib.imaging.in_memory import volume_in_memory
from PromptOnceLib.imaging.phantom import chest_phantom
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.segmentation.object_labels import named_objects
from PromptOnceLib.segmentation.reference import as_labels, parse_reference, read_reference

Image = Any
"""A path, a Volume, an image of SimpleITK or nibabel, or an array (slice, row, column) or (row, column)."""

Labels3D = Any
"""A segmentation: "FILE" or "FILE:LABEL,LABEL", an array on the image's grid (k, j, i), or an image of SimpleITK or
nibabel on that grid; what is not 0 counts. Where objects are compared or prompted, a file may name them, as a .seg.nrrd
does, or FILE:LABEL=NAME.
"""


def read(path: str | Path, volume: int | str | None = None, on_progress: OnProgress | None = None) -> Volume:
    """Read an image from a file or folder.

    Parameters
    ----------
    path : str or Path
        NIfTI, Analyze, FreeSurfer, NRRD, MetaImage, a DICOM series (its folder, one of its files, a ZIP archive), an
        X-ray as DICOM, PNG, JPEG or TIFF.
    volume : int or str, optional
        Which of several in a DICOM folder or file (phases, echoes, ...), by its number from 1 or its name.
    on_progress : callable, optional
        Called with the files of a DICOM folder, or the frames of a file, that are looked at, and how many there are;
        what it raises ends the reading.

    Returns
    -------
    Volume
        ``array`` in the order slice, row, column (k, j, i), CT in HU; ``geometry`` with spacing in mm and the place
        in space; ``notices``, sentences about what was done while reading.

    Raises
    ------
    VolumeError
        Where the image cannot be read; its child ``SeveralVolumesError`` lists several volumes of which none is named.
    """
    return read_volume(Path(path), None if volume is None else str(volume), on_progress)


def volume(image: Image, spacing: Sequence[float] | None = None, modality: str = "") -> Volume:
    """Make a volume of an image that is in memory already.

    Parameters
    ----------
    image : array, SimpleITK.Image or nibabel image
        An array has the axes slice, row, column, or row, column for a picture.
    spacing : sequence of float, optional
        Of an array: mm between slices, rows and columns, in the order of its axes. Images have their own.
    modality : str, optional
        DICOM's code, such as "CT" or "MR". The automatic window uses it.

    Returns
    -------
    Volume
        ``array`` (k, j, i). Arrays lie in space with their first voxel at the origin and axes along left, posterior
        and superior.

    Raises
    ------
    VolumeError, GeometryError
        For what is no image, or lies nowhere in space; for a spacing or a modality beside one of the image's own.

    Examples
    --------
    >>> import numpy as np
    >>> import PromptOnceLib as po
    >>> po.volume(np.zeros((5, 64, 48)), spacing=(3.0, 0.8, 0.8)).geometry.spacing  # along i, j, k
    (0.8, 0.8, 3.0)
    """
    if not isinstance(image, Volume):
        return volume_in_memory(image, spacing, modality)
    if spacing is not None or modality:
        raise VolumeError("The volume has a spacing and a modality of its own: leave them out.")
    return image


def phantom(number: int = 0, slices: int = 40) -> tuple[Volume, NDArray[np.uint8]]:
    """Draw a schematic CT of chest and upper abdomen; it belongs to nobody and needs no download.

    Parameters
    ----------
    number : int, optional
        Other numbers give other patients; the same number gives the same voxels.
    slices : int, optional
        How many lie on the 100 mm of the trunk.

    Returns
    -------
    volume : Volume
        HU, (slices, 256, 256) voxels of 1.4 mm in the plane.
    organs : numpy.ndarray
        uint8 on the same grid: 1 right lung, 2 left lung, 3 heart, 4 liver, 5 spleen, 6 aorta.

    Examples
    --------
    >>> import PromptOnceLib as po
    >>> volume, organs = po.phantom(slices=4)
    >>> volume.array.shape, int(organs.max())
    ((4, 256, 256), 6)
    """
    return chest_phantom(number, (slices, 256, 256))


def any_volume(image: Image, spacing: Sequence[float] | None = None) -> Volume:
    """A volume of whatever a verb takes for an image. Raises VolumeError and its children."""
    if not isinstance(image, str | Path):
        return volume(image, spacing)
    if spacing is not None:
        raise InputError("The file states the spacing itself: leave the spacing out.")
    return read(image)


def reference_on(reference: Labels3D, grid: Volume, notify: Callable[[str], None]) -> Reference:
    """What results are compared with: the objects of a file that names them; otherwise, and for errors, labels_on."""
    if isinstance(reference, str | Path):
        return named_objects(str(reference), grid.geometry, notify)
    return labels_on(reference, grid, notify)


def labels_on(reference: Labels3D, grid: Volume, notify: Callable[[str], None]) -> Array:
    """Labels (k, j, i) on the grid of an image; notify takes notices of the reading.

    Raises SegmentationFileError, and GeometryError for what does not lie on the grid.
    """
    if isinstance(reference, str | Path):
        path, chosen = parse_reference(str(reference))
        return read_reference(path, grid.geometry, chosen, notify)
    if isinstance(reference, np.ndarray):
        array, fits = reference, reference.shape == grid.array.shape
    else:
        found = volume_in_memory(reference)
        array, fits = found.array, found.geometry.same_grid(grid.geometry)
    if not fits and array.shape == grid.array.shape:
        raise GeometryError(
            "The labels do not lie on the grid of the image: they have its size, but state another place, spacing or "
            "direction. Copy these from the image, or give the labels as an array, which is taken voxel by voxel."
        )
    if not fits:
        raise GeometryError(
            f"The labels {array.shape} do not lie on the grid of the image {grid.array.shape} (slices, rows, columns)."
        )
    return array if array.dtype == bool else as_labels(array, "The segmentation")
