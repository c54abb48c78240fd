"""How well a mask agrees with a reference: overlap per slice and per volume, surface distances, statistics.

An overlap of two empty masks is not defined and is None, never 1, so that slices without anything to find do not raise
a mean. Arrays are bool or integers; every value other than 0 counts as object.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import GeometryError

if TYPE_CHECKING:
    import SimpleITK as sitk

Mask = NDArray[Any]

_ROUNDING = 1e-5  # of distances, which are single precision


@dataclass(frozen=True)
class SliceScores:
    """One slice of a mask against the same slice of a reference; areas in pixels, None where both are empty."""

    area: int
    reference_area: int
    dice: float | None
    jaccard: float | None


@dataclass(frozen=True)
class Summary:
    """Statistics of one metric over slices; std with ddof 1 as in the papers' tables, None for a single value."""

    count: int
    mean: float
    median: float
    std: float | None
    min: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Summary | None:
        """Statistics of the values that are defined; None where there is none."""
        defined = np.array([value for value in values if value is not None], dtype=np.float64)
        if defined.size == 0:
            return None
        return cls(
            count=int(defined.size),
            mean=float(defined.mean()),
            median=float(np.median(defined)),
            std=float(defined.std(ddof=1)) if defined.size > 1 else None,
            min=float(defined.min()),
            max=float(defined.max()),
        )


@dataclass(frozen=True)
class SurfaceFigures:
    """How far two surfaces are apart; in mm, or in pixels where no spacing was given.

    maximum, percentile95: symmetric Hausdorff distance and its 95th percentile. average: average symmetric surface
    distance. agreeing: share of the surfaces, 0 to 1, that lies within the tolerance of the other one (surface Dice).
    """

    maximum: float
    percentile95: float
    average: float
    agreeing: float


def dice(mask: Mask, reference: Mask) -> float | None:
    """Dice coefficient of two masks of the same shape, 2D or 3D: 2 |A and B| / (|A| + |B|).

    None where both are empty, 0 where one is. Raises GeometryError for different shapes.
    """
    a, b = _as_bool(mask, reference)
    return _dice(*_counts(a, b))


def jaccard(mask: Mask, reference: Mask) -> float | None:
    """Jaccard index (intersection over union) of two masks of the same shape, 2D or 3D.

    None where both are empty, 0 where one is. Raises GeometryError for different shapes.
    """
    a, b = _as_bool(mask, reference)
    return _jaccard(*_counts(a, b))


def slice_scores(mask: Mask, reference: Mask) -> list[SliceScores]:
    """Scores of every slice of two stacks (n, rows, columns). Raises GeometryError for different shapes."""
    a, b = _as_bool(mask, reference)
    scores = []
    for mask_slice, reference_slice in zip(a, b, strict=True):
        counts = _counts(mask_slice, reference_slice)
        scores.append(SliceScores(counts[0], counts[1], _dice(*counts), _jaccard(*counts)))
    return scores


def summarise(scores: Sequence[SliceScores]) -> tuple[Summary | None, Summary | None]:
    """Dice and Jaccard over the slices that hold the reference, as the papers do.

    A slice without reference is left out even where the mask holds something there (its scores are 0).
    None where no slice holds the reference.
    """
    held = [score for score in scores if score.reference_area > 0]
    return Summary.of(score.dice for score in held), Summary.of(score.jaccard for score in held)


