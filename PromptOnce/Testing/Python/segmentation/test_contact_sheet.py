"""The contact sheet: which slices it shows, and that what it should show can be seen on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.orientation import DisplayView
from PromptOnceLib.segmentation.contact_sheet import choose_slices, contact_sheet, worst_slices
from PromptOnceLib.segmentation.marks import DrawnMarks
from PromptOnceLib.segmentation.result import SegmentationResult, SliceResult, slice_results
from PromptOnceLib.segmentation.segment import default_color
from PromptOnceLib.segmentation.slice_picture import REFERENCE_COLOR, as_rgb, picture_size, slice_picture

COLORS = [default_color(0), default_color(1)]


def pixels_of(picture: Image.Image, color: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Where a picture has a colour, smoothed edges aside."""
    distance = np.abs(np.asarray(picture, dtype=int) - as_rgb(color)).sum(axis=-1)
    return distance < 40


def disk(shape: tuple[int, int], centre: tuple[int, int], radius: int) -> NDArray[np.uint8]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2).astype(np.uint8)


def segmented(slices: int, shape: tuple[int, int]) -> SegmentationResult:
    result = SegmentationResult.empty(("left", "right"), (slices, *shape), axis=0)
    masks = np.stack([disk(shape, (10, 10), 6), disk(shape, (20, 22), 7)])
    for index in range(slices):
        result.set_slice(index, masks, (1, 1), (1, 1))
    return result


@given(st.sets(st.integers(0, 400), min_size=1), st.integers(1, 30), st.data())
def test_the_slices_shown_are_computed_ordered_and_include_the_seed(
    computed: set[int], count: int, data: st.DataObject
) -> None:
    seed = data.draw(st.sampled_from(sorted(computed)))
    shown = choose_slices(sorted(computed), [seed], count)
    assert len(shown) == min(count, len(computed))
    assert shown == sorted(set(shown))
    assert seed in shown
    assert set(shown) <= computed


def test_the_slices_shown_are_evenly_spread_from_first_to_last() -> None:
    assert choose_slices(range(101), [], 5) == [0, 25, 50, 75, 100]
    assert choose_slices(range(101), [48], 5) == [0, 25, 48, 75, 100]


def test_wanted_slices_take_the_places_of_others_never_of_each_other() -> None:
    shown = choose_slices(range(101), [50, 51, 52, 53], 5)
    assert len(shown) == 5
    assert {50, 51, 52, 53} <= set(shown)
    assert choose_slices(range(101), [1, 2, 3, 4, 5, 6, 7], 3) == [1, 2, 3]


def row(index: int, area: int, iou: float, dice: float | None = None, reference_area: int | None = None) -> SliceResult:
    return SliceResult(index, True, area, 1.0, iou, dice, None, reference_area)


def test_the_worst_slices_have_the_lowest_dice_or_without_a_reference_the_lowest_predicted_iou() -> None:
    rows = [row(0, 5, 0.9, 0.4, 7), row(1, 5, 0.1, 0.9, 7), row(2, 0, 0.0, None, 0), row(3, 0, 0.0, 0.0, 2)]
    assert worst_slices(rows, 2) == [3, 0]
    without = [row(0, 5, 0.9), row(1, 5, 0.1), row(2, 0, 0.0), row(3, 5, 0.5)]
    assert worst_slices(without, 2) == [1, 3], "an empty slice says nothing"
    assert worst_slices([row(0, 5, 1.0, 1.0, 5)], 2) == [], "nothing is wrong there"


