"""The frames of DICOM files: for each one where it lies, how its values are meant, and what tells it from others."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.imaging.dicom.labels import Labels, labels_of
from PromptOnceLib.imaging.dicom.not_images import why_no_image
from PromptOnceLib.imaging.dicom.presentation import Transform, file_window
from PromptOnceLib.imaging.dicom.tags import Header, OnProgress, Tags, as_it_is, is_dicom
from PromptOnceLib.imaging.scanner import XRAY_MODALITIES, Scanner

# PatientName, PatientID, PatientBirthDate, StudyDate, AccessionNumber, StudyID: where UIDs were blanked, these tell
# patients apart. Only a hash of them is kept.
_SUBJECT = (0x00100010, 0x00100020, 0x00100030, 0x00080020, 0x00080050, 0x00200010)

# Modalities whose images are slices in space: without places nothing is known about their order.
SLICE_MODALITIES = frozenset({"CT", "MR", "PT"})

_ITEM = 8  # bytes of tag and length before each compressed frame
_CENTIMETRES = 3  # code of a unit in ultrasound regions


@dataclass(frozen=True)
class FramePlace:
    """Where a frame lies in LPS: centre of its first pixel in mm, unit vectors along a row and down a column."""

    position: tuple[float, float, float]
    row: tuple[float, float, float]
    column: tuple[float, float, float]

    def normal(self) -> NDArray[np.float64]:
        """Unit normal (3,)."""
        return np.cross(self.row, self.column)

    def along_normal(self) -> float:
        """Position along the normal in mm."""
        return float(np.dot(self.position, self.normal()))

    def direction(self) -> tuple[float, ...]:
        """As in Geometry: the columns of a 3x3 matrix are row, column and normal."""
        return tuple(np.column_stack([self.row, self.column, self.normal()]).ravel().tolist())

    def plane(self) -> str:
        """The anatomical plane nearest to it."""
        return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(self.normal())))]

    def parallel_to(self, other: FramePlace) -> bool:
        """Whether both look the same way, up to rounding."""
        return bool(np.allclose(self.row + self.column, other.row + other.column, atol=1e-2))


@dataclass(frozen=True, repr=False, eq=False)
class DicomFile:
    """What all frames of a file have in common.

    subject: a number that is the same for all files of an examination of a patient, in this process. size: columns,
    rows. count: frames. enhanced: whether frames have functional groups. compressed: whether
    its pixels are. cut: whether pixels are missing at the end.
    spacing_stated: whether anything says how large a pixel is. first_place: where the first of many frames lies that
    have no places of their own.
    """

    path: Path
    series: str
    study: str
    subject: int
    frame_of_reference: str
    concatenation: str
    scanner: Scanner
    size: tuple[int, int]
    samples: int
    count: int
    enhanced: bool
    monochrome1: bool
    localizer: bool
    compressed: bool
    cut: bool
    spacing_stated: bool
    first_place: FramePlace | None


@dataclass(frozen=True, repr=False, eq=False)
class Frame:
    """A frame, or the one of a single-frame file.

    place: None where it is unknown, and for projections. spacing: mm along a row, down a column. thickness: mm between
    slices as the header says, else of the slice; None where neither is said. window: lower and upper end. labels: what
    tells it from other frames at the same place.
    """

    file: DicomFile
    index: int
    place: FramePlace | None
    spacing: tuple[float, float]
    thickness: float | None
    transform: Transform
    window: tuple[float, float] | None
    labels: Labels = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The file."""
        return self.file.path


@dataclass(frozen=True)
class NoImage:
    """A file that gives no frames. reason: the end of a sentence. damaged: it may have been an image of the folder.

    known: whether it can be seen to be DICOM.
    """

    path: Path
    reason: str
    damaged: bool
    known: bool = True


def read_frames(path: Path, on_progress: OnProgress | None = None) -> list[Frame] | NoImage:
    """The frames of a DICOM image, one or more."""
    if path.stat().st_size == 0:
        return NoImage(path, "is an empty file", damaged=True, known=False)
    if not is_dicom(path):
        return NoImage(path, "is no DICOM file, or its beginning is damaged", damaged=True, known=False)
    try:
        with as_it_is():
            return _frames_of(Header(path, on_progress))
    except (OSError, ValueError):
        return NoImage(path, "is damaged: its header cannot be read", damaged=True)


def _frames_of(header: Header) -> list[Frame] | NoImage:
    reason = why_no_image(header)
    if reason is not None:
        return NoImage(header.path, *reason)
    file = _file(header)
    if header.described_frames not in (0, file.count):
        described = f"it announces {file.count} frames and describes {header.described_frames}"
        return NoImage(file.path, f"is damaged: {described}", damaged=True)
    if _announces_too_many(file):
        return NoImage(file.path, "is damaged: fewer pixels follow than its header announces", damaged=True)
    frames = [_frame(file, header.frame(index), index) for index in range(file.count)]
    lost = sum(frame.place is None for frame in frames)
    if lost and file.enhanced and file.scanner.modality in SLICE_MODALITIES:
        said = f"does not state where {lost} of its {file.count} frames lie in the patient: their order is unknown"
        return NoImage(file.path, said, damaged=False)
    return frames


