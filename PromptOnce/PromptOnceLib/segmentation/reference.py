"""Reads a reference segmentation onto the grid of the image it belongs to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError, SegmentationFileError, VolumeError
from PromptOnceLib.imaging.dicom.tags import is_dicom
from PromptOnceLib.imaging.image_file import PICTURE_SUFFIXES, check_readable, read_image_file
from PromptOnceLib.imaging.label_likeness import looks_grey
from PromptOnceLib.imaging.nifti_forms import Matrix, farthest_corner
from PromptOnceLib.imaging.screening.screen import screen_file
from PromptOnceLib.imaging.volume import Array, Geometry
from PromptOnceLib.segmentation.formats.dicom_seg import is_dicom_seg
from PromptOnceLib.segmentation.io import DICOM_SUFFIX, SegmentationFile, keeps_names, read_segmentation

_LONGEST_LABEL = 9  # digits
_SAME_PLACE = 0.05  # voxels; what is nearer comes from rounding
_SAME_SPACING = 1e-3
_ROUNDED = 0.02  # half a step of eight bits over five labels
Labels = NDArray[np.uint8] | NDArray[np.uint16]


def parse_reference(text: str) -> tuple[Path, tuple[int | str, ...] | None]:
    """Path and labels of "FILE" or "FILE[:LABEL,...]"; labels are numbers or, for .seg.nrrd, segment names.

    The colon of a Windows drive belongs to the path, as does everything where a file of that very name exists.
    Raises SegmentationFileError where a file name or a label is missing.
    """
    file, colon, tail = text.rpartition(":")
    drive = re.fullmatch("[A-Za-z]", file) and re.match(r"[\\/]", tail)
    if not colon or drive or _exists(text) or re.search(r"[\\/]", tail):
        return Path(text), None
    labels = [label.strip() for label in tail.split(",")]
    if not file or not all(labels):
        raise SegmentationFileError(f'"{text}" is not a reference. Write FILE or FILE:LABEL,LABEL.')
    if any(label.isdecimal() and len(label) > _LONGEST_LABEL for label in labels):
        raise SegmentationFileError(f'"{text[:80]}..." names a label of too many digits.')
    return Path(file), tuple(int(label) if label.isdecimal() else label for label in labels)


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a name, as a long list of labels is
        return False


def read_reference(
    path: str | os.PathLike[str],
    geometry: Geometry,
    labels: Sequence[int | str] | None = None,
    notify: Callable[[str], None] = lambda notice: None,
) -> Labels:
    """Labels (KJI, uint8 or uint16) of a segmentation on the grid of an image; only `labels` are kept, others are 0.

    A label map, a .seg.nrrd, or for X-rays a PNG or TIFF mask. On another grid of the same space the labels are taken
    by nearest neighbour, and `notify` gets a sentence that says so. Where the same voxels are only said to lie
    elsewhere, because a NIfTI header can state two places or none, they are taken one by one, with a notice too. A
    picture has no place in space: it must have the image's size. An empty segmentation gives zeros. The labels of a
    .seg.nrrd are the numbers of its segments in their order, from 1; where chosen segments overlap the later one wins.
    Raises SegmentationFileError for files that are no segmentation or lack a wanted label, GeometryError where the
    labels do not lie in the image.
    """
    path = Path(path)
    array, own_geometry = _read_labels(path, labels)
    return on_image_grid(array, own_geometry, path, geometry, notify)


def grid_of(path: Path, labels: Sequence[int | str] | None = None) -> Geometry:
    """The grid of a segmentation's own voxels. labels, errors: as of read_reference."""
    return _read_labels(path, labels)[1]


