"""DICOM Segmentation objects through highdicom: binary segments that refer to the images they were made on.

A SEG belongs to the study of its images, so patient and study are copied from them: unlike all other results it says
whose it is. Standard: DICOM PS3.3, A.51.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib import __version__
from PromptOnceLib.errors import MissingPackageError, SegmentationFileError
from PromptOnceLib.imaging.dicom.tags import as_it_is
from PromptOnceLib.imaging.dicom_source import DicomSource
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.formats.masks import Masks
from PromptOnceLib.segmentation.segment import DEFAULT_TERMINOLOGY, Segment, default_color
from PromptOnceLib.segmentation.terminology import NO_CODE, Code, Terminology, terminology_entry

_UNEVEN = 0.05  # of the distance of slices
_SHIFTED = 0.5  # of a pixel
_UTF_8 = "ISO_IR 192"  # names are of any language, whatever the images' own character set
_NOT_IN_A_LABEL = re.compile(r"[\\\x00-\x1f\x7f]")  # DICOM PS3.5, 6.2: LO; a backslash separates values
_SERIES_NUMBER = 300  # above those of scanners, as other tools choose it
_COPIED = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_SOP_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # the other one's are label maps


def check_source(source: DicomSource | None) -> DicomSource:
    """Before the work: what a SEG refers to. Raises SegmentationFileError without it, MissingPackageError."""
    _highdicom()
    if source is None:
        raise SegmentationFileError(
            "A DICOM segmentation refers to the DICOM images it was made on, and this image is none. Choose .seg.nrrd "
            "or .nii.gz."
        )
    if not source.there:
        raise SegmentationFileError(
            "A DICOM segmentation refers to the files of the image, which are not there any more. Unpack an archive "
            "first, and give the folder."
        )
    return source


def label_of(name: str) -> str:
    """A name as the label of a segment can hold it: 64 characters, without backslashes and control characters."""
    return _NOT_IN_A_LABEL.sub(" ", name).strip()[:64].strip() or "object"


def is_dicom_seg(path: Path) -> bool:
    """Whether a file is a DICOM segmentation, which can be made again, not an image."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        return str(pydicom.dcmread(path, specific_tags=["SOPClassUID"]).get("SOPClassUID", "")) in _SOP_CLASSES
    except (OSError, InvalidDicomError, ValueError):
        return False


def write_dicom_seg(
    path: Path, masks: Sequence[NDArray[np.bool_]], segments: Sequence[Segment], geometry: Geometry, source: DicomSource
) -> None:
    """Write KJI masks on the grid of the source's volume, not atomically; slices without any object are left out
    unless all are.

    Names become codes by Segment.terminology. Raises SegmentationFileError where the images lack what a SEG needs.
    """
    import pydicom
    from pydicom.valuerep import DS

    hd = _highdicom()
    described = [_described(hd, number, segment) for number, segment in enumerate(segments, start=1)]
    voxels = np.stack([np.asarray(mask, np.uint8) for mask in masks], axis=-1)
    with as_it_is():
        images = [pydicom.dcmread(file, stop_before_pixels=True, force=True) for file in source.files]
        _complete(images, geometry, hd.UID())
        pixels: Any = voxels
        if source.placed:
            numbers = {"SegmentNumber": list(range(1, len(masks) + 1))}
            frame_of_reference = images[0].get("FrameOfReferenceUID")
            pixels = hd.Volume(voxels, _affine(geometry), "PATIENT", frame_of_reference, numbers)
        try:
            written = hd.seg.Segmentation(
                source_images=images,
                pixel_array=pixels,
                segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
                segment_descriptions=described,
                series_instance_uid=hd.UID(),
                series_number=_SERIES_NUMBER,
                sop_instance_uid=hd.UID(),
                instance_number=1,
                manufacturer="PromptOnce",
                manufacturer_model_name="PromptOnce",
                software_versions=__version__,
                device_serial_number="0",
                series_description="Segmentation, for research only",
                omit_empty_frames=bool(voxels.any()),
                specific_character_set=_UTF_8,
            )
            if source.placed:  # of the places, as images may state another distance, which would be copied
                measures = written.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
                measures.SpacingBetweenSlices = DS(geometry.spacing[2], auto_format=True)
            written.save_as(path)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SegmentationFileError(
                "The DICOM images lack what a DICOM segmentation has to copy from them. Choose .seg.nrrd or .nii.gz.",
                repr(error),
            ) from error