@pytest.mark.parametrize(("mirrored", "middle"), [(False, 15), (True, 59 - 15)])
def test_the_prompt_is_drawn_where_it_lies_on_its_slice_alone(tmp_path: Path, mirrored: bool, middle: int) -> None:
    shape, color = (40, 60), (1.0, 0.0, 1.0)
    result = SegmentationResult.empty(("a",), (3, *shape), 0)
    result.computed[:] = True
    frames = np.full((3, *shape), 60, np.uint8)
    stored = DrawnMarks(color, ((10, 5), (20, 15)), positive=((50, 30),))
    marks = {1: [stored.seen(DisplayView(False, False, mirrored), shape)]}
    path, rows = tmp_path / "a.png", slice_results(result)
    contact_sheet(frames, result.masks, None, rows, path, (1, 1), prompted_slice=1, marks=marks, columns=1)
    drawn = np.argwhere(pixels_of(Image.open(path).convert("RGB"), color))
    tile = 900 / 60
    height, width = np.ptp(drawn, axis=0) / tile
    assert (width, height) == pytest.approx((40.5, 25.5), abs=1)
    box_top = drawn[drawn[:, 0] < drawn[:, 0].min() + 2]
    assert (box_top[:, 1].mean() - 16) / tile == pytest.approx(middle + 0.5, abs=0.3)


@pytest.mark.parametrize(
    ("shape", "spacing", "expected"),
    [
        ((100, 50), (1, 1), (120, 240)),
        ((50, 100), (5, 1), (96, 240)),
        ((50, 100), (0.5, 1), (240, 60)),
        ((4892, 4020), (0.1, 0.1), (197, 240)),
    ],
)
def test_a_picture_has_the_proportions_of_the_patient(
    shape: tuple[int, int], spacing: tuple[float, float], expected: tuple[int, int]
) -> None:
    assert picture_size(shape, spacing, (240, 240)) == expected


