"""Walls: masks end at other segments, and points on them are negative ones."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet
from PromptOnceLib.prompts.walls import MOST_POINTS, kept_out, with_points_on_walls

BOX = Box(x0=20, y0=20, x1=40, y1=40)


@pytest.fixture
def walls() -> np.ndarray:
    """On slice 1: a large neighbour, a smaller one, a speck, and something far away."""
    found = np.zeros((3, 60, 60), bool)
    found[1, 22:36, 41:48] = True
    found[1, 42:45, 25:30] = True
    found[1, 30, 30] = True
    found[1, 0:12, 0:12] = True
    return found


def test_the_largest_neighbours_get_a_negative_point_in_their_middle(walls: np.ndarray) -> None:
    given = Point(x=30, y=33, positive=True)
    prompt = Prompt(slice=1, objects=(ObjectPrompt(name="a", box=BOX, points=(given,)),))
    (item,) = with_points_on_walls(prompt, walls).objects
    assert item.points[0] == given
    assert item.points[1:] == (Point(x=43, y=24, positive=False), Point(x=26, y=43, positive=False))
    assert all(walls[1, int(p.y), int(p.x)] for p in item.points[1:])
    assert item.box == BOX


def test_masks_points_without_a_box_and_slices_without_walls_stay_as_they_are(walls: np.ndarray) -> None:
    items = (
        ObjectPrompt(name="a", mask=encode_mask(walls[1])),
        ObjectPrompt(name="b", points=(Point(x=30, y=30, positive=True),)),
    )
    prompt = Prompt(slice=1, objects=items)
    assert with_points_on_walls(prompt, walls) == prompt
    elsewhere = Prompt(slice=0, objects=(ObjectPrompt(box=BOX),))
    assert with_points_on_walls(elsewhere, walls) == elsewhere


def test_every_prompted_slice_of_a_set_gets_its_own_points(walls: np.ndarray) -> None:
    slices = tuple(FixedSlice(slice=index, box=BOX) for index in (0, 1))
    prompts = PromptSet(objects=(PromptedObject(name="a", slices=slices),))
    (item,) = with_points_on_walls(prompts, walls).objects
    assert [len(fixed.points) for fixed in item.slices] == [0, 2]


def test_points_are_few_and_lie_in_the_image() -> None:
    walls = np.zeros((1, 40, 40), bool)
    walls[0, ::8, :] = walls[0, 1::8, :] = walls[0, 2::8, :] = True
    prompt = Prompt(slice=0, objects=(ObjectPrompt(box=Box(x0=-0.5, y0=-0.5, x1=40, y1=40)),))
    marked = with_points_on_walls(prompt, walls)
    assert len(marked.objects[0].points) == MOST_POINTS
    marked.validate_for(walls.shape)


def test_masks_lose_what_belongs_to_others(walls: np.ndarray) -> None:
    masks = np.ones((2, 60, 60), np.uint8)
    found = kept_out(masks, walls, 1)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[1], ~walls[1])
    assert masks.all()
    assert kept_out(masks, None, 1) is masks
