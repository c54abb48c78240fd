"""A segmentation whose voxels are those of the image, although its file stores them in another order, or only some.

3D Slicer stores a segmentation of an image with left-handed axes in the opposite order along k, and may leave out what
lies around the segments; a DICOM Segmentation leaves out empty slices.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from PromptOnceLib.errors import GeometryError
from PromptOnceLib.imaging.nifti_forms import farthest_corner
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.io import SegmentationFile

_SAME_PLACE = 0.05  # voxels; what is nearer comes from rounding


def on_grid(file: SegmentationFile, grid: Geometry, path: Path) -> SegmentationFile:
    """The segmentation with its masks on the grid of the image, what the file leaves out being empty.

    Raises GeometryError where its voxels are not some of the image's, or the axes are swapped.
    """
    if file.geometry.same_grid(grid):
        return file._replace(geometry=grid)
    to_grid = np.linalg.inv(grid.ijk_to_lps()) @ file.geometry.ijk_to_lps()
    whole = to_grid.round()
    steps = np.diag(whole[:3, :3]).astype(int)
    straight = np.array_equal(whole[:3, :3], np.diag(steps)) and np.array_equal(np.abs(steps), np.ones(3))
    if not straight or farthest_corner(to_grid, whole, file.geometry.size) > _SAME_PLACE:
        raise _elsewhere(path)
    first = whole[:3, 3].astype(int)
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