def on_image_grid(
    array: Labels, own_geometry: Geometry, path: Path, geometry: Geometry, notify: Callable[[str], None]
) -> Labels:
    """Labels of a file, on its own grid, on that of an image; notices and errors as of read_reference."""
    if not array.any():
        notify(f"{path.name} is empty: nothing in it can be compared with, or prompt.")
    if array.size > 1 and array.all():
        notify(f"{path.name} marks every voxel as object: look whether it is the right file.")
    if geometry.same_grid(own_geometry):
        return array
    if path.suffix.lower() in PICTURE_SUFFIXES:
        if array.shape != geometry.shape:
            raise GeometryError(
                f"{path.name} has {array.shape[1:]} rows and columns, the image has {geometry.shape}. Choose the mask "
                "of this image."
            )
        return array
    apart = _apart_in_form_alone(own_geometry, geometry)
    if apart is not None:
        if apart > _SAME_PLACE * min(geometry.spacing):
            notify(
                f"{path.name} has the voxels of the image but states another place, up to {apart:.3g} mm away (NIfTI "
                "files can state two places, or none): its labels were taken over voxel by voxel."
            )
        return array
    resampled = _resample(array, own_geometry, geometry)
    if array.any() and not resampled.any():
        raise GeometryError(
            f"The labels of {path.name} lie outside the image. Choose the reference that was made on this image."
        )
    if path.suffix.lower() != DICOM_SUFFIX or not _shares_voxels(own_geometry, geometry):
        notify(f"{path.name} {_difference(own_geometry, geometry)}")
    return resampled


def _read_labels(path: Path, labels: Sequence[int | str] | None) -> tuple[Labels, Geometry]:
    try:
        check_readable(path)
        if keeps_names(path) and not _is_dicom_image(path):
            return _read_segments(path, labels)
        if path.is_file():
            screen_file(path)
        if path.is_dir() or path.suffix.lower() in (".jpg", ".jpeg") or is_dicom(path):
            raise SegmentationFileError(
                f"{path.name} cannot be a reference: use a label map (NIfTI, NRRD, MHA, PNG) or a .seg.nrrd. 3D Slicer "
                "can save DICOM segmentations as such."
            )
        image = read_image_file(path)
    except VolumeError as error:
        raise SegmentationFileError(f"The reference cannot be used. {error.message}", error.detail) from error
    if image.coloured:
        raise SegmentationFileError(
            f"{path.name} shows its labels as colours. Save it with the label numbers as grey values, for example from "
            "3D Slicer."
        )
    return _keep(as_labels(image.array, path.name), labels, path), image.geometry


def _is_dicom_image(path: Path) -> bool:
    return path.suffix.lower() == DICOM_SUFFIX and is_dicom(path) and not is_dicom_seg(path)


def _read_segments(path: Path, wanted: Sequence[int | str] | None) -> tuple[Labels, Geometry]:
    """Labels of the wanted segments of a .seg.nrrd, given by number (from 1) or by name in any case."""
    file = read_segmentation(path)
    if not file.segments:
        raise SegmentationFileError(f"{path.name} holds no segments. Choose another reference.")
    everything = range(1, len(file.segments) + 1)
    return joined_segments(file, everything if wanted is None else wanted, path)[0], file.geometry


def joined_segments(file: SegmentationFile, wanted: Iterable[int | str], path: Path) -> tuple[Labels, bool]:
    """Segments, given by number (from 1) or name, as labels (KJI), their numbers; and whether some overlap: the later
    one wins there.
    """
    array: Labels = np.zeros(file.geometry.shape, np.uint8 if len(file.segments) <= 255 else np.uint16)
    overlap = False
    for index in sorted({place_of_segment(file, want, path) for want in wanted}):
        mask = file.masks[index] > 0
        overlap = overlap or bool(array[mask].any())
        array[mask] = index + 1
    return array, overlap


def place_of_segment(file: SegmentationFile, want: int | str, path: Path) -> int:
    """Index of a segment given by number (from 1) or by name in any case. Raises SegmentationFileError without one."""
    names = [segment.name for segment in file.segments]
    if isinstance(want, int) and 1 <= want <= len(names):
        return want - 1
    if str(want) in names:
        return names.index(str(want))
    for place, name in enumerate(names):
        if name.casefold() == str(want).casefold():
            return place
    known = ", ".join(f"{number} ({segment.name})" for number, segment in enumerate(file.segments, start=1))
    raise SegmentationFileError(f"{path.name} has no segment {want}. It holds: {known}.")


