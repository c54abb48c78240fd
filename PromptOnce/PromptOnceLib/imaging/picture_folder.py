"""A folder of pictures as the slices of one volume."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from PromptOnceLib.errors import VolumeError
from PromptOnceLib.imaging.dicom.tags import is_dicom
from PromptOnceLib.imaging.formats.white_is_zero import NOTICE
from PromptOnceLib.imaging.image_file import PICTURE_SUFFIXES, check_readable, read_image_file
from PromptOnceLib.imaging.volume import Geometry, Volume

_NUMBER = re.compile(r"(\d+)")


def pictures_in(folder: Path) -> list[Path]:
    """The pictures that lie directly in a folder, in natural order (2 before 10); none where it holds DICOM files."""
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    pictures = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES]
    for path in pictures:
        check_readable(path)
    if not pictures or any(map(is_dicom, files)):
        return []
    return sorted(pictures, key=_natural)


def read_picture_folder(pictures: list[Path]) -> Volume:
    """Volume of which every picture is a slice, of 1 mm where the pictures state no size, with notices.

    pictures: in the order of the slices. Raises VolumeError for pictures of several sizes or pages.
    """
    images = [read_image_file(path).as_shown() for path in pictures]
    shape, spacing = images[0].array.shape, images[0].geometry.spacing
    if shape[0] > 1:
        raise VolumeError(
            f"{pictures[0].name} holds {shape[0]} pages: it is a volume of its own. Choose the file, not its folder."
        )
    for path, image in zip(pictures, images, strict=True):
        if image.array.shape != shape:
            raise VolumeError(
                f"{pictures[0].name} has {shape[1]} rows and {shape[2]} columns, {path.name} has "
                f"{image.array.shape[1]} and {image.array.shape[2]}: the pictures of the folder are no slices of one "
                "volume. Choose a single picture, or a folder of slices."
            )
    array = np.concatenate([image.array for image in images])
    geometry = Geometry((shape[2], shape[1], len(images)), spacing)
    notices = [
        f"The {len(images)} pictures of the folder were read as slices in the order of the numbers in their names, "
        f"{pictures[0].name} first and {pictures[-1].name} last. The distance between slices is not known: 1 mm is "
        "assumed."
    ]
    missing = _missing(pictures)
    if missing:
        notices.append(f"Slices may be missing: there is no picture with the number {missing}.")
    if any(image.coloured for image in images):
        notices.append("Pictures in colour were turned to grey (luminance).")
    if any(NOTICE in image.notices for image in images):
        notices.append("Pictures with inverted grey values (white is 0) were turned so that bone is bright.")
    return Volume(array, geometry, notices=tuple(notices), measured=False)


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Sorts by numbers where names differ in a number, by letters in any case elsewhere."""
    parts = _NUMBER.split(path.name.lower())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], path.name


def _missing(pictures: list[Path]) -> str:
    """Numbers left out among names that differ in one number alone; empty where there are none, or none can be told."""
    names = [_NUMBER.split(path.stem) for path in pictures]
    if len({len(name) for name in names}) != 1:
        return ""
    varying = [index for index in range(len(names[0])) if len({name[index] for name in names}) > 1]
    if len(varying) != 1 or varying[0] % 2 == 0:
        return ""
    numbers = sorted(int(name[varying[0]]) for name in names)
    left_out = sorted(set(range(numbers[0], min(numbers[-1], numbers[0] + 10_000))) - set(numbers))
    steps = set(np.diff(numbers).tolist())
    if not left_out or len(steps) == 1:  # every second one, for example, is a choice
        return ""
    return ", ".join(map(str, left_out[:5])) + (f" and {len(left_out) - 5} others" if len(left_out) > 5 else "")