def read_dicom_seg(path: Path) -> tuple[list[Segment], Masks, Geometry]:
    """Read all segments of a DICOM SEG as KJI masks on its own grid, which reaches as far as its slices do.

    Of fractions (probability, occupancy) a half and more is object; a label map's background is none. Raises
    SegmentationFileError for what is no SEG or has no regular grid, MissingPackageError.
    """
    hd = _highdicom()
    if not is_dicom_seg(path):
        raise SegmentationFileError(f"{path.name} is no DICOM segmentation. Choose another file.")
    with as_it_is():
        found = hd.seg.segread(path)
        numbers = list(found.segment_numbers)
        segments = [_segment(found.get_segment_description(number), number) for number in numbers]
        if all("PlanePositionSequence" in frame for frame in found.PerFrameFunctionalGroupsSequence):
            return segments, *_by_place(found, numbers, path)
        voxels = _by_picture(found)
        geometry = Geometry((voxels.shape[3], voxels.shape[2], voxels.shape[1]))
    return segments, Masks(len(voxels), voxels.__getitem__), geometry


def _complete(images: Sequence[Any], geometry: Geometry, frame_of_reference: str) -> None:
    """Give headers that were anonymised the attributes, empty, that DICOM wants to be there and that are copied."""
    for image in images:
        for keyword in _COPIED:
            if keyword not in image:
                setattr(image, keyword, None)
        if "SliceThickness" not in image:
            image.SliceThickness = geometry.spacing[2]
        if "PixelSpacing" not in image:
            image.PixelSpacing = [geometry.spacing[1], geometry.spacing[0]]
        if not image.get("FrameOfReferenceUID"):
            image.FrameOfReferenceUID = frame_of_reference


def _by_place(found: Any, numbers: Sequence[int], path: Path) -> tuple[Masks, Geometry]:
    """Of frames with a place in space: masks of slices along their normal, and their grid.

    Not by highdicom's get_volume: the second file that a process reads has no volume there.
    """
    shared, frames = found.SharedFunctionalGroupsSequence[0], found.PerFrameFunctionalGroupsSequence
    directions = np.array(_group(shared, frames[0], "PlaneOrientationSequence").ImageOrientationPatient, float)
    measures = _group(shared, frames[0], "PixelMeasuresSequence")
    rows, columns = (float(value) for value in measures.PixelSpacing)
    normal = np.cross(directions[:3], directions[3:])
    places = np.array([frame.PlanePositionSequence[0].ImagePositionPatient for frame in frames], float)
    heights = places @ normal
    step = _distance_of_slices(heights, measures)
    exact = (heights - heights.min()) / step
    index = exact.round().astype(int)
    if np.abs(exact - index).max() > _UNEVEN:
        raise SegmentationFileError(f"The slices of {path.name} lie at uneven distances. Choose another file.")
    lowest = int(heights.argmin())
    aside = places - places[lowest] - np.outer(heights - heights[lowest], normal)
    if np.linalg.norm(aside, axis=1).max() > _SHIFTED * min(rows, columns):
        raise SegmentationFileError(
            f"The slices of {path.name} do not lie straight above each other, as of a tilted gantry. Choose another "
            "file."
        )
    size = (int(found.Columns), int(found.Rows), int(index.max()) + 1)
    x, y, z = (float(value) for value in places[lowest])
    axes = np.column_stack([directions[:3], directions[3:], normal])
    geometry = Geometry(size, (columns, rows, step), (x, y, z), tuple(axes.ravel().tolist()))
    return _of_frames(found, numbers, index.tolist(), geometry.shape), geometry


def _of_frames(found: Any, numbers: Sequence[int], slices: Sequence[int], shape: tuple[int, int, int]) -> Masks:
    """The masks of segments with these numbers. slices: of each frame."""
    shared, frames = found.SharedFunctionalGroupsSequence[0], found.PerFrameFunctionalGroupsSequence
    pixels = np.asarray(found.pixel_array).reshape(len(frames), *shape[1:])
    whole = float(found.get("MaximumFractionalValue", 1))
    shown: list[int | None] = [None] * len(frames)  # of label maps every frame shows all segments
    if found.SegmentationType != "LABELMAP":
        groups = [_group(shared, frame, "SegmentIdentificationSequence") for frame in frames]
        shown = [numbers.index(int(group.ReferencedSegmentNumber)) for group in groups]

    def mask(place: int) -> NDArray[np.uint8]:
        voxels = np.zeros(shape, np.uint8)
        for index, segment, picture in zip(slices, shown, pixels, strict=True):
            if segment is None:
                voxels[index] = picture == numbers[place]
            elif segment == place:
                voxels[index] = picture >= whole / 2
        return voxels

    return Masks(len(numbers), mask)


