"""What the network is shown: crops around what is marked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.views.crop import Crop, Zoom
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask
from PromptOnceLib.prompts.zoom import Sight, crop_holding, crop_of, seen_in, zoom_from_text

SHAPE = (300, 500)
WHOLE = Crop.whole(SHAPE)


def boxed(x0: float, y0: float, x1: float, y1: float, *points: Point) -> ObjectPrompt:
    return ObjectPrompt(box=Box(x0=x0, y0=y0, x1=x1, y1=y1), points=points)


def point(x: float, y: float, positive: bool = True) -> Point:
    return Point(x=x, y=y, positive=positive)


def test_a_small_object_is_seen_twice_as_long_in_the_middle_of_a_square() -> None:
    crop = crop_of([boxed(200, 100, 240, 130)], SHAPE, "auto", 256)
    assert crop.rows == crop.columns
    assert 80 <= crop.rows <= 96
    middle = crop.column + crop.columns / 2, crop.row + crop.rows / 2
    assert np.allclose(middle, (220, 115), atol=crop.rows / 16)


def test_large_objects_and_points_alone_are_seen_on_the_whole_slice() -> None:
    assert crop_of([boxed(50, 20, 400, 280)], SHAPE, "auto", 256) == WHOLE
    assert crop_of([ObjectPrompt(points=(point(200, 100),))], SHAPE, 2.0, 256) == WHOLE
    assert crop_of([boxed(200, 100, 240, 130)], SHAPE, "off", 256) == WHOLE


def test_a_large_network_is_shown_more_around_the_same_object() -> None:
    lengths = [crop_of([boxed(200, 100, 240, 130)], (1000, 1000), "auto", size).rows for size in (256, 512, 1024)]
    assert lengths[0] == lengths[1]
    assert 160 <= lengths[2] <= 191


def test_the_crop_holds_what_is_marked_on_any_slice() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[40:50, 60:70] = True
    prompts = [boxed(100, 60, 120, 90, point(130, 95), point(490, 290, False)), ObjectPrompt(mask=encode_mask(mask))]
    crop = crop_of(prompts, SHAPE, 1.0, 256)
    assert crop.holds((40, 60, 96, 131))
    assert not crop.holds((290, 490, 291, 491)), "a point beside the object is no reason to see all of the slice"


def test_the_crop_stands_still_while_a_box_is_dragged_a_little_and_follows_it() -> None:
    crops = [crop_of([boxed(200 + d, 100, 240 + d, 130)], SHAPE, "auto", 256) for d in range(60)]
    assert 8 < len(set(crops)) < 20
    assert all(crop.holds((100, 200 + d, 130, 240 + d)) for d, crop in enumerate(crops))


sides = st.integers(0, 60)


@given(st.integers(0, 470), st.integers(0, 270), sides, sides, st.sampled_from(["auto", 1.0, 1.5, 3.0, 100.0]))
def test_every_crop_lies_in_the_slice_and_holds_the_box(x: int, y: int, width: int, height: int, zoom: Zoom) -> None:
    box = (x, y, min(500, x + 1 + width), min(300, y + 1 + height))
    crop = crop_of([boxed(*box)], SHAPE, zoom, 256)
    assert crop.fits(SHAPE)
    assert crop.holds((box[1], box[0], box[3], box[2]))
    inside = seen_in(boxed(*box), crop)
    Prompt(slice=0, objects=(inside,)).validate_for((1, *crop.shape))
    assert inside.box is not None
    assert inside.box.x1 - inside.box.x0 == box[2] - box[0]


def test_a_prompt_in_a_crop_keeps_its_place_and_loses_negative_points_outside() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[105, 210] = True
    crop = Crop(row=100, column=200, rows=50, columns=60)
    seen = seen_in(boxed(202, 103, 230, 140, point(205.5, 110), point(10, 10, False)), crop)
    assert seen.box == Box(x0=2, y0=3, x1=30, y1=40)
    assert seen.points == (point(5.5, 10),)
    assert np.argwhere(seen_in(ObjectPrompt(mask=encode_mask(mask)), crop).mask_array()).tolist() == [[5, 10]]


def test_later_marks_are_seen_through_the_crop_of_the_run_or_one_around_both() -> None:
    earlier = Crop(row=100, column=200, rows=50, columns=50)
    sight = Sight(zoom="off", crops={"object": earlier})
    assert sight.crop_of([boxed(210, 110, 240, 140)], SHAPE, 256) == earlier
    beyond = sight.crop_of([ObjectPrompt(points=(point(300, 120),))], SHAPE, 256)
    assert beyond.holds((100, 200, 150, 301))
    assert beyond.fits(SHAPE)
    assert crop_holding([], Crop(row=280, column=0, rows=50, columns=50), SHAPE) == WHOLE, "of another image"


def test_masks_come_back_where_they_were() -> None:
    crop, part = Crop(row=2, column=1, rows=2, columns=3), np.ones((4, 2, 3), np.uint8)
    whole = crop.put(part, (5, 6))
    assert whole.shape == (4, 5, 6)
    assert np.array_equal(crop.of(whole), part)
    assert whole.sum() == part.sum()


@pytest.mark.parametrize(("text", "zoom"), [("auto", "auto"), (" OFF ", "off"), ("2", 2.0), ("1.5", 1.5)])
def test_what_a_user_writes(text: str, zoom: Zoom) -> None:
    assert zoom_from_text(text) == zoom


@pytest.mark.parametrize("text", ["", "0.5", "nan", "1e9", "twice", "-2"])
def test_what_is_no_zoom_is_said(text: str) -> None:
    with pytest.raises(InputError, match="auto, off, or a factor from 1 to 100"):
        zoom_from_text(text)
