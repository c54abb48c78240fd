"""DICOM images: a whole series from its folder or from one of its files, or a single X-ray or multi-frame file."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from PromptOnceLib.errors import VolumeError
from PromptOnceLib.imaging.dicom_grid import order_slices
from PromptOnceLib.imaging.dicom_header import DicomHeader, group_by_stack, read_header, read_headers
from PromptOnceLib.imaging.image_file import grey_from_colour, quiet_itk, read_image_file
from PromptOnceLib.imaging.volume import Geometry, Volume

INVERTED = "The image is stored with inverted grey values (MONOCHROME1): it was turned so that bone is bright."


def read_dicom_folder(folder: Path) -> Volume:
    """The series in a folder; of several the one with most slices, localizers last, with a notice.

    Raises VolumeError where the folder directly holds no DICOM image, and for series that fill no regular grid.
    """
    with quiet_itk():
        groups = group_by_stack(read_headers(folder))
    if not groups:
        raise VolumeError(
            f"{folder} holds no DICOM image. Give the folder in which the DICOM files themselves lie, or the file of "
            "an image."
        )
    main = [group for group in groups if not group[0].is_localizer] or groups
    chosen = max(main, key=_slice_count)
    notices = []
    if len(main) > 1:
        notices.append(
            f"The folder holds {len(main)} image series; the one with most slices was taken ({_describe(chosen)}). "
            "To choose another, give a file of that series instead of the folder."
        )
    return _read_stack(chosen, notices)


def read_dicom_file(path: Path) -> Volume:
    """The image of a file; a slice of a series brings the whole series from its folder, with a notice.

    Raises VolumeError for DICOM files that are not images, and for series that fill no regular grid.
    """
    with quiet_itk():
        header = read_header(path)
        if header is None or not header.is_image:
            raise VolumeError(
                f"{path.name} is a DICOM file without an image that can be segmented (a report, a segmentation, a dose "
                "or damaged). Choose a file of the image series."
            )
        beside = read_headers(path.parent) if header.is_slice else []
    series = [other for other in beside if other.belongs_with(header)]
    if len(series) < 2:
        return _read_stack([header], [])
    return _read_stack(series, [f"{path.name} belongs to a series of {len(series)} slices: the whole series was read."])


def _read_stack(headers: list[DicomHeader], notices: list[str]) -> Volume:
    if len(headers) > 1:
        headers, geometry, found = order_slices(headers)
        volume = _read_slices(headers, geometry, [*notices, *found])
    else:
        image = read_image_file(headers[0].path)
        volume = Volume(image.array, image.geometry, notices=(*notices, *image.notices))
        if headers[0].size[2] > 1:
            frames = f"The file holds {headers[0].size[2]} frames: they are taken as evenly spaced slices."
            volume = Volume(volume.array, volume.geometry, notices=(*volume.notices, frames))
    scanner = headers[0].scanner
    inverted = (INVERTED,) if headers[0].is_monochrome1 else ()
    return Volume(volume.array, volume.geometry, scanner.modality, scanner, (*volume.notices, *inverted))


def _read_slices(headers: list[DicomHeader], geometry: Geometry, notices: list[str]) -> Volume:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(header.path) for header in headers])
    if len({header.pixel_type for header in headers}) > 1:
        # Rescaled values may be whole numbers on some slices only; the first slice's type would cut off the others.
        reader.SetOutputPixelType(sitk.sitkFloat32)
    with quiet_itk():
        try:
            image = reader.Execute()
        except RuntimeError as error:
            raise VolumeError(
                f"The {len(headers)} files of the series cannot be read together: one is damaged or compressed in an "
                "unsupported way. Export the series again, uncompressed."
            ) from error
    array = sitk.GetArrayFromImage(image)
    if image.GetNumberOfComponentsPerPixel() > 1:
        array, notice = grey_from_colour(array)
        notices = [*notices, notice]
    return Volume(array, geometry, notices=tuple(notices))


def _slice_count(group: list[DicomHeader]) -> int:
    return sum(header.size[2] for header in group)


def _describe(group: list[DicomHeader]) -> str:
    scanner = group[0].scanner
    parts = [f"{_slice_count(group)} slices", scanner.modality, scanner.series_description]
    return ", ".join(part for part in parts if part)