def _distance_of_slices(heights: NDArray[Any], measures: Any) -> float:
    """Between neighbouring slices in mm. Slices without any object are left out of most files, so what lies between
    those that are there may be several times as much: the file's own statement counts where all places agree with it.
    """
    span, stated = float(np.ptp(heights)), abs(float(measures.get("SpacingBetweenSlices") or 0))
    if stated and round(span / stated):
        step = span / round(span / stated)  # as exact as the places are
        exact = (heights - heights.min()) / step
        if abs(step - stated) <= _UNEVEN * stated and np.abs(exact - exact.round()).max() <= _UNEVEN:
            return step
    steps = np.diff(np.unique(heights.round(3)))
    return float(steps.min()) if len(steps) else stated or float(measures.SliceThickness)


def _group(shared: Any, frame: Any, name: str) -> Any:
    """A functional group, of all frames or of one."""
    return (shared if name in shared else frame)[name][0]


def _by_picture(found: Any) -> NDArray[Any]:
    """Of pictures that have no place in space: (segment, picture, row, column), in the order they are referred to."""
    pictures = [uid for _, _, uid in found.get_source_image_uids()]
    shares = np.asarray(found.get_pixels_by_source_instance(pictures, ignore_spatial_locations=True))
    return np.ascontiguousarray(np.moveaxis(shares >= 0.5, -1, 0).astype(np.uint8))


def _highdicom() -> Any:
    try:
        import highdicom.seg
    except ImportError as error:
        raise MissingPackageError(
            "DICOM segmentations need the package highdicom, which is not installed.", repr(error), "highdicom"
        ) from error
    return highdicom


def _affine(geometry: Geometry) -> NDArray[np.float64]:
    """From (slice, row, column) to LPS mm."""
    order = [2, 1, 0, 3]
    affine: NDArray[np.float64] = geometry.ijk_to_lps()[:, order]
    return affine


def _described(hd: Any, number: int, segment: Segment) -> Any:
    what = Terminology.of_entry(segment.terminology or DEFAULT_TERMINOLOGY)
    family = hd.sr.CodedConcept("123110", "DCM", "Artificial Intelligence")  # CID 7162
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label_of(segment.name),
        segmented_property_category=_concept(hd, what.category),
        segmented_property_type=_concept(hd, what.type),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence("PromptOnce", family, __version__),
        tracking_uid=hd.UID(),
        tracking_id=label_of(segment.name),
        display_color=hd.color.CIELabColor.from_rgb(*(255 * part for part in segment.color)),
    )
    if what.modifier is not None:
        modifiers = [_concept(hd, what.modifier)]
        description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = modifiers
    return description


def _concept(hd: Any, code: Code) -> Any:
    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning)


def _segment(description: Any, number: int) -> Segment:
    """Name, colour and terminology of a segment."""
    kind = description.SegmentedPropertyTypeCodeSequence[0]
    modifiers = kind.get("SegmentedPropertyTypeModifierCodeSequence")
    modifier = _written(modifiers[0]) if modifiers else NO_CODE
    category = _written(description.SegmentedPropertyCategoryCodeSequence[0])
    entry = terminology_entry(category, _written(kind), modifier)
    color = default_color(number - 1)
    if "RecommendedDisplayCIELabValue" in description:
        from highdicom.color import CIELabColor

        red, green, blue = CIELabColor.from_dicom_value(description.RecommendedDisplayCIELabValue).to_rgb()
        color = (red / 255, green / 255, blue / 255)
    return Segment(str(description.SegmentLabel), color, entry)


def _written(code: Any) -> str:
    """A code as Slicer writes it."""
    return f"{code.CodingSchemeDesignator}^{code.CodeValue}^{code.CodeMeaning}"
