"""Seeds as the source of a run: the same objects in every frame, the start, the window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from PromptOnceLib.errors import PromptError, SeedError
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.prompts.prompt import Point
from PromptOnceLib.seeds.apply import SeedSource, accepted_masks, seed_window, shared_seed
from seeds.sample_seeds import one_object, sample_seed, sample_volume

GRID = Geometry((10, 8, 5), (0.8, 0.8, 2.5))


def test_a_seed_starts_on_the_central_slice_or_the_one_that_is_named():
    seed = sample_seed()
    shared = shared_seed(SeedSource((seed,)), GRID, 0)
    assert (shared.slice, shared.axis, len(shared.frames)) == (2, 0, 1)
    assert np.array_equal(shared.frames[0].frame, seed.frame)
    assert shared_seed(SeedSource((seed,), start=4), GRID, 0).slice == 4
    with pytest.raises(PromptError, match="slice 5"):
        shared_seed(SeedSource((seed,), start=5), GRID, 0)


def test_the_accepted_mask_can_prompt_instead_of_the_box():
    seed = sample_seed()
    shared = shared_seed(SeedSource((seed,), by="mask"), GRID, 0)
    assert shared.objects[0].box is None
    assert np.array_equal(shared.objects[0].mask_array(), seed.masks[0])


def test_a_single_object_matches_whatever_its_name_and_takes_the_first_ones():
    seeds = (
        sample_seed("a", objects=(one_object("lungs", color=(1, 0, 0)),)),
        sample_seed("b", objects=(one_object("x"),)),
    )
    shared = shared_seed(SeedSource(seeds), GRID, 0)
    assert [frame.objects[0].name for frame in shared.frames] == ["lungs", "lungs"]
    assert shared.frames[1].objects[0].color == (1, 0, 0)


def test_several_objects_are_matched_by_name_and_put_in_one_order():
    at = Point(x=1, y=1, positive=True)
    first = sample_seed("a", objects=(one_object("left"), one_object("right", points=(at,))))
    second = sample_seed("b", objects=(one_object("Right", points=(at,)), one_object("Left")))
    shared = shared_seed(SeedSource((first, second)), GRID, 0)
    assert [item.name for item in shared.frames[1].objects] == ["left", "right"]
    assert shared.frames[1].objects[1].points == (at,)


def test_seeds_of_other_objects_are_refused_by_name():
    first = sample_seed("a", objects=(one_object("left"), one_object("right")))
    second = sample_seed("b", objects=(one_object("left"), one_object("heart")))
    with pytest.raises(SeedError, match='"b" does not mark "right"'):
        shared_seed(SeedSource((first, second)), GRID, 0)


def test_some_of_the_objects_can_be_chosen():
    seed = sample_seed(objects=(one_object("left"), one_object("right")))
    shared = shared_seed(SeedSource((seed,), names=("Right",)), GRID, 0)
    assert [item.name for item in shared.objects] == ["right"]
    with pytest.raises(SeedError, match="It marks: left, right"):
        shared_seed(SeedSource((seed,), names=("heart",)), GRID, 0)


def test_one_of_several_objects_is_not_taken_for_the_single_object_of_another_seed():
    both = sample_seed("both", objects=(one_object("left"), one_object("right")))
    with pytest.raises(SeedError, match="does not mark"):
        shared_seed(SeedSource((sample_seed("one"), both)), GRID, 0)


def test_no_seed_at_all_is_refused():
    with pytest.raises(SeedError, match="No seed"):
        SeedSource(())


def test_a_window_in_hounsfield_units_is_kept_and_one_of_the_image_is_found_anew():
    bright = sample_volume(modality="MR")
    bright = type(bright)(bright.array + 5000, bright.geometry, "MR")
    assert seed_window(sample_seed(), bright) == Window(-1400, 100, "lung")
    of_image = sample_seed(window=Window(0, 10, "full"))
    assert seed_window(of_image, bright) == Window(4000, 6000, "full")
    of_file = sample_seed(window=Window(900, 1199, "file"))
    assert seed_window(of_file, bright) == Window(4000, 6000, "full")
    assert seed_window(of_file, replace(bright, file_window=(4500.0, 5000.0))) == Window(4500, 5000, "file")
    clipped = seed_window(sample_seed(window=Window(-1400, 100, "paper:lung", per_slice=True)), bright)
    assert (clipped.lower, clipped.upper, clipped.per_slice) == (-1400, 100, True)


def test_the_accepted_masks_lie_as_the_volume_does():
    seed = sample_seed()
    mirrored = Geometry((10, 8, 3), (0.8, 0.8, 2.5), direction=(-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    masks = accepted_masks(SeedSource((seed,)), mirrored, 0)
    assert masks.dtype == np.uint8
    np.testing.assert_array_equal(masks[0] != 0, seed.masks[0][:, ::-1])
