"""Where the voxels of a NIfTI, Analyze or FreeSurfer file lie.

Of several answers SimpleITK's counts as long as it reads the file, because 3D Slicer shows the image there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from PromptOnceLib.errors import GeometryError
from PromptOnceLib.imaging.formats.quiet import quiet_itk
from PromptOnceLib.imaging.nifti_forms import (
    Matrix,
    NiftiForms,
    farthest_corner,
    straightened,
    to_lps_mm,
    unit_in_mm,
)
from PromptOnceLib.imaging.volume import Geometry, sheared_error

# A shear that is straightened: its axes are this near to perpendicular, and no voxel moves by more than half of one.
_SMALL_SHEAR = 0.01
_SMALL_SHIFT = 0.5
_SCANNER = 1  # the code of a form in scanner coordinates
_ITK_SHEAR = 1e-4  # an sform of less is straight for ITK

# Voxels; what is nearer comes from rounding.
_SAME_PLACE = 0.05


def place_of(image: Any, size: tuple[int, int, int], path: Path) -> tuple[Geometry, tuple[str, ...]]:
    """Grid of an image of nibabel, size voxels along i, j, k, read from a file; and notices for the user.

    Raises GeometryError for places of invalid numbers and for a shear.
    """
    header = image.header
    best = np.asarray(image.affine, dtype=np.float64)
    if isinstance(image, nib.MGHImage):
        return _straight(to_lps_mm(best), size, path)
    forms = NiftiForms.of(header, best)
    used = [forms.readings] if forms.states_a_place or isinstance(image, nib.AnalyzeImage) else []
    if not all(np.isfinite(reading).all() for readings in used for reading in readings):
        raise GeometryError(f"The position of {path.name} in space holds invalid numbers. Export the image again.")
    seen = _as_itk_sees_it(path, size)
    notices: tuple[str, ...] = ()
    if seen is None:
        seen, notices = _straight(_as_itk_would_see_it(header, best, forms), size, path)
    if forms.qform_code > 0 and forms.sform_code > 0:
        apart = farthest_corner(header.get_qform(), header.get_sform(), size) * unit_in_mm(header)
        if apart > _SAME_PLACE * min(seen.spacing):
            notices += (
                f"{path.name} states two places (qform and sform) that are up to {apart:.3g} mm apart. Here the image "
                "lies where 3D Slicer shows it; a result in NIfTI keeps both.",
            )
    return replace(seen, nifti=forms), notices


def _as_itk_sees_it(path: Path, size: tuple[int, int, int]) -> Geometry | None:
    """Where SimpleITK and 3D Slicer place a file; None where they do not read it as an image of three dimensions."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    with quiet_itk():
        try:
            reader.ReadImageInformation()
        except RuntimeError:
            return None
    dimensions = reader.GetDimension()
    if dimensions < 3 or reader.GetSize()[:3] != size:
        return None
    direction = np.reshape(reader.GetDirection(), (dimensions, dimensions))[:3, :3]
    x, y, z = reader.GetOrigin()[:3]
    i, j, k = reader.GetSpacing()[:3]
    return Geometry(size, (i, j, k), (x, y, z), tuple(direction.ravel().tolist()))


def _as_itk_would_see_it(header: Any, best: Matrix, forms: NiftiForms) -> Matrix:
    """Matrix to LPS mm of a file that ITK does not read, by its rules: a NIfTI-1 result of it will be read by them."""
    if not forms.states_a_place:
        zooms = (*header.get_zooms()[:3], 1.0, 1.0)[:3]  # fewer than three dimensions have as many sizes
        return np.diag([*(size * unit_in_mm(header) for size in zooms), 1.0])
    if forms.qform_code > 0 and forms.sform_code > 0:
        sform = header.get_sform()
        trusted = forms.sform_code == _SCANNER and _shear(sform) < _ITK_SHEAR
        best = sform if trusted else header.get_qform()
    return to_lps_mm(best, unit_in_mm(header))


def _shear(matrix: Matrix) -> float:
    """Largest cosine between two axes of a matrix."""
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return float(np.abs(axes.T @ axes - np.eye(3)).max())


def _straight(matrix: Matrix, size: tuple[int, int, int], path: Path) -> tuple[Geometry, tuple[str, ...]]:
    """The grid of a matrix to LPS, and a notice where its axes had to be made perpendicular."""
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) == 0:
        raise GeometryError(f"The position of {path.name} in space holds invalid numbers. Export the image again.")
    straight = straightened(matrix, size)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    shear = _shear(matrix)
    moved = farthest_corner(matrix, straight, size)
    if shear > _SMALL_SHEAR or moved > _SMALL_SHIFT * spacing.min():
        raise sheared_error(path.name, "the function resample_to_output of nibabel")
    i, j, k = map(float, spacing)
    x, y, z = map(float, straight[:3, 3])
    geometry = Geometry(size, (i, j, k), (x, y, z), tuple((straight[:3, :3] / spacing).ravel().tolist()))
    if moved < 1e-3 * spacing.min() and shear < 1e-5:
        return geometry, ()
    return geometry, (
        f"The axes of {path.name} are not quite perpendicular: the image is read on the nearest straight grid, whose "
        f"corners are up to {moved:.2g} mm away.",
    )
