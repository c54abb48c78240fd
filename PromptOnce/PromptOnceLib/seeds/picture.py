"""The frame of a seed as a picture for people: as radiologists expect it, alone or with the masks' contours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.imaging.orientation import DisplayView, FrameOrientation, turn_between
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.segmentation.segment import segments_of
from PromptOnceLib.segmentation.slice_picture import picture_size, slice_picture

_SHOWN = {
    "axial": FrameOrientation(rows="P", columns="L"),
    "coronal": FrameOrientation(rows="I", columns="L"),
    "sagittal": FrameOrientation(rows="I", columns="P"),
}
_ROOM = (1000, 1000)  # pixels; a smaller picture is enlarged, so that small text can be read


def display_of(orientation: FrameOrientation) -> DisplayView:
    """How a frame of this orientation is shown: left of the patient on the right, anterior or superior at the top."""
    return turn_between(orientation, _SHOWN[orientation.plane])


def seed_picture(seed: Seed, room: tuple[int, int] = _ROOM) -> Image.Image:
    """RGB picture of the frame with the contours of the masks, in true proportions, as large as the room allows."""
    record = seed.record
    view = display_of(record.orientation)
    colors = [segment.color for segment in segments_of(record.objects)]
    frame = np.ascontiguousarray(view.of_slices(seed.frame))
    size = picture_size(frame.shape, view.of_spacing(record.spacing[:2]), room)
    return slice_picture(frame, [view.of_slices(mask) for mask in seed.masks], colors, None, size)


def write_seed_picture(seed: Seed, path: str | Path) -> None:
    """Write seed_picture as a PNG. Raises InputError where that cannot be done."""
    _write(seed_picture(seed), Path(path))


def write_frame_picture(
    frame: NDArray[np.uint8], orientation: FrameOrientation, spacing: tuple[float, float], path: str | Path
) -> None:
    """Write a frame, uint8 (rows, columns), alone, as a PNG, so that text in it can be found.

    spacing: mm between rows and between columns. No pixel is lost: a frame larger than the room keeps its size. Raises
    InputError where the file cannot be written.
    """
    view = display_of(orientation)
    shown = np.ascontiguousarray(view.of_slices(frame))
    room = max(_ROOM[0], *shown.shape), max(_ROOM[1], *shown.shape)
    _write(slice_picture(shown, [], [], None, picture_size(shown.shape, view.of_spacing(spacing), room)), Path(path))


def _write(picture: Image.Image, path: Path) -> None:
    if path.suffix.lower() != ".png":
        raise InputError(f"{path.name}: the picture is a PNG. Choose a name that ends in .png.")
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")
