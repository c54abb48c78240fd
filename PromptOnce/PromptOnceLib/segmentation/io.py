"""Segmentations as files: Slicer's .seg.nrrd, and label maps in the formats of SimpleITK.

Nothing is written but voxels, geometry and what a Segment holds: no name, date or number of a patient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError, PromptOnceError, SegmentationFileError, VolumeError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.files.names import check_name
from PromptOnceLib.imaging.dicom_source import DicomSource
from PromptOnceLib.imaging.formats.nifti import read_nifti, write_nifti
from PromptOnceLib.imaging.image_file import ImageFile, read_image_file
from PromptOnceLib.imaging.screening.screen import screen_file
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.formats.dicom_seg import check_source, label_of, read_dicom_seg, write_dicom_seg
from PromptOnceLib.segmentation.formats.masks import Masks
from PromptOnceLib.segmentation.formats.seg_nrrd import read_seg_nrrd, write_seg_nrrd
from PromptOnceLib.segmentation.segment import Segment, default_color

__all__ = ["SUFFIXES", "Segment", "SegmentationFile", "check_suffix", "read_segmentation", "write_segmentation"]

_SLICER_SUFFIX = ".seg.nrrd"
DICOM_SUFFIX = ".dcm"

SUFFIXES = (_SLICER_SUFFIX, ".nii.gz", ".nii", ".nrrd", ".mha")
"""Endings of the files that can be written and read for any image, the more special before the more general."""

_MOST_LABELS = 1000
"""More label values than any anatomical atlas has: what holds more is an image."""


class SegmentationFile(NamedTuple):
    """Content of a segmentation file: masks are uint8 KJI, 0 or 1, on the grid `geometry`, one for every segment."""

    segments: list[Segment]
    masks: Sequence[NDArray[np.uint8]]
    geometry: Geometry


def write_segmentation(
    path: str | Path,
    masks: Sequence[NDArray[Any]],
    segments: Sequence[Segment],
    geometry: Geometry,
    tags: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
    dicom: DicomSource | None = None,
) -> tuple[str, ...]:
    """Write masks to a file whose ending chooses the format; return notices for the user.

    masks: KJI arrays of geometry.shape, bool or integer, not 0 where the object is; one for every segment. .seg.nrrd
    keeps names, colours, terminology, overlaps and tags (ASCII without blanks and bars; of every segment, or of the
    first one alone). .dcm is a DICOM Segmentation, which keeps all of it but tags, of images in the files `dicom`; it
    is read back and compared. Any other format is a label map with value n + 1 for object n, or the values that all of
    them had in the one they come from; where objects overlap the later one wins, as when Slicer exports a label map,
    and a notice says so. The geometry is written in double precision, by NIfTI in single precision; the result of a
    NIfTI image keeps its forms, codes and units.

    The file appears only when it is complete, and replaces an older one only then. Raises SegmentationFileError where
    it cannot be written (no folder, no permission, full disk, unknown ending, nothing to write), GeometryError where a
    mask does not fit the geometry.
    """
    target = Path(path)
    suffix = check_suffix(target)
    if len(masks) != len(segments):
        raise ValueError(f"{len(masks)} masks but {len(segments)} segments")
    if not masks:
        raise SegmentationFileError("There is no object to write. Segment something first.")
    if any(mask.shape != geometry.shape for mask in masks):
        raise GeometryError("The segmentation does not have the size of the image. Segment the image again.")
    objects = [np.asarray(mask, dtype=bool) for mask in masks]
    with replacing(target, suffix, SegmentationFileError) as temporary:
        if suffix == _SLICER_SUFFIX:
            write_seg_nrrd(temporary, objects, segments, geometry, tags)
            return ()
        if suffix == DICOM_SUFFIX:
            write_dicom_seg(temporary, objects, segments, geometry, check_source(dicom))
            _check_written(temporary, objects, segments, geometry, target.name)
            return ()
        labels, overlapping = _label_map(objects, _values(segments))
        _write_label_map(temporary, labels, geometry, target.name)
    if not overlapping:
        return ()
    return (
        f"Objects overlap in {overlapping} voxels; a label map keeps only the later one there. "
        "Save as .seg.nrrd to keep both.",
    )


def read_segmentation(path: str | Path) -> SegmentationFile:
    """Read a .seg.nrrd file or a label map, every segment or label value as one mask.

    The segments of a label map are called "label N" and come in order of N. Raises SegmentationFileError where the file
    is missing, damaged, or not a segmentation, GeometryError where its geometry is not usable.
    """
    source = Path(path)
    suffix = check_suffix(source)
    try:
        if not source.is_file():
            raise SegmentationFileError(f"There is no segmentation at {source}. Check the path.")
        screen_file(source)
        if suffix == _SLICER_SUFFIX:
            return SegmentationFile(*read_seg_nrrd(source))
        if suffix == DICOM_SUFFIX:
            return SegmentationFile(*read_dicom_seg(source))
        return _from_label_map(read_image_file(source), source.name)
    except VolumeError as error:
        raise SegmentationFileError(f"The segmentation cannot be read. {error.message}", error.detail) from error
    except PromptOnceError:
        raise
    except PermissionError as error:
        raise SegmentationFileError(f"{source} cannot be opened: check that you may read it.", repr(error)) from error
    except Exception as error:  # the readers raise whatever a damaged file makes them stumble over
        raise SegmentationFileError(
            f"{source.name} cannot be read as a segmentation: the file is damaged or of another kind. "
            "Save it again, for example from 3D Slicer.",
            detail=repr(error),
        ) from error


def keeps_names(path: Path) -> bool:
    """Whether a file's kind is one whose objects have names of their own, and may overlap."""
    return path.name.lower().endswith((_SLICER_SUFFIX, DICOM_SUFFIX))


