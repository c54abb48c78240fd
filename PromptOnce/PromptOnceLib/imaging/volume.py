"""A 3D image with its place in the patient: voxels in KJI order, geometry in SimpleITK's words (LPS, IJK order)."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError, VolumeError
from PromptOnceLib.imaging.nifti_forms import NiftiForms, farthest_corner

if TYPE_CHECKING:
    import SimpleITK as sitk

    # At run time this file is also imported before pydantic is installed into Slicer, to draw the phantom.
    from PromptOnceLib.imaging.dicom_source import DicomSource
    from PromptOnceLib.imaging.scanner import Scanner

Array = NDArray[Any]

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

# Headers hold float32 or a few decimals; a real shear (gantry tilt) is far larger than this.
_ORTHOGONALITY_TOLERANCE = 1e-3


def sheared_error(what: str, tool: str = "3D Slicer") -> GeometryError:
    """Error for a grid that SimpleITK and SAM 2's square pixels cannot represent.

    what: "the image" or a file name. tool: with which such a file can be resampled.
    """
    return GeometryError(
        f"The axes of {what} are not perpendicular to each other (a sheared image, for example a CT with tilted "
        f"gantry). Resample it to a straight grid first, for example with {tool}."
    )


@dataclass(frozen=True)
class Geometry:
    """Voxel grid in space, as in SimpleITK.

    size: voxels along i, j, k. spacing: mm along i, j, k. origin: LPS position of the centre of voxel (0, 0, 0) in mm.
    direction: 3x3 row-major; its columns are the unit vectors of i, j, k in LPS; left-handed grids are allowed.
    nifti: how the NIfTI file states this grid that it was read from, for results that are to state the same.
    Raises GeometryError for an empty grid, values that are not finite, a spacing that is not positive, and axes that
    are not perpendicular.
    """

    size: tuple[int, int, int]
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = IDENTITY
    nifti: NiftiForms | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if [len(self.size), len(self.spacing), len(self.origin), len(self.direction)] != [3, 3, 3, 9]:
            raise GeometryError("The image has no three-dimensional geometry.")
        if min(self.size) < 1:
            raise GeometryError("The image holds no voxels. Choose another image.")
        if not np.isfinite([*self.spacing, *self.origin, *self.direction]).all():
            raise GeometryError("The position of the image in space holds invalid numbers. Export the image again.")
        if min(self.spacing) <= 0:
            raise GeometryError("The voxel spacing of the image is zero or negative. Export the image again.")
        if np.abs(self._axes().T @ self._axes() - np.eye(3)).max() > _ORTHOGONALITY_TOLERANCE:
            raise sheared_error("the image")

    @classmethod
    def from_image(cls, image: sitk.Image) -> Geometry:
        """Geometry of a 3D SimpleITK image."""
        size, spacing, origin = image.GetSize(), image.GetSpacing(), image.GetOrigin()
        return cls(size, spacing, origin, tuple(image.GetDirection()))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Array shape (k, j, i)."""
        i, j, k = self.size
        return k, j, i

    def ijk_to_lps(self) -> NDArray[np.float64]:
        """4x4 matrix from voxel indices (i, j, k, 1) to LPS millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = self._axes() * np.asarray(self.spacing)
        matrix[:3, 3] = self.origin
        return matrix

    def corners(self, margin: float = 0.0) -> NDArray[np.float64]:
        """LPS positions (8, 3) of the corner voxels' centres; margin 0.5 gives the outer edges of the voxels."""
        ends = [(-margin, count - 1 + margin) for count in self.size]
        indices = np.array([[*corner, 1.0] for corner in product(*ends)])
        positions: NDArray[np.float64] = (indices @ self.ijk_to_lps().T)[:, :3]
        return positions

    def same_grid(self, other: Geometry, tolerance: float = 0.05) -> bool:
        """Whether both grids have the same size and corners at most `tolerance` voxels apart.

        The default leaves room for headers rounded to float32 and hides nothing a nearest-neighbour lookup would see.
        """
        if self.size != other.size:
            return False
        distance = np.linalg.norm(self.corners() - other.corners(), axis=1).max()
        return bool(distance <= tolerance * min(self.spacing))

    def places_in(self, other: Geometry, tolerance: float = 0.05) -> NDArray[np.int64] | None:
        """The matrix (3, 4) from indices i, j, k of this grid to those of another one on which its voxels lie.

        Whole numbers, as its voxels are some of the other's or would be if that went on; None where they are not, by
        more than `tolerance` voxels at a corner.
        """
        to_other = np.linalg.inv(other.ijk_to_lps()) @ self.ijk_to_lps()
        whole = to_other.round()
        apart = farthest_corner(to_other, whole, self.size)
        return whole[:3].astype(np.int64) if apart <= tolerance else None

    def to_image(self, array: Array) -> sitk.Image:
        """SimpleITK image of a KJI array on this grid; bool becomes uint8. Raises GeometryError for another shape."""
        if array.shape != self.shape:
            raise GeometryError(
                f"An array of {array.shape} voxels does not fit an image of {self.shape} (slices, rows, columns)."
            )
        import SimpleITK as sitk  # not at the top: most who import this file need the grid alone

        voxels = array.astype(np.uint8) if array.dtype == bool else np.ascontiguousarray(array)
        image = sitk.GetImageFromArray(voxels, isVector=False)
        image.SetSpacing(self.spacing)
        image.SetOrigin(self.origin)
        image.SetDirection(self.direction)
        return image

    def _axes(self) -> NDArray[np.float64]:
        return np.asarray(self.direction, dtype=np.float64).reshape(3, 3)


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels and where they lie.

    array: KJI order, any integer or float type; CT in HU. modality: DICOM code ("CT", "MR", "DX", ...), "" if unknown.
    notices: sentences for the user about what was done while reading. file_window: lower and upper end of the window
    that the file states. padding: ranges of values, ends included, that mean that nothing was measured. measured: False
    where the file does not say how large a voxel is, and the geometry assumes it: there are no millilitres then.
    dicom: the files it was read from, where they are DICOM.
    Raises VolumeError for arrays that are not 3D, empty, or not made of real numbers, GeometryError where array and
    geometry differ.
    """

    array: Array
    geometry: Geometry
    modality: str = ""
    scanner: Scanner | None = None
    notices: tuple[str, ...] = ()
    file_window: tuple[float, float] | None = None
    padding: tuple[tuple[float, float], ...] = ()
    measured: bool = True
    dicom: DicomSource | None = None

    def __post_init__(self) -> None:
        if self.array.ndim != 3:
            raise VolumeError(f"The image has {self.array.ndim} dimensions. Only 3D images can be used.")
        if self.array.size == 0:
            raise VolumeError("The image holds no voxels. Choose another image.")
        if self.array.dtype.kind not in "iuf":
            raise VolumeError("The voxels of the image are not plain numbers. Choose an image of integers or floats.")
        if self.array.shape != self.geometry.shape:
            raise GeometryError(
                f"The voxels {self.array.shape} do not fit the grid {self.geometry.shape} (slices, rows, columns)."
            )

    @property
    def has_millilitres(self) -> bool:
        """Whether an object in it has a volume: a projection has no thickness."""
        return self.measured and 1 not in self.geometry.shape