def as_labels(array: Array, name: str) -> Labels:
    """Whole numbers from 0 to 65535 as labels. Raises SegmentationFileError for other values.

    Programs that save labels as scaled numbers, as nibabel does with floats in a file of integers, leave them a little
    beside: what is nearer than _ROUNDED is meant to be whole.
    """
    if array.dtype.kind == "f":
        whole = np.rint(array)
        near = np.abs(array - whole).max(initial=0) <= _ROUNDED and np.array_equal(whole != 0, array != 0)
        array = whole if near else array
    lowest, highest = array.min(), array.max()
    if not (lowest >= 0 and highest <= np.iinfo(np.uint16).max and np.array_equal(array, np.trunc(array))):
        raise SegmentationFileError(
            f"{name} is not a label map: its values are not whole numbers from 0 to 65535. Choose a segmentation."
        )
    return array.astype(np.uint8 if highest <= np.iinfo(np.uint8).max else np.uint16)


def _keep(array: Labels, labels: Sequence[int | str] | None, path: Path) -> Labels:
    if labels is None:
        _refuse_an_image(array, path)
        return array
    present = [int(label) for label in np.unique(array) if label > 0]
    missing = [str(label) for label in labels if label not in present]
    if missing:
        raise SegmentationFileError(
            f"{path.name} has no label {', '.join(missing)}. It holds: {', '.join(map(str, present)) or 'nothing'}."
        )
    array[~np.isin(array, [int(label) for label in labels])] = 0
    return array


def _refuse_an_image(array: Labels, path: Path) -> None:
    """Grey values, taken for labels, would give a prompt of nonsense."""
    if looks_grey(array):
        raise SegmentationFileError(
            f"{path.name} holds {len(np.unique(array))} different values and looks like an image, not a segmentation. "
            "If they are labels, name the wanted ones: FILE:LABEL,LABEL."
        )


def _resample(array: Labels, own: Geometry, target: Geometry) -> Labels:
    grid = sitk.ResampleImageFilter()
    grid.SetSize(target.size)
    grid.SetOutputSpacing(target.spacing)
    grid.SetOutputOrigin(target.origin)
    grid.SetOutputDirection(target.direction)
    grid.SetInterpolator(sitk.sitkNearestNeighbor)
    grid.SetDefaultPixelValue(0)
    resampled: Labels = sitk.GetArrayFromImage(grid.Execute(own.to_image(array)))
    return resampled


def _apart_in_form_alone(own: Geometry, target: Geometry) -> float | None:
    """How many mm apart two grids are whose voxels are the same, because the header of one says so in another form.

    None for grids of other voxels. A NIfTI file without a place lies on every grid of its size and spacing.
    """
    if own.size != target.size:
        return None
    apart = farthest_corner(own.ijk_to_lps(), target.ijk_to_lps(), own.size)
    forms = [geometry.nifti for geometry in (own, target) if geometry.nifti is not None]
    placeless = any(not form.states_a_place for form in forms)
    if placeless and np.allclose(own.spacing, target.spacing, rtol=_SAME_SPACING):
        return apart
    same = any(
        farthest_corner(first, second, own.size) <= _SAME_PLACE * np.linalg.norm(second[:3, :3], axis=0).min()
        for first in _readings(own)
        for second in _readings(target)
    )
    return apart if same else None


def _shares_voxels(own: Geometry, target: Geometry) -> bool:
    """Whether the voxels of one grid are some of the other's, as those of a DICOM file with some of its slices are."""
    places = own.places_in(target)
    return places is not None and np.array_equal(places[:, :3], np.eye(3))


def _readings(geometry: Geometry) -> list[Matrix]:
    """All matrices to LPS that programs can see in a grid."""
    others = () if geometry.nifti is None else geometry.nifti.readings
    return [geometry.ijk_to_lps(), *map(np.array, others)]


def _difference(own: Geometry, target: Geometry) -> str:
    """The end of the notice on a reference whose grid is not the image's."""
    distances = np.linalg.norm(own.corners()[:, np.newaxis] - target.corners(), axis=2)
    if sorted(own.size) == sorted(target.size) and distances.min(axis=1).max() < 0.05 * min(target.spacing):
        return "stores its voxels in another order than the image (axes flipped or swapped): they were put in order."
    return (
        f"lies on another grid ({_describe(own)}) than the image ({_describe(target)}): its labels were taken over by "
        "nearest neighbour."
    )


def _describe(geometry: Geometry) -> str:
    size = " x ".join(map(str, geometry.size))
    spacing = " x ".join(f"{value:.3g}" for value in geometry.spacing)
    return f"{size} voxels of {spacing} mm"