def _announces_too_many(file: DicomFile) -> bool:
    """Whether the file cannot hold its frames, to be known before any of them is looked at."""
    if file.compressed:
        return file.count * _ITEM > file.path.stat().st_size
    return file.count > 1 and file.cut


def _file(header: Header) -> DicomFile:
    tags = header.frame(0)
    scanner = header.scanner()
    count, size = max(1, tags.integer(0x00280008, 1)), (tags.integer(0x00280011), tags.integer(0x00280010))
    if min(size) < 1:
        raise ValueError("no rows or columns")
    samples = max(1, tags.integer(0x00280002, 1))
    expected = math.ceil(size[0] * size[1] * samples * count * tags.integer(0x00280100, 16) / 8)
    if tags.text(0x00280004) in ("YBR_FULL_422", "YBR_PARTIAL_422"):
        expected = expected * 2 // 3
    return DicomFile(
        path=header.path,
        series=tags.text(0x0020000E),
        study=tags.text(0x0020000D),
        subject=hash(tuple(map(tags.text, _SUBJECT))),
        frame_of_reference=tags.text(0x00200052),
        concatenation=tags.text(0x00209161),
        scanner=scanner,
        size=size,
        samples=samples,
        count=count,
        enhanced=header.described_frames > 0,
        monochrome1=tags.text(0x00280004).upper() == "MONOCHROME1",
        localizer="LOCALIZER" in tags.text(0x00080008).upper(),
        compressed=header.pixels.stored is None,
        cut=not header.pixels.complete or (header.pixels.stored is not None and header.pixels.stored < expected),
        spacing_stated=_spacing(tags, scanner.modality) is not None,
        first_place=_first_place(tags) if scanner.modality not in XRAY_MODALITIES else None,
    )


def _frame(file: DicomFile, tags: Tags, index: int) -> Frame:
    thickness = tags.number(0x00180088) or tags.number(0x00180050)
    return Frame(
        file=file,
        index=index,
        place=_place(tags) if _has_a_place(file) else None,
        spacing=_spacing(tags, file.scanner.modality) or (1.0, 1.0),
        thickness=None if thickness is None or thickness == 0 else abs(thickness),
        transform=Transform.of(tags),
        window=file_window(tags),
        labels=labels_of(tags),
    )


def _has_a_place(file: DicomFile) -> bool:
    """Projections have none that would matter; many frames share that of the file unless each has its own."""
    return file.enhanced or (file.count == 1 and file.scanner.modality not in XRAY_MODALITIES)


def _first_place(tags: Tags) -> FramePlace | None:
    """Of the file; in nuclear medicine that of the first detector, which stands for the reconstructed volume."""
    return next(filter(None, map(_place, [tags, *tags.items(0x00540022)])), None)


def _place(tags: Tags) -> FramePlace | None:
    position = tags.numbers(0x00200032, 3) or tags.numbers(0x00209301, 3)
    orientation = tags.numbers(0x00200037, 6) or tags.numbers(0x00209302, 6)
    if position is None or orientation is None:
        return None
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    if min(lengths) < 0.5 or np.linalg.norm(np.cross(row, column)) < 0.5:
        return None
    x, y, z = position
    (rx, ry, rz), (cx, cy, cz) = (row / lengths[0]).tolist(), (column / lengths[1]).tolist()
    return FramePlace((x, y, z), (rx, ry, rz), (cx, cy, cz))


def _spacing(tags: Tags, modality: str) -> tuple[float, float] | None:
    """Pixel size in mm along a row and down a column; None where nothing says it.

    X-rays: at the detector, as other readers take it, else as calibrated. Ultrasound: of the largest region in which
    both directions are lengths.
    """
    # PixelSpacing, ImagerPixelSpacing, NominalScannedPixelSpacing
    keys = [0x00280030, 0x00181164, 0x00182010]
    if modality in XRAY_MODALITIES:
        keys = [0x00181164, 0x00280030, 0x00182010]
    for key in keys:
        found = tags.numbers(key, 2)
        if found is not None and min(found) > 0:
            return found[1], found[0]
    regions = [region for region in tags.items(0x00186011) if _in_lengths(region)]
    if not regions:
        return None
    largest = max(regions, key=_area)
    x, y = largest.number(0x0018602C) or 0, largest.number(0x0018602E) or 0
    return abs(x) * 10, abs(y) * 10


def _in_lengths(region: Tags) -> bool:
    units = {region.integer(0x00186024), region.integer(0x00186026)}
    return units == {_CENTIMETRES} and bool(region.number(0x0018602C) and region.number(0x0018602E))


def _area(region: Tags) -> int:
    x0, y0, x1, y1 = (region.integer(tag) for tag in (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E))
    return abs(x1 - x0) * abs(y1 - y0)
