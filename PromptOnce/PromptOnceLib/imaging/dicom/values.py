"""The voxels of frames that were put in order, in the modality's own values."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import UID

from PromptOnceLib.errors import VolumeError
from PromptOnceLib.imaging.dicom.decoding import decode
from PromptOnceLib.imaging.dicom.frames import Frame
from PromptOnceLib.imaging.dicom.tags import as_it_is
from PromptOnceLib.imaging.image_file import grey_from_colour
from PromptOnceLib.imaging.volume import Array

INVERTED = "The image is stored with inverted grey values (MONOCHROME1): it was turned so that bone is bright."
KEPT = "The image asks to be shown with inverted greys (MONOCHROME1): its values were kept, the highest are bright."

# Modalities whose values are measured, whatever way they are to be shown.
_MEASURED = frozenset({"CT", "PT", "NM"})

# What is needed to decode pixels: SamplesPerPixel to PixelRepresentation, palettes, and the pixels with their offsets.
_DECODING = frozenset(
    {0x00280002, 0x00280004, 0x00280006, 0x00280008, 0x00280010, 0x00280011, 0x00280034, 0x00280100, 0x00280101}
    | {0x00280102, 0x00280103, *range(0x00281101, 0x00281104), *range(0x00281201, 0x00281204)}
    | {*range(0x00281221, 0x00281224), 0x7FE00001, 0x7FE00002, 0x7FE00010}
)
_SECONDARY_CAPTURE, _MULTI_FRAME = UID("1.2.840.10008.5.1.4.1.1.7"), UID("1.2.840.10008.5.1.4.1.1.7.3")


@dataclass(frozen=True, eq=False)
class Values:
    """array: (frames, rows, columns). padding: ranges of values that mean that nothing was measured. window: lower and
    upper end, the median of what the frames say; None where they say nothing.
    """

    array: Array
    padding: tuple[tuple[float, float], ...]
    window: tuple[float, float] | None
    notices: tuple[str, ...] = ()


def read_values(frames: list[Frame]) -> Values:
    """Values of frames in their order, rescaled each by its own rule; colour becomes grey, with a notice.

    MONOCHROME1 is turned after rescaling, with one constant for all frames, unless the modality measures (CT, PET): so
    equal tissue has equal values on all slices. Raises VolumeError for files that cannot be decoded.
    """
    cut = next((frame for frame in frames if frame.file.cut), None)
    if cut is not None:
        raise VolumeError(
            f"{cut.path.name} is damaged: fewer pixels follow than its header announces. Copy or export it again."
        )
    array = _rescaled_by_reader(frames) if all(map(_is_plain, frames)) else _rescaled(frames)
    notices: tuple[str, ...] = ()
    if array.ndim == 4:
        array, notices = grey_from_colour(array)
    padding = _paddings(frames, array.dtype)
    window = _window(frames)
    if any(frame.file.monochrome1 for frame in frames):
        if frames[0].file.scanner.modality in _MEASURED:
            return Values(array, padding, window, (*notices, KEPT))
        mirror = _mirror(frames)
        array = _turned(array, mirror)
        padding = tuple((mirror - high, mirror - low) for low, high in padding)
        window = None if window is None else (mirror - window[1], mirror - window[0])
        notices += (INVERTED,)
    return Values(array, padding, window, notices)


def _is_plain(frame: Frame) -> bool:
    """Whether the reader gives the right values by itself: one rule for the file, no table, not inverted."""
    return not (frame.file.enhanced or frame.file.count > 1 or frame.file.monochrome1 or frame.transform.table)


def _rescaled_by_reader(frames: list[Frame]) -> Array:
    # Rescaled values may be whole numbers on some slices only; the first slice's type would cut off the others.
    rules = {(frame.transform.slope, frame.transform.intercept, frame.transform.stored) for frame in frames}
    compressed = any(frame.file.compressed for frame in frames)
    try:
        return decode([frame.path for frame in frames], frames[0].path.name, compressed, as_float=len(rules) > 1)
    except RuntimeError as error:
        raise _undecodable(frames[0].path, len(frames)) from error


def _rescaled(frames: list[Frame]) -> Array:
    """Values by each frame's own rule: integers where all rules give integers, else float32."""
    whole = all(frame.transform.whole for frame in frames)
    array: Array | None = None
    stored: tuple[Path, Array] | None = None
    for number, frame in sorted(enumerate(frames), key=lambda item: str(item[1].path)):
        if stored is None or stored[0] != frame.path:
            stored = frame.path, stored_values(frame.path, frame.file.compressed)
        pixels = stored[1]
        if frame.index >= len(pixels) or pixels.shape[1:3] != frame.file.size[::-1]:
            raise _undecodable(frame.path, 1)
        if array is None:
            kind = _kind(frames, pixels.dtype) if whole and pixels.dtype.kind in "iu" else np.dtype(np.float32)
            if pixels.ndim == 4:
                kind = pixels.dtype
            array = np.empty((len(frames), *pixels.shape[1:]), dtype=kind)
        array[number] = pixels[frame.index] if pixels.ndim == 4 else frame.transform(pixels[frame.index])
    assert array is not None
    return array


