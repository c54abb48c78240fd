"""What the tests of segmentation files share: a grid, and objects on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.segment import Segment

Mask = NDArray[np.uint8]

SIZE, SPACING, ORIGIN = (5, 4, 3), (0.7, 1.9, 3.3), (-120.25, 33.1, 871.6)
GRID = Geometry(SIZE, SPACING, ORIGIN)
LIVER = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes - DICOM master list~^^~^^"
)


def apart(geometry: Geometry = GRID) -> list[Mask]:
    """Two objects without a common voxel, different along every axis."""
    first, second = np.zeros((2, *geometry.shape), np.uint8)
    first[0, 0, :2], first[1, 2, 1] = 1, 1
    second[2, 1:, 3], second[0, 3, 4] = 1, 1
    return [first, second]


def segments(count: int) -> list[Segment]:
    return [Segment(f"object {index}", (0.25, 0.5, index / 8)) for index in range(count)]
