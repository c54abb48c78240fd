"""Results that another program stored in the opposite order, or in part, lie on the image's grid again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from PromptOnceLib.cases.on_grid import on_grid
from PromptOnceLib.errors import GeometryError
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.segmentation.io import SegmentationFile
from PromptOnceLib.segmentation.segment import Segment

GRID = Geometry((6, 5, 4), (0.7, 0.8, 2.5), (3.0, -4.0, 5.0), (0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0))
PATH = Path("r.seg.nrrd")


def stored(mask: np.ndarray, part: tuple[slice, ...]) -> SegmentationFile:
    """A part of a mask on GRID (slices of k, j, i, each forward or backward) as a file of its own."""
    kept = mask[part]
    at = [range(count)[one] for one, count in zip(part, GRID.shape, strict=True)][::-1]
    matrix = GRID.ijk_to_lps()
    origin = matrix @ [*(indices[0] for indices in at), 1.0]
    direction = np.reshape(GRID.direction, (3, 3)) * [np.sign(indices.step) for indices in at]
    place = tuple(map(float, origin[:3])), tuple(direction.ravel().tolist())
    return SegmentationFile([Segment("a")], [kept], Geometry(kept.shape[::-1], GRID.spacing, *place))


@pytest.mark.parametrize(
    "part",
    [
        np.s_[:, :, :],
        np.s_[::-1, :, :],
        np.s_[::-1, ::-1, ::-1],
        np.s_[1:3, 1:4, 2:6],
        np.s_[2:0:-1, 1:4, 5:1:-1],
    ],
)
def test_voxels_come_back_to_their_places(part: tuple[slice, ...]) -> None:
    mask = np.zeros(GRID.shape, np.uint8)
    mask[1:3, 1:4, 2:5] = np.arange(18).reshape(2, 3, 3) % 4 > 0
    found = on_grid(stored(mask, part), GRID, PATH)
    np.testing.assert_array_equal(found.masks[0], mask)
    assert found.geometry == GRID


@pytest.mark.parametrize(
    ("size", "spacing", "origin"),
    [
        ((6, 5, 4), GRID.spacing, (3.3, -4.0, 5.0)),
        ((6, 5, 4), (0.7, 0.8, 5.0), GRID.origin),
        ((6, 5, 5), GRID.spacing, GRID.origin),
        ((6, 5, 4), GRID.spacing, (3.0, -4.0, 105.0)),
    ],
)
def test_other_voxels_are_refused(size: tuple, spacing: tuple, origin: tuple) -> None:
    other = Geometry(size, spacing, origin, GRID.direction)
    with pytest.raises(GeometryError, match=r"r\.seg\.nrrd does not lie on the grid"):
        on_grid(SegmentationFile([Segment("a")], [np.ones(other.shape, np.uint8)], other), GRID, PATH)