def surface_figures(
    mask: Mask, reference: Mask, spacing: Sequence[float] | None = None, tolerance: float = 0.0
) -> SurfaceFigures | None:
    """Distances between the surfaces of two masks of the same shape, 2D or 3D; None where one is empty.

    spacing: mm in SimpleITK's order (i, j, k for a KJI array, column and row spacing for a slice); None measures in
    pixels. tolerance: in the same unit, for the surface Dice.

    The surface is the set of object voxels that share a face with background or with the border of the image; distances
    are between voxel centres. The maximum is the larger of the two directed Hausdorff distances (Huttenlocher et al.
    1993); the 95th percentile is the larger of the two directed 95th percentiles, interpolated linearly, as in Metrics
    Reloaded (Maier-Hein et al., Nature Methods 2024) and MONAI's compute_hausdorff_distance. Pooling both directions,
    as medpy's hd95 does, gives smaller values. The average is over the surface voxels of both (ASSD). The surface Dice
    is that of Nikolov et al. (2018) with every surface voxel counted alike, as MONAI's compute_surface_dice does;
    DeepMind's own code weighs them by area. Of an image of one slice the surface is the outline in it: along the third
    axis every voxel would lie on the border.

    Raises GeometryError for different shapes.
    """
    a, b = _as_bool(mask, reference)
    if not a.any() or not b.any():
        return None
    step = [1.0] * a.ndim if spacing is None else [float(value) for value in spacing]
    if a.ndim == 3 and 1 in a.shape:
        axis = a.shape.index(1)
        a, b, step = a.squeeze(axis), b.squeeze(axis), step[: 2 - axis] + step[3 - axis :]
    box = bounding_box(a | b)
    surface_a, surface_b = _surface(a[box], step), _surface(b[box], step)
    directed = (_distances(surface_a, surface_b), _distances(surface_b, surface_a))
    both = np.concatenate(directed, dtype=np.float64)
    return SurfaceFigures(
        maximum=max(float(distances.max()) for distances in directed),
        percentile95=max(float(np.percentile(distances, 95)) for distances in directed),
        average=float(both.mean()),
        agreeing=float(np.mean(both <= tolerance + _ROUNDING)),
    )


def slice_distances(mask: Mask, reference: Mask, spacing: tuple[float, float]) -> list[float | None]:
    """Symmetric Hausdorff distance of every slice of two stacks (n, rows, columns), see surface_figures; in mm.

    spacing: mm between rows, between columns. None on slices where one of them is empty. Raises GeometryError for
    different shapes.
    """
    between_rows, between_columns = spacing
    figures = [
        surface_figures(found, true, (between_columns, between_rows))
        for found, true in zip(*_as_bool(mask, reference), strict=True)
    ]
    return [None if figure is None else figure.maximum for figure in figures]


def _as_bool(mask: Mask, reference: Mask) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    if mask.shape != reference.shape:
        raise GeometryError(
            f"The segmentation {mask.shape} and the reference {reference.shape} differ in size. "
            "Choose a reference that was drawn on the same image."
        )
    return mask.astype(bool, copy=False), reference.astype(bool, copy=False)


def _counts(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Pixels of a, of b and of both."""
    return int(np.count_nonzero(a)), int(np.count_nonzero(b)), int(np.count_nonzero(a & b))


def _dice(a: int, b: int, both: int) -> float | None:
    return 2 * both / (a + b) if a + b else None


def _jaccard(a: int, b: int, both: int) -> float | None:
    return both / (a + b - both) if a + b else None


def slice_areas(masks: Mask) -> NDArray[np.int64]:
    """Pixels of the object on each slice of a stack (n, rows, columns)."""
    # One by one: NumPy counts many times slower along axes.
    return np.array([np.count_nonzero(mask) for mask in masks], np.int64)


def bounding_box(mask: Mask) -> tuple[slice, ...]:
    """Smallest box around an object that is there: work on the whole image may cost a hundred times more."""
    box = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        filled = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(filled[0]), int(filled[-1]) + 1))
    return tuple(box)


def _surface(mask: NDArray[np.bool_], spacing: Sequence[float]) -> sitk.Image:
    """Object voxels with a face neighbour in the background, as an image with one voxel of background around."""
    import SimpleITK as sitk  # not at the top: the other figures do without

    image = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
    image.SetSpacing(spacing)
    # ITK's fullyConnected is about the background's connectivity: False looks at face neighbours only.
    surface: sitk.Image = sitk.BinaryContour(image, fullyConnected=False, foregroundValue=1)
    return surface


def _distances(source: sitk.Image, target: sitk.Image) -> NDArray[np.float32]:
    """Distance from every surface voxel of source to the nearest of target."""
    import SimpleITK as sitk

    to_target = sitk.SignedMaurerDistanceMap(target, squaredDistance=False, useImageSpacing=True)
    on_source = sitk.GetArrayViewFromImage(source).astype(bool)
    # No distance is negative: every surface voxel touches background, so the target has no inside of its own.
    distances: NDArray[np.float32] = sitk.GetArrayViewFromImage(to_target)[on_source]
    return np.abs(distances)  # ITK gives the zero a sign
