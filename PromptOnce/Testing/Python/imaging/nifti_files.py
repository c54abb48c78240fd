"""NIfTI files with forms of every kind, written with nibabel."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

SIZE = (12, 10, 6)
SPACING = (0.8, 0.9, 2.5)


def affine(
    shift: tuple[float, float, float] = (20.0, 30.0, 100.0), turn: float = 0.0, shear: float = 0.0
) -> np.ndarray:
    """RAS matrix of the spacing: turned about the third axis by so many radians, the second axis leaning over."""
    matrix = np.diag([*SPACING, 1.0])
    rotation = np.eye(4)
    rotation[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    lean = np.eye(4)
    lean[0, 1] = shear
    whole = rotation @ lean @ matrix
    whole[:3, 3] = shift
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ whole


def voxels(dtype: type = np.int16) -> np.ndarray:
    """Noise (i, j, k)."""
    return np.random.default_rng(0).integers(0, 120, SIZE).astype(dtype)


def write_nifti_image(
    path: Path,
    sform: tuple[np.ndarray | None, int] = (None, 0),
    qform: tuple[np.ndarray | None, int] = (None, 0),
    units: str | None = None,
    kind: type = nib.Nifti1Image,
    array: np.ndarray | None = None,
) -> Path:
    """A file with two forms, each with its code; None leaves one out."""
    image = kind(voxels() if array is None else array, None)
    image.header.set_zooms(SPACING)
    for put, (matrix, code) in ((image.header.set_qform, qform), (image.header.set_sform, sform)):
        if matrix is not None:
            put(matrix, code)
    if units is not None:
        image.header.set_xyzt_units(units)
    nib.save(image, path)
    return path


def forms_of(path: Path) -> dict[str, np.ndarray]:
    """What a header says of its place, by field."""
    header = nib.load(path).header
    names = ("pixdim", "qform_code", "sform_code", "xyzt_units", "quatern_b", "quatern_c", "quatern_d")
    names += ("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z")
    return {name: np.ravel(header[name])[:4].astype(float) for name in names}
