"""Confidence follows what is strange about a slice; the queue begins where most is expected to be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.segmentation.slice_confidence import (
    EMPTY_BIAS,
    EMPTY_FEATURES,
    EMPTY_SHARE,
    EMPTY_WEIGHTS,
    FOUND_BIAS,
    FOUND_FEATURES,
    FOUND_WEIGHTS,
    review_order,
    slice_confidence,
    slice_features,
    wrong_pixels,
)

SLICES = 9


def tube() -> np.ndarray:
    masks = np.zeros((SLICES, 20, 20), np.uint8)
    masks[:, 5:15, 5:15] = 1
    return masks


def scores(**changes: tuple[int, float]) -> dict[str, np.ndarray]:
    """Presence and predicted IoU that are high, but where a slice's is changed."""
    found = {name: np.full(SLICES, 0.95) for name in ("presence", "predicted_iou")}
    for name, (index, value) in changes.items():
        found[name][index] = value
    return found


def confidence(masks: np.ndarray, fixed: set[int], **changes: tuple[int, float]) -> np.ndarray:
    return slice_confidence(masks, fixed=fixed, **scores(**changes))


def test_the_weights_are_one_a_feature() -> None:
    features = slice_features(tube(), fixed={4}, **scores())
    assert features.found.shape == (SLICES, len(FOUND_FEATURES)) == (SLICES, len(FOUND_WEIGHTS))
    assert features.empty.shape == (SLICES, len(EMPTY_FEATURES)) == (SLICES, len(EMPTY_WEIGHTS))
    assert np.isfinite([*FOUND_WEIGHTS, FOUND_BIAS, *EMPTY_WEIGHTS, EMPTY_BIAS]).all()


def test_a_fixed_slice_is_trusted_and_an_open_one_never_wholly() -> None:
    found = confidence(tube(), {0, 4})
    assert found[0] == found[4] == 1
    others = np.delete(found, [0, 4])
    assert ((others > 0) & (others < 1)).all()


def test_a_lower_predicted_iou_is_a_lower_confidence_beside_it_too() -> None:
    found, before = confidence(tube(), {4}, predicted_iou=(2, 0.3)), confidence(tube(), {4})
    assert found[2] < found[1] < before[1]
    np.testing.assert_array_equal(found[5:], before[5:])


def test_a_slice_without_a_mask_is_doubted_most_between_masks_and_least_far_away() -> None:
    masks = tube()
    masks[2], masks[6:] = 0, 0
    found = confidence(masks, {4}, presence=(2, 0.02))
    assert found[2] < found[6] < found[8]
    assert confidence(masks, {4}, presence=(7, 0.01))[7] > confidence(masks, {4}, presence=(7, 0.4))[7]


def test_a_slice_that_was_right_speaks_for_those_beside_it() -> None:
    before, found = confidence(tube(), {0, 8}), slice_confidence(tube(), fixed={0, 8}, accepted={8}, **scores())
    assert found[8] == 1
    assert ((found > before)[1:8]).all()
    assert (np.diff(found[1:8]) > 0).all()


def test_both_sides_of_a_fixed_slice_count_alike() -> None:
    found = confidence(tube(), {4})
    np.testing.assert_allclose(found, found[::-1])


def test_what_was_not_computed_has_no_confidence_and_no_place_in_the_queue() -> None:
    found = confidence(tube(), {4}, presence=(7, np.nan))
    assert np.isnan(found[7])
    assert sorted(review_order(wrong_pixels(tube(), found), {4})) == [0, 1, 2, 3, 5, 6, 8]


def test_wrong_pixels_are_the_doubted_part_of_a_mask_or_of_the_nearest_one() -> None:
    masks = tube()
    masks[6:] = 0
    masks[0, :10] = 0
    found = wrong_pixels(masks, np.full(SLICES, 0.6))
    np.testing.assert_allclose(found, 0.4 * np.array([50, *[100] * 5, *[100 * EMPTY_SHARE] * 3]))
    assert not wrong_pixels(0 * masks, np.full(SLICES, 0.6)).any()


def test_slices_alike_are_shown_in_the_order_of_the_stack() -> None:
    assert review_order([20, 50, 20, 50], {0}) == [1, 3, 2]


def test_features_are_what_they_say() -> None:
    masks = tube()
    masks[6:] = 0
    masks[3] = 0
    masks[5, :, 10:] = 0
    features = slice_features(masks, fixed={1, 7}, **scores(predicted_iou=(5, 0.35)))
    empty = dict(zip(EMPTY_FEATURES, features.empty.T, strict=True))
    assert features.is_empty.tolist() == [False, False, False, True, False, False, True, True, True]
    assert empty["distance to fixed"][[1, 4, 6]] == pytest.approx(np.log1p([0, 3, 1]))
    assert empty["distance to mask"][[5, 6, 8]] == pytest.approx(np.log1p([0, 1, 3]))
    assert empty["between masks"].tolist() == [0, 1, 1, 1, 1, 0, 0, 0, 0]
    assert empty["area of nearest mask"][[3, 6, 8]] == pytest.approx([1, 0.5, 0.5])
    assert empty["certainty"] == pytest.approx(np.full(SLICES, 0.9))
    # The neighbours without a mask do not count.
    assert features.found[:, 1][[0, 4, 5]] == pytest.approx([0.95, 0.65, 0.65])


def test_nothing_found_anywhere_gives_numbers() -> None:
    found = confidence(np.zeros_like(tube()), {4})
    assert np.isfinite(found).all()


def test_scores_of_other_lengths_and_a_volume_without_fixed_slices_are_refused() -> None:
    with pytest.raises(ValueError, match="9 masks with 2"):
        slice_confidence(tube(), [1.0, 1.0], np.ones(9), {4})
    with pytest.raises(ValueError, match="0 fixed"):
        slice_confidence(tube(), fixed=set(), **scores())
