"""One image file read with SimpleITK as a 3D grey image, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image

from PromptOnceLib.errors import GeometryError, OutOfMemoryError, VolumeError
from PromptOnceLib.files.names import check_name, check_ordinary
from PromptOnceLib.imaging.formats.complete_pictures import check_picture_complete
from PromptOnceLib.imaging.formats.nifti import is_nifti, nifti_size, read_nifti
from PromptOnceLib.imaging.formats.pixel_kind import check_kind, several_volumes, unreadable
from PromptOnceLib.imaging.formats.quiet import quiet_itk
from PromptOnceLib.imaging.formats.white_is_zero import NOTICE, turned, white_is_zero
from PromptOnceLib.imaging.volume import Array, Geometry, sheared_error
from PromptOnceLib.processes.memory_limit import says_no_memory

# Pictures, which have pixels but no place in the patient.
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})

_KINDS = "NIfTI, NRRD, MHA or MHD, DICOM, PNG, JPEG and TIFF"
_VOLUMES_WITHOUT_COLOUR = frozenset({".nrrd", ".nhdr", ".mha", ".mhd"})

# What the values of a voxel are, as SimpleITK passes it on from the header of NRRD; and keys of 3D Slicer's files that
# hold several images.
_NRRD_KIND = "NRRD_kinds[pixel]"
_KEYS_OF_SEQUENCES = ("DWMRI_", "MultiVolume.", "axis 0 index")

# Luminance of red, green and blue (ITU-R BT.601).
_LUMINANCE = (0.299, 0.587, 0.114)


@dataclass(frozen=True, eq=False)
class ImageFile:
    """array: KJI, of the type in the file; notices: sentences about what was changed while reading.

    coloured: whether the file had colour channels that differ, so that the values are luminance. inverted: whether the
    file says that its values are to be shown inverted, which a label map is not.
    """

    array: Array
    geometry: Geometry
    notices: tuple[str, ...] = ()
    coloured: bool = False
    inverted: bool = False

    def as_shown(self) -> ImageFile:
        """With the values turned, and a notice, where they are to be shown inverted."""
        if not self.inverted:
            return self
        return replace(self, array=turned(self.array), notices=(*self.notices, NOTICE), inverted=False)


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
    if is_nifti(path):
        found = read_nifti(path)
        array, geometry, notices = found.array, found.geometry, list(found.notices)
    else:
        array, geometry = _read_with_itk(path)
        notices = []
    coloured = array.ndim > 3 and has_colour(array)
    inverted = array.ndim == 3 and array.dtype.kind == "u" and white_is_zero(path)
    if array.ndim > 3:
        array, grey_notices = grey_from_colour(array)
        notices += grey_notices
    if path.suffix.lower() in PICTURE_SUFFIXES and np.allclose(geometry.spacing, 1.0):
        notices.append(f"{path.name} states no pixel size: 1 mm is assumed, so distances are in pixels.")
    return ImageFile(array, geometry, tuple(notices), coloured, inverted)


def read_size(path: Path) -> tuple[int, int, int]:
    """Voxels along i, j, k of one image file, from its header alone; a picture of one page has one along k.

    Raises VolumeError for a file whose header cannot be read.
    """
    check_readable(path)
    if is_nifti(path):
        return nifti_size(path)
    with quiet_itk():
        try:
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
            size = reader.GetSize()
        except RuntimeError as error:
            picture = _grey_picture_with_alpha(path)
            if picture is None:
                raise _unreadable(path, str(error)) from error
            size = picture.GetSize()
    i, j, k = (*size, 1, 1)[:3]
    return i, j, k


def _read_with_itk(path: Path) -> tuple[Array, Geometry]:
    """Voxels (k, j, i) or (k, j, i, channels), and their grid."""
    check_picture_complete(path)
    with quiet_itk():
        try:
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
            _check_header(reader, path)
            image = reader.Execute()
        except RuntimeError as error:
            picture = _grey_picture_with_alpha(path)
            if says_no_memory(error):
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
    return sitk.GetArrayFromImage(image), Geometry.from_image(image)


def has_colour(array: Array) -> bool:
    """Whether the channels of an image (..., 3 or 4) differ: grey pictures, too, are saved with three alike."""
    return bool((array[..., 1:3] != array[..., :1]).any())


def grey_from_colour(array: Array) -> tuple[Array, tuple[str, ...]]:
    """Luminance of an image with channels (..., 3 or 4), of the same type, and notices of what is lost by it."""
    grey = np.zeros(array.shape[:-1], dtype=np.float32)
    for channel, weight in enumerate(_LUMINANCE):
        grey += array[..., channel] * np.float32(weight)
    notices: tuple[str, ...] = ()
    if has_colour(array):
        notices = ("The image is in colour: it was turned to grey (luminance).",)
    if array.shape[-1] == 4 and np.ptp(array[..., 3]) > 0:
        notices += ("The image's transparency was ignored.",)
    return np.rint(grey).astype(array.dtype), notices


def _check_header(reader: sitk.ImageFileReader, path: Path) -> None:
    components = reader.GetNumberOfComponents()
    kind = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    if components > 1 and _is_sequence(reader):
        raise several_volumes(path.name, components, "a sequence")
    check_kind(
        path.name,
        volumes=int(np.prod(reader.GetSize()[3:])),
        components=components,
        colour=components in (3, 4) and kind.endswith(_colour_depths(reader, path)),
        complex_numbers="complex" in kind,
    )


def _is_sequence(reader: sitk.ImageFileReader) -> bool:
    """Whether the values of a voxel in NRRD are images of their own: a list, diffusion directions."""
    keys = reader.GetMetaDataKeys()
    kind = reader.GetMetaData(_NRRD_KIND) if _NRRD_KIND in keys else ""
    return kind == "list" or any(key.startswith(_KEYS_OF_SEQUENCES) for key in keys)


def _colour_depths(reader: sitk.ImageFileReader, path: Path) -> tuple[str, ...]:
    """Types of values that make a colour: bytes; 16 bits only where it is said, or in a picture or DICOM."""
    named = _NRRD_KIND in reader.GetMetaDataKeys() and reader.GetMetaData(_NRRD_KIND).endswith("-color")
    of_volumes = path.suffix.lower() in _VOLUMES_WITHOUT_COLOUR and not named
    return ("8-bit unsigned integer",) if of_volumes else ("8-bit unsigned integer", "16-bit unsigned integer")


def _grey_picture_with_alpha(path: Path) -> sitk.Image | None:
    """Grey pixels of a PNG or TIFF with an alpha channel, a kind SimpleITK cannot read; None for any other file."""
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        return None
    try:
        with Image.open(path) as picture:
            return sitk.GetImageFromArray(np.asarray(picture)[..., 0].copy()) if picture.mode == "LA" else None
    except Exception:  # Pillow raises whatever a damaged picture brings about
        return None


def _unreadable(path: Path, reason: str) -> VolumeError | GeometryError:
    if "orthonormal" in reason:
        return sheared_error(path.name)
    hint = ""
    if path.suffix.lower() in (".mhd", ".nhdr"):
        hint = " The file with its voxels must lie beside it."
    return unreadable(path.name, _KINDS, hint, reason.strip().splitlines()[-1] if reason.strip() else "")
