"""The mean of several seeds."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.seeds.average import mean_seed
from PromptOnceLib.seeds.seed import Seed
from seeds.sample_seeds import DAY, one_object, sample_mask, sample_seed, sample_volume

MIRRORED = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def painted(name: str, grey: int, mask: np.ndarray, **changes) -> Seed:
    seed = sample_seed(name, **changes)
    return Seed(seed.record, np.full_like(seed.frame, grey), (mask,))


def test_frames_are_averaged_and_masks_go_by_majority():
    masks = [sample_mask((8, 10), columns=slice(2, stop)) for stop in (5, 6, 9)]
    mean = mean_seed([painted(str(i), 10 * (i + 1), mask) for i, mask in enumerate(masks)], "mean", DAY)
    assert np.all(mean.frame == 20)
    assert np.array_equal(mean.masks[0], masks[1])
    assert (mean.record.mean_of, mean.name, mean.record.date) == (3, "mean", DAY)
    box = mean.record.objects[0].box
    assert box is not None
    assert (box.x0, box.y0, box.x1, box.y1) == (2, 1, 6, 5)
    assert mean.record.frame_confirmed


def test_the_others_are_turned_like_the_first():
    first = sample_seed("a")
    there = sample_seed("b", volume=sample_volume(direction=MIRRORED))
    there = Seed(there.record, first.frame[:, ::-1].copy(), (first.masks[0][:, ::-1].copy(),))
    mean = mean_seed([first, there], "mean")
    assert np.array_equal(mean.frame, first.frame)
    assert np.array_equal(mean.masks[0], first.masks[0])


def test_the_others_are_brought_to_the_first_ones_pixels():
    first = painted("a", 100, sample_mask((8, 10)))
    mask = np.kron(sample_mask((8, 10)), np.ones((2, 2))).astype(bool)
    fine = sample_seed("b", volume=sample_volume((3, 16, 20), (0.4, 0.4, 2.5)))
    fine = Seed(fine.record, np.full_like(fine.frame, 100), (mask,))
    mean = mean_seed([first, fine], "mean")
    assert np.all(mean.frame == 100)
    assert np.array_equal(mean.masks[0], first.masks[0])


def test_what_differs_is_left_empty():
    mean = mean_seed([sample_seed("a", scanner_name="CT 1"), sample_seed("b", frame_confirmed=False)], "mean")
    assert mean.record.scanner_name == ""
    assert not mean.record.frame_confirmed


def test_what_has_no_mean_is_refused():
    with pytest.raises(SeedError, match="two or more"):
        mean_seed([sample_seed()], "mean")
    with pytest.raises(SeedError, match="windows"):
        mean_seed([sample_seed("a"), sample_seed("b", window=Window(0, 1, "full"))], "mean")
    with pytest.raises(SeedError, match="windows"):
        mean_seed([sample_seed("a"), sample_seed("b", window=Window(-1000, 100, "lung"))], "mean")
    apart = [sample_mask((8, 10), columns=slice(at, at + 1)) for at in (2, 4)]
    with pytest.raises(SeedError, match="nothing is left"):
        mean_seed([painted(str(i), 0, mask) for i, mask in enumerate(apart)], "mean")
    two = sample_seed("two", objects=(one_object("left"), one_object("right")))
    with pytest.raises(SeedError, match='does not mark "left"'):
        mean_seed([two, sample_seed("one")], "mean")
