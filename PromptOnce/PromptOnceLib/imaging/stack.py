"""The stack: slices of a volume along one voxel axis, as the 8-bit frames a model sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.volume import Array, Geometry, Volume
from PromptOnceLib.imaging.window import Window, to_uint8

# Voxel axes in the order of array axes 0, 1, 2.
AXIS_NAMES = ("k", "j", "i")

# Index into an LPS vector of the normal of each anatomical plane.
_PLANE_NORMALS = {"sagittal": 0, "coronal": 1, "axial": 2}

# Spacings within this share of the coarsest count as equal: isotropic but for rounding.
_TIE = 0.01


@dataclass(frozen=True)
class AxisChoice:
    """Array axis (0, 1, 2 = k, j, i) along which the slices lie, and why, as a short phrase for the user."""

    axis: int
    reason: str


@dataclass(frozen=True, eq=False)
class Stack:
    """frames: uint8 (n, rows, columns), C-contiguous; axis: array axis of the volume they were taken along."""

    frames: NDArray[np.uint8]
    axis: int
    window: Window


def choose_axis(geometry: Geometry) -> AxisChoice:
    """The main viewing plane (Huang et al. 2024, section 2.2): slices along the axis with the coarsest spacing.

    An axis with a single slice comes first (an X-ray has no other). Axes whose spacing is within 1 percent of the
    coarsest tie; among them the one nearest to the patient's superior-inferior axis is taken.
    """
    if geometry.shape.count(1) == 1:
        return AxisChoice(geometry.shape.index(1), "the image has one slice along this axis")
    spacing = geometry.spacing[::-1]
    coarsest = max(spacing)
    tied = [axis for axis in range(3) if spacing[axis] >= (1 - _TIE) * coarsest]
    if len(tied) == 1:
        return AxisChoice(tied[0], f"coarsest spacing, {coarsest:.3g} mm")
    return AxisChoice(_nearest_axis(geometry, "axial", tied), "about equal spacing, axis nearest to axial")


def parse_axis(text: str, geometry: Geometry) -> AxisChoice:
    """Axis named by the user: "auto", a voxel axis "i", "j", "k", or a plane "axial", "sagittal", "coronal".

    A plane gives the voxel axis nearest to its normal. Raises InputError for any other text.
    """
    name = text.strip().lower()
    if name == "auto":
        return choose_axis(geometry)
    if name in AXIS_NAMES:
        return AxisChoice(AXIS_NAMES.index(name), "chosen by the user")
    if name in _PLANE_NORMALS:
        return AxisChoice(_nearest_axis(geometry, name, [0, 1, 2]), f"chosen by the user, axis nearest to {name}")
    raise InputError(f'"{text}" is not an axis. Use auto, i, j, k, axial, sagittal or coronal.')


def slices_along(array: Array, axis: int) -> Array:
    """View (n, rows, columns) of a KJI array, its slices along `axis` first."""
    return np.moveaxis(array, axis, 0)


def central_slice(count: int) -> int:
    """Index of the prompted slice by default, n // 2 (Prompt Once, Algorithm 1)."""
    return count // 2


def check_slice(index: int, count: int) -> None:
    """Raise InputError where a volume of so many slices has none of this index."""
    if not 0 <= index < count:
        raise InputError(f"There is no slice {index}: the volume has slices 0 to {count - 1}.")


def pixel_spacing(geometry: Geometry, axis: int) -> tuple[float, float, float]:
    """Distance in mm between rows, between columns and between slices of the stack along `axis`."""
    spacing = list(geometry.spacing[::-1])
    between_slices = spacing.pop(axis)
    return spacing[0], spacing[1], between_slices


def make_stack(volume: Volume, axis: int, window: Window) -> Stack:
    """8-bit frames of the volume's slices along `axis` under one window; the volume is left as it is."""
    return Stack(to_uint8(slices_along(volume.array, axis), window), axis, window)


def _nearest_axis(geometry: Geometry, plane: str, candidates: list[int]) -> int:
    """Array axis among the candidates whose direction is nearest to the plane's normal."""
    along_normal = np.abs(np.reshape(geometry.direction, (3, 3))[_PLANE_NORMALS[plane]])[::-1]
    return max(candidates, key=lambda axis: round(float(along_normal[axis]), 6))
