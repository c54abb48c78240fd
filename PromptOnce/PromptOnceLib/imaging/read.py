"""Reads a volume from a file or a folder."""

from __future__ import annotations

import os
from pathlib import Path

from PromptOnceLib.errors import SeveralVolumesError, VolumeError
from PromptOnceLib.imaging.dicom.series import read_dicom_file, read_dicom_folder
from PromptOnceLib.imaging.dicom.tags import OnProgress, is_dicom
from PromptOnceLib.imaging.dicom.zip_archive import unpacked
from PromptOnceLib.imaging.image_file import PICTURE_SUFFIXES, check_readable, read_image_file
from PromptOnceLib.imaging.label_likeness import doubts
from PromptOnceLib.imaging.picture_folder import pictures_in, read_picture_folder
from PromptOnceLib.imaging.screening.screen import screen_file
from PromptOnceLib.imaging.volume import Volume


def read_volume(
    path: str | os.PathLike[str], volume: str | None = None, on_progress: OnProgress | None = None
) -> Volume:
    """Volume of a file (NIfTI, Analyze, NRRD, MHA/MHD, MGZ, PNG, JPEG, TIFF, DICOM, a ZIP of DICOM), or of a folder of
    DICOM or pictures.

    volume: which of several in a DICOM folder or file (phases, echoes, magnitude and phase, series), by its number from
    1 or its name. on_progress: told of DICOM, where there may be thousands of frames or files. The voxels keep their
    type (CT in HU), the geometry is the file's. What was done while reading (a series chosen, colour turned to grey,
    MONOCHROME1 inverted), and what looks like no image, is told in the volume's notices. Modality, scanner, padding and
    the file's window come from DICOM only. Raises VolumeError or GeometryError with a sentence for the user,
    SeveralVolumesError where one of several has to be named; nothing in it identifies a patient but the path that was
    given and the names of files beside it.
    """
    path = Path(path)
    check_readable(path)
    if path.is_dir():
        pictures = pictures_in(path)
        return read_picture_folder(pictures) if pictures else read_dicom_folder(path, volume, on_progress)
    if path.name.lower().endswith(".seg.nrrd"):
        raise VolumeError(f"{path.name} is a segmentation, not an image. Choose the image it was made on.")
    screen_file(path)
    if path.suffix.lower() == ".zip":
        with unpacked(path) as folder:
            return read_dicom_folder(folder, volume, on_progress)
    if is_dicom(path):
        return read_dicom_file(path, volume, on_progress)
    if volume is not None and volume.strip() != "1":
        raise SeveralVolumesError(f'{path.name} holds one volume: there is none called "{volume}".')
    image = read_image_file(path).as_shown()
    notices = (*image.notices, *doubts(image.array))
    return Volume(image.array, image.geometry, notices=notices, measured=path.suffix.lower() not in PICTURE_SUFFIXES)
