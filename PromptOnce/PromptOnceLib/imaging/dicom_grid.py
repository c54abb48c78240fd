"""The slices of a DICOM series: their order, and whether they fill a straight, regular grid."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from PromptOnceLib.errors import GeometryError, VolumeError
from PromptOnceLib.imaging.dicom_header import DicomHeader
from PromptOnceLib.imaging.volume import Geometry

# Shares of the usual distance between slices. Below the first, rounding in the header; up to the second, the mean
# distance places every slice well enough; from the third on, at least one slice is missing.
_ROUNDING, _UNEVEN, _MISSING = 0.02, 0.2, 0.5

# Shift across the stack (mm) from which a tilted gantry is more than rounding.
_LEAST_TILT = 1.0


class SliceOrder(NamedTuple):
    """Slices in the order of their normal, the grid they fill, and notices."""

    headers: list[DicomHeader]
    geometry: Geometry
    notices: list[str]


def order_slices(headers: list[DicomHeader]) -> SliceOrder:
    """Order and grid of at least two slices that belong together.

    Raises VolumeError for slices that are missing, double or unevenly spaced, GeometryError for a tilted gantry.
    """
    headers, notices = _without_copies(headers)
    headers = sorted(headers, key=DicomHeader.along_normal)
    first = headers[0]
    spacing = first.spacing[2]
    if len(headers) > 1:
        spacing, uneven = _slice_spacing(headers)
        notices += uneven
        _check_tilt(headers)
    columns, rows, _ = first.size
    geometry = Geometry(
        (columns, rows, len(headers)), (first.spacing[0], first.spacing[1], spacing), first.origin, first.direction
    )
    return SliceOrder(headers, geometry, notices)


def _without_copies(headers: list[DicomHeader]) -> tuple[list[DicomHeader], list[str]]:
    """Leaves out files that are copies of the same DICOM object."""
    kept = list({header.instance or str(header.path): header for header in reversed(headers)}.values())
    copies = len(headers) - len(kept)
    return kept, [f"{copies} files of the series are copies of others and were left out."] if copies else []


def _slice_spacing(headers: list[DicomHeader]) -> tuple[float, list[str]]:
    """Mean distance between slices in mm, and a notice where it is slightly uneven."""
    positions = np.array([header.along_normal() for header in headers])
    gaps = np.diff(positions)
    usual = float(np.median(gaps))
    deviation = gaps / usual - 1 if usual > 0 else np.full(gaps.shape, -1.0)
    worst = int(np.argmax(np.abs(deviation)))
    where = f"between slices {worst} and {worst + 1} (of {len(headers)}, counted from 0)"
    if deviation.min() < -1 + _ROUNDING:
        same = int(np.argmin(deviation))
        raise VolumeError(
            f"Slices {same} and {same + 1} of the series (of {len(headers)}, counted from 0) lie at the same position: "
            "it holds several images per slice (phases, echoes, repetitions). Put the files of one of them in a folder "
            "of its own."
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


def _check_tilt(headers: list[DicomHeader]) -> None:
    origins = np.array([header.origin for header in headers])
    normal = headers[0].normal()
    travel = origins - origins[0]
    along = travel @ normal
    shift = float(np.linalg.norm(travel - np.outer(along, normal), axis=1).max())
    if shift > max(_LEAST_TILT, *headers[0].spacing[:2]):
        angle = math.degrees(math.atan2(shift, float(along.max())))
        raise GeometryError(
            f"The slices of the series are shifted against each other (a gantry tilt of about {angle:.1f} degrees). "
            "Resample the series to a straight grid first, for example in 3D Slicer."
        )
