"""Slice pixels, the world, and slice views, for every orientation of the voxel grid."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from mrml.volumes import (
    OBLIQUE,
    TRANSFORMS,
    add_bending_transform,
    add_volume,
    axis_directions,
    ijk_to_ras,
    world_of,
)
from PromptOnceLib.errors import GeometryError
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.mrml.grid import StackGrid

AXES = (0, 1, 2)


@pytest.fixture
def view(scene):
    """A slice node of no layout; it has to be removed, as nodes with a layout's name outlive the scene's clearing."""
    node = scene.AddNewNodeByClass("vtkMRMLSliceNode")
    node.SetLayoutName("Grid")
    yield node
    scene.RemoveNode(node)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_slice_pixel_lies_where_slicer_puts_its_voxel(scene, axis, transform):
    for directions in (*axis_directions(), OBLIQUE):
        node = add_volume(matrix=ijk_to_ras(directions), parent=TRANSFORMS[transform])
        grid = StackGrid(node, axis)
        array = slices_along(slicer.util.arrayFromVolume(node), axis)
        assert grid.shape == array.shape
        index, row, column = np.array(grid.shape) - (2, 1, 3)
        k, j, i = np.argwhere(slicer.util.arrayFromVolume(node) == array[index, row, column])[0]
        assert np.allclose(grid.to_world(index, column, row), world_of(node, (i, j, k)), atol=1e-9)
        assert np.allclose(grid.from_world(world_of(node, (i, j, k))), (index, column, row), atol=1e-9)
        scene.Clear(0)


def test_positions_between_voxels_are_not_rounded(scene):
    grid = StackGrid(add_volume(), 1)
    assert np.allclose(grid.from_world(grid.to_world(2.25, -0.5, 3.75)), (2.25, -0.5, 3.75))


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_an_aligned_view_shows_every_slice(view, axis, transform):
    for directions in (*axis_directions()[::5], OBLIQUE):
        node = add_volume(matrix=ijk_to_ras(directions), parent=TRANSFORMS[transform])
        grid = StackGrid(node, axis)
        grid.align_view(view)
        assert grid.misalignment(view) is None
        to_ras = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())[:3, :3]
        assert np.allclose(to_ras.T @ to_ras, np.eye(3))
        for index in (0, 2, grid.shape[0] - 1):
            grid.show_slice(view, index)
            assert grid.shown_slice(view) == index


@pytest.mark.parametrize("number", [0, 13, 26, 41])
def test_a_view_looks_as_radiologists_expect_whatever_the_order_of_the_voxels(view, number):
    node = add_volume(matrix=ijk_to_ras(axis_directions()[number]))
    # To the right and upwards, in RAS, by the patient axis along which the slices lie.
    expected = {0: ((0, -1, 0), (0, 0, 1)), 1: ((-1, 0, 0), (0, 0, 1)), 2: ((-1, 0, 0), (0, 1, 0))}
    for axis in AXES:
        grid = StackGrid(node, axis)
        grid.align_view(view)
        along = int(np.argmax(np.abs(grid.to_world(1, 0, 0) - grid.to_world(0, 0, 0))))
        to_ras = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())
        assert np.allclose(to_ras[:3, :2].T, expected[along])


def test_a_view_moved_beyond_the_stack_shows_no_slice(view):
    grid = StackGrid(add_volume(), 0)
    grid.align_view(view)
    grid.show_slice(view, 10)
    assert grid.shown_slice(view) is None


def test_a_view_along_another_axis_or_tilted_is_not_aligned(view):
    node = add_volume()
    StackGrid(node, 0).align_view(view)
    assert "does not show whole slices" in StackGrid(node, 1).misalignment(view)
    tilted = slicer.util.arrayFromVTKMatrix(view.GetSliceToRAS())
    angle = np.deg2rad(20)
    tilted[:3, 1], tilted[:3, 2] = (
        np.cos(angle) * tilted[:3, 1] + np.sin(angle) * tilted[:3, 2],
        np.cos(angle) * tilted[:3, 2] - np.sin(angle) * tilted[:3, 1],
    )
    view.GetSliceToRAS().DeepCopy(slicer.util.vtkMatrixFromArray(tilted))
    view.UpdateMatrices()
    assert StackGrid(node, 0).misalignment(view) is not None
    assert StackGrid(node, 0).shown_slice(view) is None


def test_a_grid_follows_its_volume(scene):
    node = add_volume()
    grid = StackGrid(node, 0)
    before = grid.to_world(1, 2, 3)
    node.SetAndObserveTransformNodeID(None)
    node.SetOrigin(*np.add(node.GetOrigin(), (10, 0, 0)))
    assert np.allclose(grid.to_world(1, 2, 3) - before, (10, 0, 0))


def test_a_transform_that_bends_is_refused(scene):
    node = add_volume()
    node.SetAndObserveTransformNodeID(add_bending_transform().GetID())
    with pytest.raises(GeometryError, match="not linear"):
        StackGrid(node, 0).to_world(0, 0, 0)
