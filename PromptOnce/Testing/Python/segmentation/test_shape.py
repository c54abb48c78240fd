"""Outlines, elliptic Fourier descriptors and the measures of a slice, against shapes that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import integrate, ndimage

from PromptOnceLib.errors import GeometryError, InputError
from PromptOnceLib.segmentation.shape.fourier import EllipticFourier, elliptic_fourier, fourier_order
from PromptOnceLib.segmentation.shape.measures import slice_shape
from PromptOnceLib.segmentation.shape.outline import filled, outline_of

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)).filter(np.any)
ROW, COLUMN = np.indices((90, 110))


def ellipse_mask(a: float, b: float, turn: float = 0.0, x: float = 55, y: float = 45) -> np.ndarray:
    along = (COLUMN - x) * np.cos(turn) + (ROW - y) * np.sin(turn)
    across = (ROW - y) * np.cos(turn) - (COLUMN - x) * np.sin(turn)
    return (along / a) ** 2 + (across / b) ** 2 <= 1


def star_mask(points: int, depth: float, radius: float = 25) -> np.ndarray:
    angle = np.arctan2(ROW - 45, COLUMN - 55)
    return np.hypot(COLUMN - 55, ROW - 45) <= radius + depth * np.sin(points * angle)


def coast_mask(depth: float) -> np.ndarray:
    """Of unlike waves, so that each order has an effect: the loop of the Fourier order ends at one that has none."""
    angle = np.arctan2(ROW - 45, COLUMN - 55)
    waves = sum(np.sin(number * angle + number**2) / number for number in range(2, 12))
    return np.hypot(COLUMN - 55, ROW - 45) <= 25 * (1 + depth * waves)


def ellipse(a: float, b: float, corners: int = 20000, start: float = 0.0) -> np.ndarray:
    """A polygon (corners, 2) so fine that it is the ellipse."""
    angle = start + 2 * np.pi * np.arange(corners) / corners
    return np.stack([a * np.cos(angle) + 7, b * np.sin(angle) - 3], axis=1)


# Outlines


@given(masks)
def test_an_outline_encloses_the_largest_region_with_its_holes_and_nothing_else(mask: np.ndarray) -> None:
    regions, count = ndimage.label(mask, np.ones((3, 3)))
    sizes = [int((regions == number).sum()) for number in range(1, count + 1)]
    inside = filled(outline_of(mask), (0, 0), mask.shape)
    possible = [
        ndimage.binary_fill_holes(regions == number) for number, size in enumerate(sizes, start=1) if size == max(sizes)
    ]
    assert any((inside == region).all() for region in possible)


@given(masks)
def test_an_outline_steps_from_pixel_edge_to_pixel_edge(mask: np.ndarray) -> None:
    outline = outline_of(mask)
    assert (outline % 1).sum(axis=1) == pytest.approx(0.5)  # one coordinate is whole, the other a half
    steps = np.abs(np.roll(outline, -1, axis=0) - outline)
    assert {tuple(step) for step in steps} <= {(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)}
    assert len(np.unique(outline, axis=0)) == len(outline)


def test_the_outline_of_a_pixel_is_a_diamond_around_it() -> None:
    mask = np.zeros((4, 6), bool)
    mask[2, 5] = True
    assert outline_of(mask).tolist() == [[5.0, 1.5], [5.5, 2.0], [5.0, 2.5], [4.5, 2.0]]


def test_what_a_polygon_encloses_is_counted_from_its_origin() -> None:
    square = np.array([[1.5, 10.5], [4.5, 10.5], [4.5, 12.5], [1.5, 12.5]])
    expected = np.zeros((5, 6), bool)
    expected[1:3, 0:3] = True
    assert (filled(square, (10, 2), (5, 6)) == np.roll(expected, 0) & [1, 1, 1, 0, 0, 0]).all()
    assert filled(square + 100, (10, 2), (5, 6)).sum() == 0


def test_a_polygon_that_crosses_itself_is_filled_by_the_even_odd_rule() -> None:
    twice = np.array([[0.5, 0.5], [6.5, 0.5], [6.5, 6.5], [0.5, 6.5]] * 2)
    assert filled(twice, (0, 0), (8, 8)).sum() == 0


# Descriptors


def test_a_circle_is_its_first_harmonic_exactly() -> None:
    series = elliptic_fourier(ellipse(12, 12), 6)
    assert series.centre == pytest.approx([7, -3])
    assert series.harmonics[0] == pytest.approx([12, 0, 0, 12], abs=1e-5)
    assert series.harmonics[1:] == pytest.approx(np.zeros((5, 4)), abs=1e-5)


@pytest.mark.parametrize(("a", "b"), [(20, 10), (5, 30)])
def test_an_ellipse_has_the_harmonics_of_its_length(a: float, b: float) -> None:
    # Kuhl and Giardina's parameter is the share of the outline's length, so that an ellipse has higher orders, too.
    # Here they are integrated over the angle, with the length up to each angle from the elliptic integral.
    angle = np.linspace(0, 2 * np.pi, 20001)
    length = integrate.cumulative_simpson(np.hypot(a * np.sin(angle), b * np.cos(angle)), x=angle, initial=0)
    share = length / length[-1]
    found = elliptic_fourier(ellipse(a, b), 5).harmonics
    for order in range(1, 6):
        cosine, sine = np.cos(2 * np.pi * order * share), np.sin(2 * np.pi * order * share)
        expected = [
            2 * integrate.trapezoid(values * wave, share)
            for values in (a * np.cos(angle), b * np.sin(angle))
            for wave in (cosine, sine)
        ]
        assert found[order - 1] == pytest.approx(expected, abs=1e-4)


def test_a_square_has_the_harmonics_of_a_triangle_wave() -> None:
    square = np.array([[-1.0, 0.0], [0.0, -1.0], [1.0, 0.0], [0.0, 1.0]])
    found = elliptic_fourier(square, 5).harmonics
    for order in range(1, 6):
        # x is an even triangle wave from -1, y the same a quarter later.
        height = 8 / (np.pi * order) ** 2 if order % 2 else 0.0
        assert found[order - 1, 0] == pytest.approx(-height, abs=1e-12)
        assert abs(found[order - 1, 3]) == pytest.approx(height, abs=1e-12)
        assert found[order - 1, 1:3] == pytest.approx([0, 0], abs=1e-12)


def test_many_orders_give_the_outline_back() -> None:
    outline = outline_of(star_mask(5, 8))
    series = elliptic_fourier(outline, 400)
    lengths = np.hypot(*(np.roll(outline, -1, axis=0) - outline).T)
    shares = np.concatenate([[0], np.cumsum(lengths)[:-1]]) / lengths.sum()
    assert np.abs(series.at(shares) - outline).max() < 0.05
    assert np.abs(series.at(shares, 1) - outline).max() > 2


def test_a_corner_that_stands_twice_counts_once() -> None:
    outline = outline_of(star_mask(5, 8))
    doubled = np.repeat(outline, 2, axis=0)
    once, twice = elliptic_fourier(outline, 4), elliptic_fourier(doubled, 4)
    assert once.harmonics == pytest.approx(twice.harmonics)
    assert once.centre == pytest.approx(twice.centre)


def invariants(series: EllipticFourier) -> np.ndarray:
    """Axes of the ellipse of each order, longer first, by the longest of all."""
    axes = np.linalg.svd(series.harmonics.reshape(-1, 2, 2), compute_uv=False)
    return axes / axes.max()


@given(st.floats(0, 6.3), st.floats(0.1, 10), st.integers(0, 200), st.booleans())
def test_turned_grown_and_begun_elsewhere_an_outline_has_the_same_ellipses(
    turn: float, scale: float, start: int, backwards: bool
) -> None:
    outline = outline_of(star_mask(3, 6))
    turned = outline @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) * scale + 40
    begun = np.roll(turned, start, axis=0)
    changed = begun[::-1] if backwards else begun
    assert invariants(elliptic_fourier(changed, 6)) == pytest.approx(invariants(elliptic_fourier(outline, 6)), abs=1e-9)


# Fourier order


def test_a_circle_takes_one_order() -> None:
    order = fourier_order(outline_of(ellipse_mask(30, 30)))
    assert 1 <= order < 1 + 200 * 0.03


def expected_order(outline: np.ndarray) -> float:
    """The paper's loop, with its own words: orders from 1 on, until Dice > 97 % or it differs by less than 0.1 %."""
    grid = (120, 140)
    own = filled(outline + 15, (0, 0), grid)
    lengths = np.hypot(*(np.roll(outline, -1, axis=0) - outline).T)
    shares = np.concatenate([[0], np.cumsum(lengths)[:-1]]) / lengths.sum()
    dices = [0.0]
    for order in range(1, len(outline) // 2 + 1):
        drawn = filled(elliptic_fourier(outline, order).at(shares) + 15, (0, 0), grid)
        dices.append(2 * (own & drawn).sum() / (own.sum() + drawn.sum()))
        if dices[-1] > 0.97 or (order > 1 and abs(dices[-1] - dices[-2]) < 0.001):
            break
    return len(dices) - 1 + 2 * 100 * (1 - dices[-1])


@pytest.mark.parametrize(
    "mask", [ellipse_mask(35, 12, 0.4), star_mask(5, 6), star_mask(4, 12), ellipse_mask(30, 30) & (ROW > 40)]
)
def test_the_order_is_what_the_papers_loop_gives(mask: np.ndarray) -> None:
    outline = outline_of(mask)
    assert fourier_order(outline) == pytest.approx(expected_order(outline))


def test_many_orders_are_taken_where_each_of_them_helps() -> None:
    outline = outline_of(coast_mask(0.4))
    assert fourier_order(outline) == pytest.approx(expected_order(outline))
    assert int(fourier_order(outline)) > 5


def test_a_more_complex_outline_has_a_higher_order() -> None:
    orders = [fourier_order(outline_of(coast_mask(depth))) for depth in (0, 0.1, 0.2, 0.4)]
    assert orders == sorted(orders)
    assert orders[-1] > 5 * orders[0]


def test_the_order_does_not_depend_on_where_the_object_lies_nor_on_quarter_turns() -> None:
    mask = star_mask(3, 6)
    order = fourier_order(outline_of(mask))
    assert fourier_order(outline_of(np.pad(mask, ((5, 0), (0, 9))))) == pytest.approx(order)
    assert fourier_order(outline_of(np.rot90(mask))) == pytest.approx(order, abs=1.0)
    assert fourier_order(outline_of(mask.T)) == pytest.approx(order, abs=1.0)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_dot_has_an_order(size: int) -> None:
    assert 1 <= fourier_order(outline_of(np.ones((size, 1), bool))) < 40


# Measures


def test_the_measures_of_a_rectangle_are_counted_by_hand() -> None:
    image = np.zeros((30, 40))
    mask = np.zeros((30, 40), np.uint8)
    mask[10:15, 8:28] = 1  # 5 rows and 20 columns: enlarged by 1 row and 2 columns
    image[mask > 0] = 100
    image[9, 6:30] = 40  # the row above, 24 of 7 * 24 - 100 = 68 pixels around the object
    image[8], image[:, 5] = 1000, 1000  # beyond
    shape = slice_shape(mask, image)
    assert shape.size == 100
    assert shape.aspect_ratio == pytest.approx(5 / 20)
    assert shape.intensity_difference == pytest.approx(100 - 40 * 24 / 68)
    assert slice_shape(mask.T, image.T).aspect_ratio == pytest.approx(5 / 20)
    assert slice_shape(mask, -image).intensity_difference == pytest.approx(100 - 40 * 24 / 68)


def test_surroundings_end_at_the_border_and_may_be_missing() -> None:
    image = np.arange(12.0).reshape(3, 4)
    corner = np.zeros((3, 4), bool)
    corner[:2, :2] = True
    around = [image[0, 2], image[1, 2], *image[2, :3]]
    assert slice_shape(corner, image).intensity_difference == pytest.approx(np.mean(around) - image[:2, :2].mean())
    assert slice_shape(np.ones((3, 4), bool), image).intensity_difference is None


def test_an_object_of_several_pieces_is_outlined_by_the_largest() -> None:
    lungs = ellipse_mask(12, 12, x=30) | star_mask(5, 4, 10)
    shape = slice_shape(lungs, np.zeros(lungs.shape))
    assert shape.size == lungs.sum()
    regions, _ = ndimage.label(lungs)
    largest = regions == np.argmax(np.bincount(regions.ravel())[1:]) + 1
    assert shape.fourier_order == fourier_order(outline_of(largest))


def test_what_has_no_shape_is_refused() -> None:
    with pytest.raises(InputError, match="empty on this slice"):
        slice_shape(np.zeros((4, 5)), np.zeros((4, 5)))
    with pytest.raises(GeometryError, match="one size"):
        slice_shape(np.ones((4, 5)), np.zeros((4, 6)))