def check_suffix(path: Path) -> str:
    """The ending of a file that can be written and read; SegmentationFileError for any other."""
    check_name(path, SegmentationFileError)
    for suffix in (*SUFFIXES, DICOM_SUFFIX):
        if path.name.lower().endswith(suffix):
            return suffix
    raise SegmentationFileError(
        f"{path.name}: segmentations are files that end in {', '.join(SUFFIXES)}, or .dcm. Choose one of these endings."
    )


def _check_written(
    path: Path, objects: Sequence[NDArray[np.bool_]], segments: Sequence[Segment], geometry: Geometry, name: str
) -> None:
    """Read a DICOM Segmentation back: names and every voxel, also of the slices that are left out as empty."""
    named, masks, grid = read_dicom_seg(path)
    if [one.name for one in named] != [label_of(one.name) for one in segments]:
        raise _incomplete(name, "other names were read back")
    start = np.linalg.inv(geometry.ijk_to_lps()) @ [*grid.origin, 1.0]
    first = round(float(start[2])) if grid.size[2] < geometry.size[2] else 0
    part = slice(first, first + grid.size[2])
    for mask, written in zip(objects, masks, strict=True):
        same = written.shape[1:] == mask.shape[1:] and np.array_equal(written > 0, mask[part])
        if not same or np.count_nonzero(written) != np.count_nonzero(mask):
            raise _incomplete(name, "what was read back differs")


def _values(segments: Sequence[Segment]) -> list[int]:
    """The values of segments in a label map."""
    own = [segment.value for segment in segments if segment.value is not None]
    return own if len(set(own)) == len(segments) else list(range(1, len(segments) + 1))


def _label_map(objects: Sequence[NDArray[np.bool_]], values: Sequence[int]) -> tuple[NDArray[Any], int]:
    """Labels in KJI order, and in how many voxels objects overlap."""
    labels = np.zeros(objects[0].shape, np.min_scalar_type(max(values)))
    overlap = np.zeros(labels.shape, bool)
    for value, mask in zip(values, objects, strict=True):
        overlap |= mask & (labels > 0)
        labels[mask] = value
    return labels, int(np.count_nonzero(overlap))


def _write_label_map(path: Path, labels: NDArray[Any], geometry: Geometry, name: str) -> None:
    try:
        if path.suffix.lower() in (".gz", ".nii"):
            write_nifti(path, labels, geometry)
            written = read_nifti(path).array
        else:
            sitk.WriteImage(geometry.to_image(labels), str(path), useCompression=True)
            # ITK's writers say nothing when the disk is full.
            written = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    except (RuntimeError, VolumeError) as error:
        raise _incomplete(name, str(error)) from error
    if not np.array_equal(written, labels):
        raise _incomplete(name, "what was read back differs")


def _incomplete(name: str, detail: str) -> SegmentationFileError:
    return SegmentationFileError(
        f"{name} could not be written completely. The disk may be full: free some space, or choose another disk.",
        detail,
    )


def _from_label_map(image: ImageFile, name: str) -> SegmentationFile:
    voxels = image.array
    values = np.unique(voxels)
    whole = np.isfinite(values).all() and (values == np.round(values)).all()
    if image.coloured or not whole or values.min() < 0 or len(values) > _MOST_LABELS:
        raise SegmentationFileError(
            f"{name} looks like an image, not like a label map: its values are not a few whole numbers from 0 on. "
            "Choose the file with the labels."
        )
    labels = [int(value) for value in values if value != 0]
    segments = [Segment(f"label {value}", default_color(index), value=value) for index, value in enumerate(labels)]
    masks = Masks(len(labels), lambda place: (voxels == labels[place]).astype(np.uint8))
    return SegmentationFile(segments, masks, image.geometry)
