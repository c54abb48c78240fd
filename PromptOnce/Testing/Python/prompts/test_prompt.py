"""Prompts: construction, what the model takes, checks against the image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask
from prompts.sample_prompts import MASK, point, prompt

SHAPE = (10, 40, 60)


def refusal(*objects: ObjectPrompt, index: int = 3) -> str:
    """The sentence with which a prompt is refused."""
    with pytest.raises(PromptError) as caught:
        prompt(*objects, index=index).validate_for(SHAPE)
    return caught.value.message


# Construction


def test_a_box_given_with_swapped_corners_is_put_in_order() -> None:
    assert Box(x0=9, y0=2, x1=4, y1=8) == Box(x0=4, y0=2, x1=9, y1=8)
    assert Box(x0=9, y0=8, x1=4, y1=2) == Box(x0=4, y0=2, x1=9, y1=8)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, "5", None, True, [5], 10**400])
def test_a_coordinate_that_is_no_finite_number_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Point(x=wrong, y=1, positive=True)


def test_numpy_scalars_are_taken_as_numbers() -> None:
    made = Point(x=np.int64(4), y=np.float32(2.5), positive=np.bool_(True))  # type: ignore[arg-type]
    assert made == point(4, 2.5)
    assert Prompt(slice=np.int64(7), objects=()).slice == 7  # type: ignore[arg-type]


def test_a_number_is_not_taken_as_positive_or_negative() -> None:
    with pytest.raises(ValidationError):
        Point(x=1, y=1, positive=1)  # type: ignore[arg-type]


def test_prompts_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        prompt().slice = 4


def test_blanks_around_a_name_are_dropped_and_a_blank_name_is_refused() -> None:
    assert ObjectPrompt(name=" left lung ").name == "left lung"
    with pytest.raises(ValidationError):
        ObjectPrompt(name="  ")


# What the model takes


def test_box_corners_come_before_points_with_the_labels_of_sam2() -> None:
    item = ObjectPrompt(box=Box(x0=1, y0=2, x1=30, y1=20), points=(point(5, 6), point(7, 8, False)))
    points, labels = item.points_and_labels()
    assert points.dtype == np.float32
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(points, [[1, 2], [30, 20], [5, 6], [7, 8]])
    np.testing.assert_array_equal(labels, [2, 3, 1, 0])


def test_a_mask_prompt_has_no_points() -> None:
    points, labels = ObjectPrompt(mask=encode_mask(MASK)).points_and_labels()
    assert points.shape == (0, 2)
    assert labels.shape == (0,)


def test_the_mask_of_an_object_without_mask_is_an_error() -> None:
    with pytest.raises(PromptError, match="no mask"):
        ObjectPrompt().mask_array()


# Checks against the image


@pytest.mark.parametrize(
    "item",
    [
        ObjectPrompt(points=(point(-0.5, -0.5), point(59.5, 39.5))),
        ObjectPrompt(box=Box(x0=-0.5, y0=-0.5, x1=60, y1=40)),
        ObjectPrompt(box=Box(x0=5, y0=5, x1=9, y1=9), points=(point(20, 20, False),)),
        ObjectPrompt(mask=encode_mask(MASK)),
    ],
    ids=["points on the border", "box up to the exclusive bounds", "box and negative point", "mask"],
)
def test_a_prompt_that_fits_is_accepted(item: ObjectPrompt) -> None:
    prompt(item, index=0).validate_for(SHAPE)
    prompt(item, index=9).validate_for(SHAPE)


def test_several_objects_are_accepted() -> None:
    prompt(ObjectPrompt(name="a", points=(point(1, 1),)), ObjectPrompt(name="b", mask=encode_mask(MASK))).validate_for(
        SHAPE
    )


def test_a_prompt_without_object_is_refused() -> None:
    assert "no object" in refusal()


def test_an_object_with_nothing_marked_is_refused() -> None:
    assert "no box, point or mask" in refusal(ObjectPrompt())


def test_only_negative_points_are_refused() -> None:
    assert "only negative points" in refusal(ObjectPrompt(points=(point(5, 5, False),)))


@pytest.mark.parametrize(("x", "y"), [(-0.6, 5), (59.6, 5), (5, -0.6), (5, 39.6), (1e300, 5)])
def test_a_point_outside_the_image_is_refused(x: float, y: float) -> None:
    sentence = refusal(ObjectPrompt(points=(point(5, 5), point(x, y, False))))
    assert "the point at" in sentence
    assert "outside the slice, which has 60 columns (x) and 40 rows (y)" in sentence


@pytest.mark.parametrize("corners", [(-0.6, 1, 9, 9), (1, -0.6, 9, 9), (1, 1, 60.1, 9), (1, 1, 9, 40.1)])
def test_a_box_outside_the_image_is_refused(corners: tuple[float, ...]) -> None:
    box = Box(**dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True)))
    assert "reaches outside the slice" in refusal(ObjectPrompt(box=box))


@pytest.mark.parametrize("corners", [(5, 1, 5, 9), (1, 5, 9, 5), (5, 5, 5, 5), (30, 5, 30 + 1e-9, 9)])
def test_a_box_without_area_is_refused(corners: tuple[float, ...]) -> None:
    box = Box(**dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True)))
    assert "no area" in refusal(ObjectPrompt(box=box))


def test_two_objects_of_one_name_are_refused() -> None:
    item = ObjectPrompt(name="lung", points=(point(5, 5),))
    assert 'called "lung"' in refusal(item, ObjectPrompt(name="lung ", points=(point(9, 9),)))


@pytest.mark.parametrize("index", [-1, 10])
def test_a_slice_that_the_image_has_not_is_refused(index: int) -> None:
    assert "the slices 0 to 9" in refusal(ObjectPrompt(points=(point(5, 5),)), index=index)


def test_an_empty_mask_is_refused() -> None:
    assert "mask is empty" in refusal(ObjectPrompt(mask=encode_mask(np.zeros((40, 60), dtype=bool))))


def test_a_mask_of_another_size_is_refused() -> None:
    sentence = refusal(ObjectPrompt(mask=encode_mask(MASK.T)))
    assert "60 rows and 40 columns, the slice has 40 and 60" in sentence


@pytest.mark.parametrize("rest", [{"box": Box(x0=1, y0=1, x1=9, y1=9)}, {"points": (point(5, 5),)}])
def test_a_mask_together_with_box_or_points_is_refused(rest: dict[str, Any]) -> None:
    assert "cannot be combined" in refusal(ObjectPrompt(mask=encode_mask(MASK), **rest))


def test_refusals_name_the_object() -> None:
    assert refusal(ObjectPrompt(name="spleen")).startswith('Object "spleen": ')
