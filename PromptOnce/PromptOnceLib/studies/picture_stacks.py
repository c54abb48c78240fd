"""Independent pictures of a group, such as X-rays, put together as the slices of one stack.

Prompt Once, section 3.5: the pictures of the Montgomery set have nothing to do with each other in time or space, but
resemble each other, and are propagated through as if they were a video. SAM 2 brings every frame to a square of its own
size, whatever the frame's; here pictures of different sizes become slices of such squares beforehand, 1024 pixels wide,
averaged where they shrink, and masks by nearest neighbour. Figures are those of these squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.batch.planning.case_names import distinct_names
from PromptOnceLib.errors import CancelledError, InputError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Array, Geometry
from PromptOnceLib.studies.study_cases import ReadyCase, Say, labels_of, write_image

SIDE = 1024
"""Rows and columns of a stack's slices: what SAM 2 sees."""


def stacks_of(
    cases: Sequence[ReadyCase], folder: Path, say: Say, should_cancel: Callable[[], bool] = lambda: False
) -> tuple[ReadyCase, ...]:
    """One case for each group, its slices the group's pictures in their order; written to the folder.

    Raises InputError for a case that is a volume of several slices, or whose files cannot be read, and CancelledError
    between two pictures.
    """
    found = []
    for group, name in distinct_names((case.group for case in cases), "pictures").items():
        pictures = [case for case in cases if case.group == group]
        say(f"{len(pictures)} pictures are put together as one stack.")
        found.append(_stack(group, name, pictures, folder, say, should_cancel))
    return tuple(found)


def _stack(
    group: str, name: str, cases: Sequence[ReadyCase], folder: Path, say: Say, should_cancel: Callable[[], bool]
) -> ReadyCase:
    image, reference = folder / f"{name}.nrrd", folder / f"{name}-reference.nrrd"
    frames, labels = [], []
    for case in cases:
        if should_cancel():
            raise CancelledError("Cancelled while the pictures were put together.")
        picture, mask = _squares(case, say)
        frames.append(picture)
        labels.append(mask)
    geometry = Geometry((SIDE, SIDE, len(cases)))
    write_image(image, geometry, np.stack(frames))
    write_image(reference, geometry, np.stack(labels))
    return ReadyCase(name, group, image, str(reference))


def _squares(case: ReadyCase, say: Say) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Picture and labels, (SIDE, SIDE)."""
    volume = read_volume(case.image)
    if 1 not in volume.geometry.shape:
        raise InputError(f"{case.name} is a volume of several slices, not a picture: leave it out of this study.")
    labels = labels_of(case, volume.geometry, say)
    axis = volume.geometry.shape.index(1)
    picture = Image.fromarray(_plane(volume.array, axis).astype(np.float32))
    mask = Image.fromarray(_plane(labels, axis).astype(np.uint8))
    size = (SIDE, SIDE)
    return (
        np.asarray(picture.resize(size, Image.Resampling.BILINEAR)),
        np.asarray(mask.resize(size, Image.Resampling.NEAREST)),
    )


def _plane(array: Array, axis: int) -> Array:
    plane: Array = np.moveaxis(array, axis, 0)[0]
    return plane
