"""How a NIfTI header says where its voxels lie, kept so that a result can say the same."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Header = Any  # of nibabel, which comes without types

_FIELDS = ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z")

# The length unit in the lowest bits of xyzt_units, in mm; 0: not stated, taken for mm as all programs do.
_UNIT_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class NiftiForms:
    """The two forms (qform, sform), their codes, the voxel sizes and the unit of a NIfTI header, as they stand there.

    fields: values of the header by name. readings: every 4x4 matrix (rows as tuples) from voxel indices to LPS mm by
    which a program can understand the header: either form, or none, with the unit or without.
    """

    fields: tuple[tuple[str, tuple[float, ...]], ...]
    qform_code: int
    sform_code: int
    units: int
    readings: tuple[tuple[tuple[float, ...], ...], ...]

    @classmethod
    def of(cls, header: Header, best: Matrix) -> NiftiForms:
        """Forms of a nibabel header; best: the matrix to RAS in the header's unit that nibabel chooses.

        An Analyze header has voxel sizes alone.
        """
        is_nifti = "qform_code" in header.keys()  # noqa: SIM118 (a nibabel header does not know `in`)
        forms = [best]
        if is_nifti:
            forms += [
                form for form in (header.get_sform(coded=True)[0], header.get_qform(coded=True)[0]) if form is not None
            ]
        units = int(header["xyzt_units"]) & 7 if is_nifti else 0
        scales = {_UNIT_MM.get(units, 1.0), 1.0}
        names = ("pixdim", *_FIELDS) if is_nifti else ("pixdim",)
        return cls(
            fields=tuple((name, tuple(np.ravel(header[name])[:4].astype(float).tolist())) for name in names),
            qform_code=int(header["qform_code"]) if is_nifti else 0,
            sform_code=int(header["sform_code"]) if is_nifti else 0,
            units=units,
            readings=tuple(
                tuple(map(tuple, to_lps_mm(form, scale).tolist())) for form in forms for scale in sorted(scales)
            ),
        )

    @property
    def states_a_place(self) -> bool:
        """Whether one of the two forms counts."""
        return self.qform_code > 0 or self.sform_code > 0

    def write_to(self, header: Header) -> None:
        """Put everything into the header of a result with the same voxels."""
        for name, values in self.fields:
            if name == "pixdim":
                handedness, *sizes = values
                header["pixdim"][:4] = [handedness or 1.0, *(size or 1.0 for size in sizes)]
            else:
                header[name] = values if len(values) > 1 else values[0]
        header["qform_code"], header["sform_code"], header["xyzt_units"] = (
            self.qform_code,
            self.sform_code,
            self.units,
        )


def to_lps_mm(matrix: Matrix, scale: float = 1.0) -> Matrix:
    """4x4 matrix to LPS mm from one to RAS; scale: mm in a unit of it."""
    with np.errstate(invalid="ignore"):  # infinite ones are refused by who asked
        scaled: Matrix = _RAS_TO_LPS @ np.diag([scale, scale, scale, 1.0]) @ matrix
    return scaled


def unit_in_mm(header: Header) -> float:
    """Millimetres in the unit of length of a nibabel header."""
    return _UNIT_MM.get(int(header["xyzt_units"]) & 7, 1.0) if "xyzt_units" in header.keys() else 1.0  # noqa: SIM118


def farthest_corner(first: Matrix, second: Matrix, size: tuple[int, int, int]) -> float:
    """Largest distance in mm between where two matrices put the same corner voxel of a grid of size i, j, k."""
    corners = np.array([[*corner, 1.0] for corner in product(*((0, count - 1) for count in size))])
    return float(np.linalg.norm(corners @ (first - second).T, axis=1).max())


def straightened(matrix: Matrix, size: tuple[int, int, int]) -> Matrix:
    """The nearest 4x4 matrix with perpendicular axes of the same lengths, which keeps the middle of the grid.

    Nearest is the rotation of the polar decomposition of the unit axes.
    """
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    left, _, right = np.linalg.svd(matrix[:3, :3] / lengths)
    straight = np.eye(4)
    straight[:3, :3] = (left @ right) * lengths
    middle = (np.array(size) - 1) / 2
    straight[:3, 3] = matrix[:3, :3] @ middle + matrix[:3, 3] - straight[:3, :3] @ middle
    return straight
