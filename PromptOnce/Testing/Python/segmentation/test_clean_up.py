"""Clean-up: pieces apart from what was prompted go, fixed slices stay."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from PromptOnceLib.segmentation.pieces.clean_up import CLEAN_UPS, clean_up


def mask_of(*places: tuple[int, int, int]) -> NDArray[np.uint8]:
    mask = np.zeros((6, 5, 7), np.uint8)
    for place in places:
        mask[place] = 1
    return mask


def test_what_does_not_touch_a_fixed_slice_goes() -> None:
    object_, speck = [(2, 1, 1), (3, 1, 1), (4, 2, 2)], [(0, 4, 6), (0, 4, 5)]
    mask = mask_of(*object_, *speck)
    removed = clean_up(mask, "connected", [3])
    assert np.array_equal(mask, mask_of(*object_)), "a corner connects"
    assert sorted(map(tuple, removed.voxels.T.tolist())) == sorted(speck)
    assert (removed.pieces, removed.slices) == (1, [0])
    assert removed.sentence("liver") == "Clean-up: 2 voxels in 1 piece apart from the rest were removed from liver."


def test_every_fixed_slice_holds_its_pieces() -> None:
    mask = mask_of((0, 0, 0), (5, 4, 6), (2, 2, 2))
    assert clean_up(mask, "connected", [0, 5]).pieces == 1
    assert np.array_equal(mask, mask_of((0, 0, 0), (5, 4, 6)))


def test_the_largest_piece_stays_and_fixed_slices_are_not_touched() -> None:
    mask = mask_of((0, 0, 0), (0, 4, 6), (1, 4, 6), (3, 2, 2), (4, 2, 2), (5, 2, 2))
    removed = clean_up(mask, "largest", [0])
    assert np.array_equal(mask, mask_of((0, 0, 0), (0, 4, 6), (3, 2, 2), (4, 2, 2), (5, 2, 2)))
    assert removed.voxels.T.tolist() == [[1, 4, 6]]


@pytest.mark.parametrize("fixed", [[], [1], [4]])
def test_where_no_fixed_slice_shows_the_object_all_stays(fixed: list[int]) -> None:
    mask = mask_of((0, 0, 0), (2, 2, 2))
    assert clean_up(mask, "connected", fixed).pieces == 0
    assert mask.sum() == 2


def test_all_and_an_empty_mask_are_left_alone() -> None:
    mask = mask_of((0, 0, 0), (2, 2, 2))
    assert clean_up(mask, "all", [0]).pieces == 0
    assert mask.sum() == 2
    for rule in CLEAN_UPS:
        assert clean_up(mask_of(), rule, [0]).voxels.shape == (3, 0)


def test_pieces_are_those_of_a_reference_in_three_dimensions() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        mask = (rng.random((9, 8, 7)) < 0.12).astype(np.uint8)
        pieces, _count = ndimage.label(mask, np.ones((3, 3, 3)))
        kept = np.isin(pieces, np.setdiff1d(np.unique(pieces[4]), [0]))
        before = mask.copy()
        removed = clean_up(mask, "connected", [4])
        assert np.array_equal(mask, kept if kept.any() else before)
        mask[tuple(removed.voxels)] = 1
        assert np.array_equal(mask, before), "what was removed can be put back"
