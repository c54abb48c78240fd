"""The slices of a DICOM volume: their order, and whether they fill a straight, regular grid."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError, VolumeError
from PromptOnceLib.imaging.dicom.frames import Frame, FramePlace
from PromptOnceLib.imaging.volume import Geometry

# Shares of the usual distance between slices. Below the first, rounding in the header; up to the second, the mean
# distance places every slice well enough; from the third on, at least one slice is missing.
_ROUNDING, _UNEVEN, _MISSING = 0.02, 0.2, 0.5

# Shift across the stack (mm) from which a tilted gantry is more than rounding.
_LEAST_TILT = 1.0


class SliceOrder(NamedTuple):
    """Slices in the order of their normal, the grid they fill, and notices."""

    frames: list[Frame]
    geometry: Geometry
    notices: list[str]


def order_slices(frames: list[Frame]) -> SliceOrder:
    """Order and grid of slices that belong together and have places.

    Raises VolumeError for slices that are missing, double or unevenly spaced, GeometryError for a tilted gantry.
    """
    frames = sorted(frames, key=lambda frame: place_of(frame).along_normal())
    first = frames[0]
    notices: list[str] = []
    between = first.thickness or 1.0
    if len(frames) > 1:
        between, notices = _slice_spacing(frames)
        _check_tilt(frames)
    size = (*first.file.size, len(frames))
    place = place_of(first)
    geometry = Geometry(size, (*first.spacing, between), place.position, place.direction())
    return SliceOrder(frames, geometry, notices)


def place_of(frame: Frame) -> FramePlace:
    """The place of a frame that has one."""
    assert frame.place is not None
    return frame.place


def positions_of(frames: list[Frame]) -> NDArray[np.int_]:
    """For every frame the number of its position along the normal, counted from 0 in the order of the normal.

    Positions that differ by rounding only are one.
    """
    heights = np.array([place_of(frame).along_normal() for frame in frames])
    order = np.argsort(heights, kind="stable")
    steps = np.diff(heights[order])
    same = min(0.1, 0.1 * float(steps.max())) if len(steps) else 0.0
    numbers = np.empty(len(frames), dtype=np.int_)
    numbers[order] = np.concatenate([[0], np.cumsum(steps > max(same, 1e-4))])
    return numbers


def _slice_spacing(frames: list[Frame]) -> tuple[float, list[str]]:
    """Mean distance between slices in mm, and a notice where it is slightly uneven."""
    positions = np.array([place_of(frame).along_normal() for frame in frames])
    gaps = np.diff(positions)
    usual = float(np.median(gaps))
    deviation = gaps / usual - 1 if usual > 0 else np.full(gaps.shape, -1.0)
    worst = int(np.argmax(np.abs(deviation)))
    where = f"between slices {worst} and {worst + 1} (of {len(frames)}, counted from 0)"
    if deviation.min() < -1 + _ROUNDING:
        same = int(np.argmin(deviation))
        raise VolumeError(
            f"Slices {same} and {same + 1} of the series (of {len(frames)}, counted from 0) lie at the same position: "
            "it holds several images per slice (phases, echoes, repetitions), and nothing in the files says which "
            "belong together. Put the files of one of them in a folder of its own."
        )
    if deviation[worst] > _MISSING:
        raise VolumeError(
            f"Slices are missing from the series: {where} the distance is {gaps[worst]:.4g} mm instead of "
            f"{usual:.4g} mm. Copy or export the complete series again."
        )
    if abs(deviation[worst]) > _UNEVEN:
        raise VolumeError(
            f"The slices of the series are unevenly spaced: {where} the distance is {gaps[worst]:.4g} mm instead of "
            f"{usual:.4g} mm. Resample the series to even slices first, for example in 3D Slicer."
        )
    mean = float(positions[-1] - positions[0]) / len(gaps)
    if abs(deviation[worst]) <= _ROUNDING:
        return mean, []
    extremes = f"{gaps.min():.4g} to {gaps.max():.4g} mm apart"
    return mean, [f"The slices are slightly uneven ({extremes}): {mean:.4g} mm is used for all."]


def _check_tilt(frames: list[Frame]) -> None:
    origins = np.array([place_of(frame).position for frame in frames])
    normal = place_of(frames[0]).normal()
    travel = origins - origins[0]
    along = travel @ normal
    shift = float(np.linalg.norm(travel - np.outer(along, normal), axis=1).max())
    if shift > max(_LEAST_TILT, *frames[0].spacing):
        angle = math.degrees(math.atan2(shift, float(along.max())))
        raise GeometryError(
            f"The slices of the series are shifted against each other (a gantry tilt of about {angle:.1f} degrees). "
            "Resample the series to a straight grid first, for example in 3D Slicer."
        )
