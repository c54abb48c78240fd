"""Overlap, statistics and surface distances against SimpleITK, brute force and the papers' own tables."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from scipy.spatial import cKDTree

from PromptOnceLib.errors import GeometryError
from PromptOnceLib.segmentation.metrics import (
    Summary,
    SurfaceFigures,
    dice,
    jaccard,
    slice_distances,
    slice_scores,
    summarise,
    surface_figures,
)

SHAPES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7)


@st.composite
def two_masks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(SHAPES)
    return draw(hnp.arrays(bool, shape)), draw(hnp.arrays(bool, shape))


def brute_force(
    a: np.ndarray, b: np.ndarray, spacing: tuple[float, ...], tolerance: float
) -> tuple[float, float, float, float]:
    """Maximum, 95th percentile, average, and share within the tolerance; those at its very edge count as within."""
    if a.ndim == 3 and 1 in a.shape:
        flat = a.shape.index(1)
        left = tuple(value for axis, value in enumerate(spacing) if axis != 2 - flat)
        return brute_force(a.squeeze(flat), b.squeeze(flat), left, tolerance)

    def surface(mask: np.ndarray) -> np.ndarray:
        padded = np.pad(mask, 1)
        return np.argwhere(padded & ~ndimage.binary_erosion(padded)) * np.array(spacing[::-1])

    on_a, on_b = surface(a), surface(b)
    directed = cKDTree(on_b).query(on_a)[0], cKDTree(on_a).query(on_b)[0]
    both = np.concatenate(directed)
    within = np.mean(both <= tolerance + 1e-5)
    return max(d.max() for d in directed), max(np.percentile(d, 95) for d in directed), both.mean(), within


def as_tuple(figures: SurfaceFigures | None) -> tuple[float, float, float, float]:
    assert figures is not None
    return figures.maximum, figures.percentile95, figures.average, figures.agreeing


@given(two_masks())
def test_dice_and_jaccard_equal_those_of_simpleitk(masks: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = masks
    if not a.any() or not b.any():
        return
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (a, b)))
    assert dice(a, b) == pytest.approx(overlap.GetDiceCoefficient(1), abs=1e-12)
    assert jaccard(a, b) == pytest.approx(overlap.GetJaccardCoefficient(1), abs=1e-12)


def test_two_empty_masks_have_no_score() -> None:
    empty = np.zeros((3, 4, 5), np.uint8)
    assert dice(empty, empty) is None
    assert jaccard(empty, empty) is None


def test_one_empty_mask_scores_zero() -> None:
    empty, full = np.zeros((4, 5), np.uint8), np.ones((4, 5), np.uint8)
    assert (dice(empty, full), dice(full, empty), jaccard(empty, full), jaccard(full, empty)) == (0, 0, 0, 0)


def test_any_value_other_than_zero_counts_as_object() -> None:
    labels = np.array([[0, 1, 2], [5, 0, 0]])
    assert dice(labels, labels > 0) == 1


def test_masks_of_different_size_are_refused() -> None:
    with pytest.raises(GeometryError, match="differ in size"):
        dice(np.zeros((2, 3)), np.zeros((3, 2)))


def test_slices_are_scored_one_by_one() -> None:
    mask, reference = np.zeros((4, 2, 2), bool), np.zeros((4, 2, 2), bool)
    mask[0], mask[1, 0] = True, True
    reference[1], reference[2] = True, True
    scores = slice_scores(mask, reference)
    assert [score.dice for score in scores] == [0, pytest.approx(2 / 3), 0, None]
    assert [score.jaccard for score in scores] == [0, 0.5, 0, None]
    assert [(score.area, score.reference_area) for score in scores] == [(4, 0), (2, 4), (0, 4), (0, 0)]


def test_the_summary_leaves_out_slices_without_reference() -> None:
    mask, reference = np.zeros((4, 2, 2), bool), np.zeros((4, 2, 2), bool)
    mask[0], mask[1, 0] = True, True
    reference[1], reference[2] = True, True
    dices, jaccards = summarise(slice_scores(mask, reference))
    assert dices is not None
    assert (dices.count, dices.mean, dices.min, dices.max) == (2, pytest.approx(1 / 3), 0, pytest.approx(2 / 3))
    assert jaccards is not None
    assert jaccards.mean == 0.25


def test_a_summary_of_one_value_has_no_standard_deviation() -> None:
    assert Summary.of([0.5, None]) == Summary(count=1, mean=0.5, median=0.5, std=None, min=0.5, max=0.5)


def test_there_is_no_summary_of_nothing() -> None:
    assert Summary.of([None, None]) is None
    assert summarise(slice_scores(np.ones((1, 2, 2)), np.zeros((1, 2, 2)))) == (None, None)


def _paper_column(file: Path, column: str, image: str | None = None) -> list[float | None]:
    with file.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if image in (None, row["image"])]
    return [float(row[column]) if row[column] else None for row in rows]


def test_the_papers_statistics_come_out_of_their_slices(shared_data: Path) -> None:
    (file,) = (shared_data / "paper_results" / "1-all").glob("joint_raw_data_*.csv")
    jaccards, dices = (Summary.of(_paper_column(file, column)) for column in ("jaccard", "dice"))
    assert jaccards is not None
    assert dices is not None
    assert (jaccards.count, dices.count) == (2973, 2973)
    assert (jaccards.mean, jaccards.std) == (pytest.approx(0.914493, abs=5e-7), pytest.approx(0.122624, abs=5e-7))
    assert (dices.mean, dices.std) == (pytest.approx(0.949448, abs=5e-7), pytest.approx(0.093036, abs=5e-7))


def test_the_papers_table_of_every_volume_comes_out_of_its_slices(shared_data: Path) -> None:
    folder = shared_data / "paper_results" / "1-all"
    (raw,), (table,) = folder.glob("joint_raw_data_*.csv"), folder.glob("joint_results_*.csv")
    with table.open(newline="") as lines:
        volumes = list(csv.DictReader(lines))
    assert len(volumes) == 20
    for volume in volumes:
        for metric in ("dice", "jaccard"):
            summary = Summary.of(_paper_column(raw, metric, volume["image"]))
            assert summary is not None
            ours = (summary.min, summary.max, summary.mean, summary.std)
            theirs = [float(volume[f"{metric}_{name}"]) for name in ("min", "max", "avg", "std")]
            assert ours == pytest.approx(theirs, abs=1e-12)


@given(two_masks(), st.tuples(*[st.floats(0.2, 5)] * 3))
def test_surface_distances_equal_brute_force(
    masks: tuple[np.ndarray, np.ndarray], spacing: tuple[float, float, float]
) -> None:
    a, b = masks
    distance = surface_figures(a, b, spacing[: a.ndim], 1.23456)
    if not a.any() or not b.any():
        assert distance is None
        return
    assert as_tuple(distance) == pytest.approx(brute_force(a, b, spacing[: a.ndim], 1.23456), rel=1e-5, abs=1e-5)


def test_distances_of_slices_know_rows_from_columns_and_leave_out_what_is_empty() -> None:
    a, b = np.zeros((2, 3, 12, 12), bool)
    a[:2, 2:6, 2:6] = True
    b[0, 4:8, 2:6] = b[1, 2:6, 4:8] = b[2, 2:6, 2:6] = True
    assert slice_distances(a, b, (0.5, 3.0)) == [pytest.approx(1.0), pytest.approx(6.0), None]


def test_surface_distances_of_large_shapes_far_from_the_border_equal_brute_force() -> None:
    a, b = np.zeros((2, 30, 60, 60), bool)
    k, j, i = np.ogrid[:30, :60, :60]
    a[(k - 14) ** 2 * 4 + (j - 30) ** 2 + (i - 30) ** 2 < 400] = True
    b[(k - 16) ** 2 * 4 + (j - 33) ** 2 + (i - 28) ** 2 < 300] = True
    spacing = (0.7, 0.8, 2.5)
    distance = surface_figures(a, b, spacing, 2.0)
    assert as_tuple(distance) == pytest.approx(brute_force(a, b, spacing, 2.0), rel=1e-5)
    assert distance is not None
    assert 0 < distance.agreeing < 1
    assert distance.percentile95 < distance.maximum


def test_the_maximum_equals_simpleitk_where_the_masks_do_not_overlap() -> None:
    # SimpleITK measures from all voxels, not from the surface; for apart boxes the farthest voxel lies on the surface.
    a, b = np.zeros((2, 12, 20, 20), bool)
    a[2:5, 3:9, 2:6] = True
    b[6:11, 8:14, 12:17] = True
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (a, b)]
    for image in images:
        image.SetSpacing((0.5, 1.5, 3.0))
    theirs = sitk.HausdorffDistanceImageFilter()
    theirs.Execute(*images)
    ours = surface_figures(a, b, (0.5, 1.5, 3.0))
    assert ours is not None
    assert ours.maximum == pytest.approx(theirs.GetHausdorffDistance(), rel=1e-6)


def test_two_single_voxels_are_as_far_apart_as_their_centres() -> None:
    a, b = np.zeros((2, 5, 6, 7), bool)
    a[0, 0, 0], b[4, 3, 6] = True, True
    in_mm, in_pixels = surface_figures(a, b, (0.5, 2.0, 3.0)), surface_figures(a, b)
    assert in_mm is not None
    assert in_pixels is not None
    assert in_mm.maximum == pytest.approx((3.0**2 + 6.0**2 + 12.0**2) ** 0.5)
    assert in_pixels.maximum == in_pixels.percentile95 == pytest.approx((6**2 + 3**2 + 4**2) ** 0.5)


def test_spacing_is_in_the_order_of_simpleitk() -> None:
    a, b = np.zeros((2, 4, 4), bool)
    a[0, 0], b[0, 3] = True, True
    distance = surface_figures(a, b, (2.0, 10.0))
    assert distance is not None
    assert distance.maximum == pytest.approx(6.0)


def test_masks_that_fill_the_image_have_a_surface_at_its_border() -> None:
    full = np.ones((5, 5), bool)
    centre = np.zeros((5, 5), bool)
    centre[2, 2] = True
    distance = surface_figures(full, centre)
    assert distance is not None
    assert distance.maximum == pytest.approx(8**0.5)


def test_equal_masks_have_no_distance() -> None:
    mask = np.random.default_rng(0).random((6, 7, 8)) < 0.4
    distance = surface_figures(mask, mask, (1, 2, 3))
    assert distance is not None
    assert (distance.maximum, distance.percentile95) == (0, 0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_image_of_one_slice_is_measured_in_its_plane(axis: int) -> None:
    row, column = np.ogrid[:40, :50]
    a, b = ((row - 20) ** 2 + (column - middle) ** 2 < 144 for middle in (22, 26))
    in_plane = surface_figures(a, b, (0.5, 0.8), 1.0)
    spacing = [0.5, 0.8]
    spacing.insert(2 - axis, 7.0)
    as_volume = surface_figures(np.expand_dims(a, axis), np.expand_dims(b, axis), spacing, 1.0)
    assert as_tuple(as_volume) == as_tuple(in_plane)
    assert as_tuple(as_volume) == pytest.approx(brute_force(a, b, (0.5, 0.8), 1.0), rel=1e-5)


def test_an_empty_mask_has_no_surface_to_measure_from() -> None:
    empty, full = np.zeros((3, 3), bool), np.ones((3, 3), bool)
    assert surface_figures(empty, full) is None
    assert surface_figures(full, empty) is None
    assert surface_figures(empty, empty) is None
