"""The headers of DICOM files: only what is needed to find the images of a series and to describe their scanner."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from PromptOnceLib.errors import VolumeError
from PromptOnceLib.files.names import check_name
from PromptOnceLib.imaging.scanner import XRAY_MODALITIES, Scanner

# Objects that are not images of the body even where they have pixels: segmentations, doses, documents, plans.
_NOT_IMAGES = frozenset({"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "RTRECORD", "SR", "PR", "KO", "REG", "DOC", "ECG"})


@dataclass(frozen=True, repr=False)
class DicomHeader:
    """One DICOM image file. size, spacing, origin, direction: as SimpleITK gives them for the file alone."""

    path: Path
    series: str
    instance: str
    scanner: Scanner
    is_image: bool
    is_localizer: bool
    is_monochrome1: bool
    has_position: bool
    pixel_type: int
    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]

    @property
    def is_slice(self) -> bool:
        """Whether the image is one slice with a known place, which can be stacked with others of its series."""
        return self.has_position and self.size[2] == 1 and self.scanner.modality not in XRAY_MODALITIES

    def belongs_with(self, other: DicomHeader) -> bool:
        """Whether both are slices of one stack: same series, modality, size, pixel spacing and orientation."""
        return (
            self.is_slice
            and other.is_slice
            and (self.series, self.scanner.modality, self.size) == (other.series, other.scanner.modality, other.size)
            and bool(np.allclose(self.spacing[:2], other.spacing[:2], rtol=1e-3))
            and bool(np.allclose(self.direction, other.direction, atol=1e-2))
        )

    def along_normal(self) -> float:
        """Position of the slice along its normal in mm."""
        return float(np.dot(self.origin, self.normal()))

    def normal(self) -> NDArray[np.float64]:
        """Unit normal (3,) of the slice in LPS."""
        return np.reshape(np.asarray(self.direction, dtype=np.float64), (3, 3))[:, 2]


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, by its contents."""
    return bool(sitk.ImageFileReader.GetImageIOFromFileName(str(path)) == "GDCMImageIO")


def read_header(path: Path) -> DicomHeader | None:
    """Header of a DICOM image; None for files that are not DICOM or hold no pixels (reports, directories, ...)."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None

    def tag(key: str) -> str:
        return str(reader.GetMetaData(key)).strip(" \0") if reader.HasMetaDataKey(key) else ""

    scanner = Scanner.from_metadata(reader)
    return DicomHeader(
        path=path,
        series=tag("0020|000e"),
        instance=tag("0008|0018"),
        scanner=scanner,
        is_image=scanner.modality not in _NOT_IMAGES,
        is_localizer="LOCALIZER" in tag("0008|0008").upper(),
        is_monochrome1=tag("0028|0004").upper() == "MONOCHROME1",
        has_position=bool(tag("0020|0032") and tag("0020|0037")),
        pixel_type=reader.GetPixelID(),
        size=reader.GetSize(),
        spacing=reader.GetSpacing(),
        origin=reader.GetOrigin(),
        direction=reader.GetDirection(),
    )


def read_headers(folder: Path) -> list[DicomHeader]:
    """Headers of all DICOM images that lie directly in a folder, in the order of their names."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files:
        check_name(path, VolumeError)
    return [header for header in map(read_header, files) if header is not None and header.is_image]


def group_by_stack(headers: list[DicomHeader]) -> list[list[DicomHeader]]:
    """Headers grouped into stacks of slices; X-rays, multi-frame files and images without place stay alone."""
    groups: list[list[DicomHeader]] = []
    for header in headers:
        group = next((group for group in groups if header.belongs_with(group[0])), None)
        if group is None:
            groups.append([header])
        else:
            group.append(header)
    return groups