@pytest.mark.parametrize(("shape", "size"), [((35, 51), (300, 206)), ((900, 900), (240, 240))])
def test_the_contour_is_thin_and_lies_on_the_edge_of_the_object(shape: tuple[int, int], size: tuple[int, int]) -> None:
    scale = size[0] / shape[1]
    radius = min(shape) // 3
    mask = disk(shape, (shape[0] // 2, shape[1] // 2), radius)
    picture = slice_picture(np.full(shape, 90, np.uint8), [mask], COLORS[:1], None, size)
    drawn = np.argwhere(pixels_of(picture, COLORS[0]))
    centre = (np.array([shape[0] // 2, shape[1] // 2]) + 0.5) * scale
    distances = np.linalg.norm(drawn + 0.5 - centre, axis=1)
    assert distances.max() < radius * scale + 2
    assert distances.min() > (radius - 1) * scale - 3
    assert len(drawn) > 4 * radius * scale
    grey = (np.asarray(picture) == 90).all(axis=-1)
    assert grey.mean() > 0.75


def test_an_object_thinner_than_the_pictures_pixels_does_not_vanish() -> None:
    mask = np.zeros((2000, 2000), np.uint8)
    mask[1000, 1000:1004] = 1
    picture = slice_picture(np.zeros((2000, 2000), np.uint8), [mask], COLORS[:1], None, (200, 200))
    assert np.asarray(picture)[..., 2].max() > 60


def test_an_empty_mask_draws_nothing() -> None:
    frame = np.full((40, 40), 90, np.uint8)
    empty = np.zeros((40, 40), np.uint8)
    picture = slice_picture(frame, [empty], COLORS[:1], empty, (200, 200))
    assert (np.asarray(picture) == 90).all()


def test_an_object_that_fills_the_slice_is_outlined_at_the_border() -> None:
    picture = slice_picture(np.zeros((40, 40), np.uint8), [np.ones((40, 40))], COLORS[:1], None, (200, 200))
    assert pixels_of(picture, COLORS[0])[0].all()
    assert not pixels_of(picture, COLORS[0])[100, 100]


def test_result_and_reference_can_both_be_seen_where_they_coincide() -> None:
    mask = disk((60, 60), (30, 30), 20)
    picture = slice_picture(np.full((60, 60), 255, np.uint8), [mask], COLORS[:1], mask, (300, 300))
    assert pixels_of(picture, COLORS[0]).sum() > 100
    assert pixels_of(picture, REFERENCE_COLOR).sum() > 100


def test_the_sheet_shows_every_object_and_the_reference(tmp_path: Path) -> None:
    result = segmented(7, (30, 40))
    reference = np.stack([disk((30, 40), (14, 30), 5)] * 7)
    frames = np.full((7, 30, 40), 60, np.uint8)
    rows = slice_results(result, reference)
    path = tmp_path / "sheet.png"
    contact_sheet(
        frames, result.masks, reference, rows, path, (1, 1), names=result.names, title="a", facts=["Dice 0.5"]
    )
    sheet = Image.open(path).convert("RGB")
    for color in (*COLORS, REFERENCE_COLOR):
        assert pixels_of(sheet, color).sum() > 200
    assert (np.asarray(sheet)[[0, -1]] < 40).all()


def test_a_note_has_a_line_of_its_own_and_is_seen(tmp_path: Path) -> None:
    result, path = segmented(2, (30, 40)), tmp_path / "sheet.png"
    frames, rows, pictures = np.full((2, 30, 40), 60, np.uint8), slice_results(result, None), []
    for note in ("", "nano is a demonstration model"):
        contact_sheet(frames, result.masks, None, rows, path, (1, 1), note=note, names=result.names)
        pictures.append(np.asarray(Image.open(path).convert("RGB")).astype(int))
    plain, noted = pictures
    line = len(noted) - len(plain)
    assert line > 10
    np.testing.assert_array_equal(plain[-60:], noted[-60:])
    warning = noted[16 + 2 * line : 16 + 3 * line]
    assert (warning[..., 0] - warning[..., 2]).max() > 100, "in a colour that warns"


def test_slices_never_computed_are_not_shown(tmp_path: Path) -> None:
    sizes = []
    for computed in (2, 6):
        result = segmented(6, (30, 40))
        result.computed[computed:] = False
        path = tmp_path / f"{computed}.png"
        frames = np.zeros((6, 30, 40), np.uint8)
        contact_sheet(frames, result.masks, None, slice_results(result), path, (1, 1), columns=2)
        sizes.append(Image.open(path).size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[0][1] < sizes[1][1] / 2


def test_anisotropic_pixels_are_shown_in_true_proportions(tmp_path: Path) -> None:
    result = segmented(1, (30, 40))
    frames = np.full((1, 30, 40), 200, np.uint8)
    result.masks[:] = 0
    contact_sheet(frames, result.masks, None, slice_results(result), tmp_path / "a.png", (4, 1))
    bright = np.argwhere((np.asarray(Image.open(tmp_path / "a.png")) == 200).all(axis=-1))
    height, width = bright.max(axis=0) - bright.min(axis=0) + 1
    assert height / width == pytest.approx(3, rel=0.01)


def test_many_objects_with_long_names_get_a_legend_of_several_lines(tmp_path: Path) -> None:
    names = [f"{index} processus articularis pulmón 肺 " * 4 for index in range(12)]
    result = SegmentationResult.empty(names, (1, 30, 40), axis=0)
    result.set_slice(0, np.zeros((12, 30, 40)), [0] * 12, [0] * 12)
    frames = np.zeros((1, 30, 40), np.uint8)
    for count in (1, 12):
        path = tmp_path / f"{count}.png"
        contact_sheet(
            frames, result.masks, None, slice_results(result), path, (1, 1), names=names[:count], title="x" * 999
        )
    few, many = (Image.open(tmp_path / f"{count}.png").size for count in (1, 12))
    assert few[0] == many[0]
    assert many[1] > few[1] + 150


def test_a_sheet_of_nothing_is_refused(tmp_path: Path) -> None:
    result = SegmentationResult.empty(("a",), (3, 30, 40), axis=0)
    frames = np.zeros((3, 30, 40), np.uint8)
    with pytest.raises(InputError, match="nothing to show"):
        contact_sheet(frames, result.masks, None, slice_results(result), tmp_path / "a.png", (1, 1))


def test_a_sheet_in_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    result = segmented(1, (30, 40))
    frames = np.zeros((1, 30, 40), np.uint8)
    with pytest.raises(InputError, match="no folder"):
        contact_sheet(frames, result.masks, None, slice_results(result), tmp_path / "missing" / "a.png", (1, 1))