def _kind(frames: list[Frame], stored: np.dtype[Any]) -> np.dtype[Any]:
    """The stored type where it holds all values that can occur, else a larger one."""
    ends = [end for frame in frames for end in frame.transform.ends()]
    for kind in (stored, np.dtype(np.int16), np.dtype(np.int32)):
        limits = np.iinfo(kind)
        if limits.min <= min(ends) and max(ends) <= limits.max:
            return kind
    return np.dtype(np.float32)


def stored_values(path: Path, compressed: bool) -> Array:
    """Stored values of all frames of a file: (frames, rows, columns), with a last axis for colour.

    The decoder gets a copy of the file without anything by which it would change the values, or that tells of a
    patient.
    """
    with tempfile.TemporaryDirectory(prefix="promptonce-") as folder:
        bare = Path(folder) / "pixels.dcm"
        try:
            with as_it_is():
                dataset = pydicom.dcmread(path, force=True)
                for tag in [tag for tag in dataset.keys() if int(tag) not in _DECODING]:  # noqa: SIM118
                    del dataset[tag]
                if dataset.PhotometricInterpretation == "MONOCHROME1":
                    dataset.PhotometricInterpretation = "MONOCHROME2"
                several = int(dataset.get("NumberOfFrames") or 1) > 1
                kind = _MULTI_FRAME if several else _SECONDARY_CAPTURE
                dataset.SOPClassUID, dataset.SOPInstanceUID = kind, UID("1.2.3")
                dataset.file_meta.MediaStorageSOPClassUID = kind
                dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
                dataset.save_as(bare)
        except OSError:
            raise
        except Exception as error:  # the parser raises whatever a damaged file brings about
            raise _undecodable(path, 1) from error
        try:
            return decode([bare], path.name, compressed)
        except RuntimeError as error:
            raise _undecodable(path, 1) from error


def _undecodable(path: Path, files: int) -> VolumeError:
    what = (
        f"{path.name} cannot be read: it"
        if files == 1
        else f"The {files} files of the series cannot be read together: one"
    )
    return VolumeError(f"{what} is damaged or compressed in an unsupported way. Export the series again, uncompressed.")


def _paddings(frames: list[Frame], kind: np.dtype[Any]) -> tuple[tuple[float, float], ...]:
    """Distinct ranges of padding as they are in an array of this type."""
    ranges = {frame.transform.padding_values() for frame in frames}
    rounded = {tuple(float(kind.type(end)) for end in one) for one in ranges if one is not None}
    return tuple(sorted((low, high) for low, high in rounded))


def _window(frames: list[Frame]) -> tuple[float, float] | None:
    windows = [frame.window for frame in frames if frame.window is not None]
    if len(windows) < len(frames):
        return None
    lower, upper = np.median(np.array(windows), axis=0).tolist()
    return lower, upper


def _mirror(frames: list[Frame]) -> float:
    """The sum of the lowest and the highest value that frames can hold."""
    ends = [frame.transform.ends() for frame in frames]
    return min(low for low, _ in ends) + max(high for _, high in ends)


def _turned(array: Array, mirror: float) -> Array:
    turned: NDArray[np.float64] = mirror - array.astype(np.float64)
    return turned.astype(array.dtype)
