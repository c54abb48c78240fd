"""Slice pixels of a stack and places in Slicer's world: prompts, slice views and masks all meet here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError
from PromptOnceLib.imaging.stack import AXIS_NAMES

Floats = NDArray[np.float64]

# A view may lean over by this share of a slice's thickness per slice's width before it counts as cutting other slices.
_LARGEST_TILT = 0.25

_PLANES = ("Sagittal", "Coronal", "Axial")  # by the patient axis (R, A, S) along which their slices lie


class StackGrid:
    """The slices of a volume node along one array axis (0, 1, 2 = k, j, i), as imaging.stack.slices_along gives them.

    Slice pixels are (slice, x, y): x = column, y = row, whole numbers at the centres of voxels. The world is RAS in mm,
    after all parent transforms, which have to be linear. Everything is looked up in the node at every call, so that a
    grid stays right when the volume is moved. Raises GeometryError for parent transforms that are not linear.
    """

    def __init__(self, volume_node: Any, axis: int) -> None:
        self.volume_node = volume_node
        self.axis = axis
        rest = [other for other in range(3) if other != axis]
        # Where slice, x and y stand in (i, j, k): array axes count the other way round.
        self._ijk_places = [2 - axis, 2 - rest[1], 2 - rest[0]]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns."""
        slices, columns, rows = (self.volume_node.GetImageData().GetDimensions()[place] for place in self._ijk_places)
        return slices, rows, columns

    @property
    def ijk_axes(self) -> tuple[int, int, int]:
        """Which of the volume's axes i, j, k (0, 1, 2) runs along slice, x and y."""
        slices, x, y = self._ijk_places
        return slices, x, y

    def to_ijk(self, index: float, x: float, y: float) -> Floats:
        """Voxel indices i, j, k of a slice pixel."""
        ijk = np.empty(3)
        ijk[self._ijk_places] = index, x, y
        return ijk

    def from_ijk(self, ijk: Sequence[float] | Floats) -> Floats:
        """Slice, x and y of voxel indices i, j, k."""
        return np.asarray(ijk, dtype=np.float64)[self._ijk_places]

    def to_world(self, index: float, x: float, y: float) -> Floats:
        """RAS position in the world (3,) of a slice pixel."""
        return _apply(self._ijk_to_world(), self.to_ijk(index, x, y))

    def from_world(self, ras: Sequence[float] | Floats) -> Floats:
        """Slice, x and y (3,), not rounded, of a RAS position in the world."""
        to_ijk = np.linalg.inv(self._ijk_to_world()).astype(np.float64)
        return self.from_ijk(_apply(to_ijk, np.asarray(ras, dtype=np.float64)))

    def align_view(self, slice_node: Any) -> None:
        """Turn a slice view so that it shows whole slices of the stack, in the anatomical view that is nearest."""
        matrix = self._orthogonal_axes()
        nearest = int(np.argmax(np.abs(matrix[:3, self._ijk_places[0]])))
        if slice_node.HasSliceOrientationPreset(_PLANES[nearest]):
            slice_node.SetOrientation(_PLANES[nearest])
        slice_node.RotateToAxes(slicer.util.vtkMatrixFromArray(matrix), self._ijk_places[0])

    def show_slice(self, slice_node: Any, index: int) -> None:
        """Move a slice view, along its normal, to the middle of a slice."""
        _, rows, columns = self.shape
        slice_node.JumpSliceByOffsetting(*self.to_world(index, (columns - 1) / 2, (rows - 1) / 2))

    def shown_slice(self, slice_node: Any) -> int | None:
        """Index of the slice that a view shows; None where it shows several, or none."""
        if self.misalignment(slice_node) is not None:
            return None
        return self._index(self._middle_of_view(slice_node)[0])

    def misalignment(self, slice_node: Any) -> str | None:
        """Why a view cannot be clicked in: a sentence for the user, or None where it shows slices of the stack."""
        to_ras = slicer.util.arrayFromVTKMatrix(slice_node.GetSliceToRAS())
        origin = self.from_world(to_ras[:3, 3])
        for direction in (to_ras[:3, 0], to_ras[:3, 1]):
            step = self.from_world(to_ras[:3, 3] + direction) - origin  # slices and pixels per mm
            # How many slices the view crosses on its way through the whole image.
            width = max(self.shape[1:]) / np.linalg.norm(step[1:]) if step[1:].any() else np.inf
            if abs(step[0]) * width > _LARGEST_TILT:
                return (
                    f"The view {slice_node.GetName()} does not show whole slices of the volume along "
                    f"{AXIS_NAMES[self.axis]}. Align it with the volume first."
                )
        return None

    def _middle_of_view(self, slice_node: Any) -> Floats:
        """Slice, x and y of the point of a view's plane that is nearest to the volume's middle."""
        to_ras = slicer.util.arrayFromVTKMatrix(slice_node.GetSliceToRAS())
        slices, rows, columns = self.shape
        middle = self.to_world((slices - 1) / 2, (columns - 1) / 2, (rows - 1) / 2)
        normal = np.cross(to_ras[:3, 0], to_ras[:3, 1])
        normal /= np.linalg.norm(normal)
        return self.from_world(middle + normal * (normal @ (to_ras[:3, 3] - middle)))

    def _index(self, position: float) -> int | None:
        index = int(np.floor(position + 0.5))
        return index if 0 <= index < self.shape[0] else None

    def _ijk_to_world(self) -> Floats:
        return volume_to_world(self.volume_node) @ ijk_to_ras(self.volume_node)

    def _orthogonal_axes(self) -> Floats:
        """The volume's axes in the world (4x4), made perpendicular without tilting the plane of the slices."""
        world = self._ijk_to_world()
        along, column, row = self._ijk_places
        x = world[:3, column] / np.linalg.norm(world[:3, column])
        y = world[:3, row] - x * (x @ world[:3, row])
        y /= np.linalg.norm(y)
        normal = np.cross(x, y)
        axes = np.eye(4)
        axes[:3, column], axes[:3, row] = x, y
        axes[:3, along] = normal * (1.0 if normal @ world[:3, along] > 0 else -1.0)
        return axes


def ijk_to_ras(volume_node: Any) -> Floats:
    """4x4 matrix from voxel indices to the volume's own RAS, without parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    array: Floats = slicer.util.arrayFromVTKMatrix(matrix)
    return array


def volume_to_world(node: Any) -> Floats:
    """4x4 matrix from a node's own RAS to the world. Raises GeometryError where its parents are not linear."""
    parent = node.GetParentTransformNode()
    matrix = vtk.vtkMatrix4x4()
    if parent is not None and not parent.GetMatrixTransformToWorld(matrix):
        raise GeometryError(
            f"{node.GetName()} lies under a transform that is not linear. Harden the transform or take it away."
        )
    array: Floats = slicer.util.arrayFromVTKMatrix(matrix)
    return array


def _apply(matrix: Floats, point: Floats) -> Floats:
    return matrix[:3, :3] @ point + matrix[:3, 3]
