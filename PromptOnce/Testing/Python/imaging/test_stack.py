"""The choice of the slice axis, and the frames along it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.test_volume import AXIS_DIRECTIONS
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.stack import (
    central_slice,
    choose_axis,
    make_stack,
    parse_axis,
    pixel_spacing,
    slices_along,
)
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.imaging.window import Window

# Voxel axes i, j, k run towards superior, left and posterior: axial slices lie along i, array axis 2.
SAGITTAL_ACQUISITION = (0, 1, 0, 0, 0, 1, 1, 0, 0)


@pytest.mark.parametrize(("spacing", "axis"), [((1, 1, 5), 0), ((1, 5, 1), 1), ((5, 1, 1), 2), ((0.9, 0.9, 1), 0)])
def test_slices_lie_along_the_axis_with_the_coarsest_spacing(spacing, axis):
    choice = choose_axis(Geometry((9, 9, 9), spacing))
    assert choice.axis == axis
    assert "coarsest" in choice.reason


def test_of_equal_spacings_the_axis_nearest_to_axial_is_taken():
    choice = choose_axis(Geometry((9, 9, 9), (1, 1, 1), direction=SAGITTAL_ACQUISITION))
    assert choice.axis == 2
    assert "axial" in choice.reason


def test_spacings_within_one_percent_count_as_equal():
    direction = SAGITTAL_ACQUISITION
    assert choose_axis(Geometry((9, 9, 9), (0.995, 0.5, 1.0), direction=direction)).axis == 2
    assert choose_axis(Geometry((9, 9, 9), (0.985, 0.5, 1.0), direction=direction)).axis == 0


def test_two_coarse_axes_tie_without_the_third():
    # Axial slices would lie along i, whose spacing is fine: of j and k the one nearer to superior-inferior is taken.
    tilted = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], float)
    angle = 0.1
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    geometry = Geometry((9, 9, 9), (0.5, 1, 1), direction=tuple((turn @ tilted).ravel()))
    assert choose_axis(geometry).axis == 0


@pytest.mark.parametrize(
    ("size", "spacing", "axis"),
    [((9, 9, 1), (2, 2, 0.1), 0), ((9, 1, 9), (2, 0.1, 2), 1), ((1, 9, 9), (0.1, 2, 2), 2)],
)
def test_an_axis_with_one_slice_is_the_stack_axis_whatever_the_spacing(size, spacing, axis):
    assert choose_axis(Geometry(size, spacing)).axis == axis


@given(st.sampled_from(AXIS_DIRECTIONS), st.sampled_from(["sagittal", "coronal", "axial"]))
def test_a_plane_gives_the_voxel_axis_along_its_normal(direction, plane):
    geometry = Geometry((9, 9, 9), direction=direction)
    axis = parse_axis(plane, geometry).axis
    along = np.reshape(direction, (3, 3))[:, 2 - axis]
    assert abs(along[["sagittal", "coronal", "axial"].index(plane)]) == 1


@pytest.mark.parametrize(("text", "axis"), [("k", 0), ("j", 1), ("i", 2), (" K ", 0), ("Auto", 2)])
def test_a_voxel_axis_can_be_named(text, axis):
    assert parse_axis(text, Geometry((9, 9, 9), (5, 1, 1))).axis == axis


@pytest.mark.parametrize("text", ["", "z", "0", "transverse"])
def test_any_other_axis_is_refused_with_the_choices(text):
    with pytest.raises(InputError, match="auto, i, j, k, axial, sagittal or coronal"):
        parse_axis(text, Geometry((9, 9, 9)))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_stack_holds_the_slices_along_its_axis(axis):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    stack = make_stack(Volume(array, Geometry((4, 3, 2))), axis, Window(0, 255, "full"))
    assert stack.frames.dtype == np.uint8
    assert stack.frames.flags.c_contiguous
    for index, frame in enumerate(stack.frames):
        np.testing.assert_array_equal(frame, array.take(index, axis=axis))
    assert np.shares_memory(slices_along(array, axis), array)


@pytest.mark.parametrize(("axis", "expected"), [(0, (2, 1, 3)), (1, (3, 1, 2)), (2, (3, 2, 1))])
def test_pixel_spacing_is_between_rows_columns_and_slices(axis, expected):
    assert pixel_spacing(Geometry((9, 9, 9), (1, 2, 3)), axis) == expected


@pytest.mark.parametrize(("count", "index"), [(1, 0), (2, 1), (5, 2), (6, 3)])
def test_the_central_slice_is_the_papers(count, index):
    assert central_slice(count) == index
