"""One image file read with SimpleITK as a 3D grey image, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image, UnidentifiedImageError

from PromptOnceLib.errors import GeometryError, OutOfMemoryError, VolumeError
from PromptOnceLib.files.names import check_name, check_ordinary
from PromptOnceLib.imaging.nifti_check import check_nifti_complete
from PromptOnceLib.imaging.volume import Array, Geometry, sheared_error

# Pictures, which have pixels but no place in the patient.
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})

_KINDS = "NIfTI, NRRD, MHA or MHD, DICOM, PNG, JPEG and TIFF"

# Luminance of red, green and blue (ITU-R BT.601).
_LUMINANCE = (0.299, 0.587, 0.114)


@dataclass(frozen=True, eq=False)
class ImageFile:
    """array: KJI, of the type in the file; notices: sentences about what was changed while reading.

    coloured: whether the file had colour channels that differ, so that the values are luminance.
    """

    array: Array
    geometry: Geometry
    notices: tuple[str, ...] = ()
    coloured: bool = False


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keeps ITK's warnings off stderr for the time of a block: they speak to programmers, and quote headers."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def check_readable(path: Path) -> None:
    """Raises VolumeError for a path that does not exist, may not be opened, or is an empty file."""
    check_name(path, VolumeError)
    try:
        check_ordinary(path, VolumeError)
        if path.is_dir():
            next(path.iterdir(), None)
            return
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise VolumeError(f"{path} does not exist. Check the name and the folder.") from None
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise VolumeError(f"{path} cannot be opened ({reason}). Check that you may read it.") from error
    if empty:
        raise VolumeError(f"{path} is an empty file. Copy or export the image again.")


def read_image_file(path: Path) -> ImageFile:
    """Image of one file, not a folder; DICOM values are rescaled (HU) and MONOCHROME1 inverted by ITK.

    2D becomes one slice, colour becomes grey with a notice, a fourth dimension of length 1 is dropped.
    Raises VolumeError for files that cannot be read, 4D, vector and complex images; GeometryError for a shear.
    """
    check_readable(path)
    check_nifti_complete(path)
    with quiet_itk():
        try:
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
            _check_kind(reader, path)
            image = reader.Execute()
        except RuntimeError as error:
            picture = _grey_picture_with_alpha(path)
            if "bad_alloc" in str(error) or "allocate memory" in str(error):
                raise OutOfMemoryError(
                    f"There is not enough memory to read {path.name}: close other programs, or crop the image.",
                    str(error),
                ) from error
            if picture is None:
                raise _unreadable(path, str(error)) from error
            image = picture
        while image.GetDimension() > 3:
            image = image[(slice(None),) * (image.GetDimension() - 1) + (0,)]
        if image.GetDimension() == 2:
            image = sitk.JoinSeries(image)
    array = sitk.GetArrayFromImage(image)
    notices, coloured = [], False
    if image.GetNumberOfComponentsPerPixel() > 1:
        coloured = bool((array[..., 1:3] != array[..., :1]).any())
        array, notice = grey_from_colour(array)
        notices.append(notice)
    geometry = Geometry.from_image(image)
    if path.suffix.lower() in PICTURE_SUFFIXES and np.allclose(geometry.spacing, 1.0):
        notices.append(f"{path.name} states no pixel size: 1 mm is assumed, so distances are in pixels.")
    return ImageFile(array, geometry, tuple(notices), coloured)


def grey_from_colour(array: Array) -> tuple[Array, str]:
    """Luminance of a colour image (..., 3 or 4), of the same type, and a notice; the alpha channel is ignored."""
    grey = np.zeros(array.shape[:-1], dtype=np.float32)
    for channel, weight in enumerate(_LUMINANCE):
        grey += array[..., channel] * np.float32(weight)
    notice = "The image is in colour: it was turned to grey (luminance)."
    if array.shape[-1] == 4 and np.ptp(array[..., 3]) > 0:
        notice += " Its transparency was ignored."
    return np.rint(grey).astype(array.dtype), notice


def _check_kind(reader: sitk.ImageFileReader, path: Path) -> None:
    size, components = reader.GetSize(), reader.GetNumberOfComponents()
    if any(count > 1 for count in size[3:]):
        raise VolumeError(
            f"{path.name} is a 4D image of {int(np.prod(size[3:]))} volumes. Save the volume you want as a 3D image."
        )
    kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    if "complex" in kind:
        raise VolumeError(f"{path.name} holds complex numbers. Save the magnitude as a 3D image.")
    colour = components in (3, 4) and kind.endswith(("8-bit unsigned integer", "16-bit unsigned integer"))
    if components > 1 and not colour:
        raise VolumeError(
            f"{path.name} holds {components} values per voxel (a vector image). Save one of them as a 3D image."
        )


def _grey_picture_with_alpha(path: Path) -> sitk.Image | None:
    """Grey pixels of a PNG or TIFF with an alpha channel, a kind SimpleITK cannot read; None for any other file."""
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        return None
    try:
        with Image.open(path) as picture:
            return sitk.GetImageFromArray(np.asarray(picture)[..., 0].copy()) if picture.mode == "LA" else None
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return None


def _unreadable(path: Path, reason: str) -> VolumeError | GeometryError:
    if "orthonormal" in reason:
        return sheared_error(path.name)
    hint = ""
    if path.suffix.lower() in (".mhd", ".nhdr", ".hdr"):
        hint = " The file with its voxels must lie beside it."
    return VolumeError(
        f"{path.name} cannot be read: it is damaged or not an image of a known kind ({_KINDS}).{hint}",
        detail=reason.strip().splitlines()[-1] if reason.strip() else "",
    )
