"""A segmentation whose voxels are those of the image, although its file stores them in another order, or only some.

3D Slicer stores a segmentation of an image with left-handed axes in the opposite order along k, and may leave out what
lies around the segments; a DICOM Segmentation leaves out empty slices.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from PromptOnceLib.errors import GeometryError
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.io import SegmentationFile


def on_grid(file: SegmentationFile, grid: Geometry, path: Path) -> SegmentationFile:
    """The segmentation with its masks on the grid of the image, what the file leaves out being empty.

    Raises GeometryError where its voxels are not some of the image's, or the axes are swapped.
    """
    if file.geometry.same_grid(grid):
        return file._replace(geometry=grid)
    places = file.geometry.places_in(grid)
    if places is None or not np.array_equal(np.abs(places[:, :3]), np.eye(3)):
        raise _elsewhere(path)
    steps, first = np.diag(places), places[:, 3]
    last = first + steps * (np.array(file.geometry.size) - 1)
    start, stop = np.minimum(first, last), np.maximum(first, last) + 1
    if (start < 0).any() or (stop > grid.size).any():
        raise _elsewhere(path)
    place = tuple(slice(*ends) for ends in zip(start[::-1].tolist(), stop[::-1].tolist(), strict=True))
    order = tuple(slice(None, None, step) for step in steps[::-1].tolist())
    masks = [np.zeros(grid.shape, np.uint8) for _ in file.masks]
    for mask, stored in zip(masks, file.masks, strict=True):
        mask[place] = stored[order]
    return SegmentationFile(file.segments, masks, grid)


def _elsewhere(path: Path) -> GeometryError:
    return GeometryError(
        f"{path.name} does not lie on the grid of the image. Give the image that the segmentation was made from."
    )
