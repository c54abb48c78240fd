"""Volume nodes in every orientation, with and without parent transforms."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import slicer
import vtk

SHAPE = (5, 7, 9)  # k, j, i: all different, so that a mixed-up axis cannot go unnoticed
SPACING = (0.6, 0.8, 2.5)  # i, j, k in mm

OBLIQUE = np.array([[0.8, -0.36, 0.48], [0.6, 0.48, -0.64], [0.0, 0.8, 0.6]])
ROTATED = np.block([[OBLIQUE.T, np.array([[12.0], [-7.0], [30.0]])], [np.zeros((1, 3)), np.ones((1, 1))]])
SCALED = np.diag([1.5, 0.5, 2.0, 1.0])
SHEARED = np.array([[1.0, 0.2, 0.0, 5.0], [0.0, 1.0, 0.1, 0.0], [0.0, 0.0, 1.0, -3.0], [0.0, 0.0, 0.0, 1.0]])
MIRRORED = np.diag([-1.0, 1.0, 1.0, 1.0])
TRANSFORMS = {"no transform": None, "rotated": ROTATED, "scaled": SCALED, "sheared": SHEARED, "mirrored": MIRRORED}


def axis_directions() -> list[np.ndarray]:
    """The 48 permutations and flips of the axes, as matrices whose columns are i, j and k in RAS."""
    return [
        np.eye(3)[:, list(order)] * np.array(signs)
        for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=3))
    ]


def ijk_to_ras(directions: np.ndarray = OBLIQUE, spacing: tuple[float, ...] = SPACING) -> np.ndarray:
    """4x4 matrix of a grid with an origin that is not zero."""
    matrix = np.eye(4)
    matrix[:3, :3] = directions * np.array(spacing)
    matrix[:3, 3] = (-31.0, 17.5, 102.0)
    return matrix


def add_volume(
    array: np.ndarray | None = None, matrix: np.ndarray | None = None, parent: np.ndarray | None = None, **options: Any
) -> Any:
    """A volume node; by default numbered voxels on an oblique grid. parent: matrix of a transform to put it under."""
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) if array is None else array
    matrix = ijk_to_ras() if matrix is None else matrix
    node = slicer.util.addVolumeFromArray(array, slicer.util.vtkMatrixFromArray(matrix), "CT", **options)
    if parent is not None:
        node.SetAndObserveTransformNodeID(add_transform(parent).GetID())
    return node


def add_transform(matrix: np.ndarray) -> Any:
    """A linear transform node."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


def add_bending_transform() -> Any:
    """A transform node that bends space."""
    points, moved = vtk.vtkPoints(), vtk.vtkPoints()
    for corner in product((0.0, 50.0), repeat=3):
        points.InsertNextPoint(corner)
        moved.InsertNextPoint(corner[0] + corner[1] ** 2 / 100, *corner[1:])
    bending = vtk.vtkThinPlateSplineTransform()
    bending.SetSourceLandmarks(points)
    bending.SetTargetLandmarks(moved)
    bending.SetBasisToR()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    node.SetAndObserveTransformToParent(bending)
    return node


def world_of(node: Any, ijk: tuple[float, ...]) -> np.ndarray:
    """World position of voxel indices, by Slicer's own functions."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    to_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(node.GetParentTransformNode(), None, to_world)
    return np.array(to_world.TransformPoint(matrix.MultiplyPoint((*ijk, 1.0))[:3]))


def reloaded(scene: Any, folder: Any, name: str = "CT") -> Any:
    """The volume after the scene was saved as .mrb, cleared and loaded again."""
    path = str(folder / "scene.mrb")
    assert scene.WriteToMRB(path, None)
    scene.Clear(0)
    assert scene.ReadFromMRB(path, True, None)
    return slicer.util.getNode(name)
