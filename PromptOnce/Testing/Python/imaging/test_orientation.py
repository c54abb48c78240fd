"""Pictures of slices are turned as radiologists expect them, whatever the order and direction of the voxels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from PromptOnceLib.imaging.facts import edge_letters
from PromptOnceLib.imaging.orientation import OPPOSITE, DisplayView
from PromptOnceLib.imaging.volume import Geometry

PLANES = {"axial": 2, "coronal": 1, "sagittal": 0}  # the LPS axis their normal lies on
TOP_LEFT = {"axial": "RA", "coronal": "RS", "sagittal": "SA"}  # what the picture's top left corner is nearest to


def patient() -> dict[str, np.ndarray]:
    """Distances towards each letter on a grid of 4 x 5 x 6 voxels in LPS order (x, y, z)."""
    x, y, z = np.meshgrid(np.arange(4), np.arange(5), np.arange(6), indexing="ij")
    return {"R": -x, "A": -y, "S": z}


@pytest.mark.parametrize("plane", PLANES)
def test_the_corner_is_the_same_for_every_order_and_direction_of_voxels(plane: str) -> None:
    for order in itertools.permutations(range(3)):  # i, j, k run along these LPS axes
        for signs in itertools.product((1, -1), repeat=3):
            direction = np.zeros((3, 3))
            for voxel_axis, (lps, sign) in enumerate(zip(order, signs, strict=True)):
                direction[lps, voxel_axis] = sign
            geometry = Geometry((4, 4, 4), direction=tuple(direction.ravel()))
            axis = 2 - order.index(PLANES[plane])
            view = DisplayView.of(geometry, axis)
            left, right, upper, _ = view.of_edges(edge_letters(geometry, axis))
            assert {left, upper} == set(TOP_LEFT[plane]), (plane, order, signs)
            assert right == OPPOSITE[left]
            voxel = np.zeros((1, 4, 4))
            voxel[0, 1, 3] = 1
            x, y = view.of_point((3, 1), (4, 4))
            assert view.of_slices(voxel)[0, y, x] == 1
            for letter in TOP_LEFT[plane]:
                stored = np.transpose(patient()[letter], order[::-1])  # KJI
                steps = tuple(slice(None, None, sign) for sign in signs[::-1])
                shown = view.of_slices(np.moveaxis(stored[steps], axis, 0))[0]
                assert shown[0, 0] == shown.max(), (plane, order, signs, letter)


def test_spacing_is_exchanged_with_rows_and_columns() -> None:
    upright = DisplayView(exchange=False, mirror_rows=True, mirror_columns=False)
    lying = DisplayView(exchange=True, mirror_rows=False, mirror_columns=False)
    assert upright.of_spacing((1.0, 2.0)) == (1.0, 2.0)
    assert lying.of_spacing((1.0, 2.0)) == (2.0, 1.0)
    assert lying.of_slices(np.zeros((7, 3, 5))).shape == (7, 5, 3)
