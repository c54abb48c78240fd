"""The confidence of slices follows what is strange about them, and the queue begins with the strangest."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.segmentation.slice_confidence import (
    BIAS,
    FEATURES,
    WEIGHTS,
    review_order,
    slice_confidence,
    slice_features,
)

SLICES = 9


def tube() -> np.ndarray:
    masks = np.zeros((SLICES, 20, 20), np.uint8)
    masks[:, 5:15, 5:15] = 1
    return masks


def scores(**changes: tuple[int, float]) -> dict[str, np.ndarray]:
    """Presence, predicted IoU and agreement that are high, but where a slice's is changed."""
    found = {name: np.full(SLICES, 0.95) for name in ("presence", "predicted_iou", "agreement")}
    for name, (index, value) in changes.items():
        found[name][index] = value
    return found


def column(name: str, masks: np.ndarray, fixed: set[int], **changes: tuple[int, float]) -> np.ndarray:
    return slice_features(masks, fixed=fixed, **scores(**changes))[:, FEATURES.index(name)]


def test_the_weights_are_one_a_feature() -> None:
    assert len(WEIGHTS) == len(FEATURES)
    assert slice_features(tube(), fixed={4}, **scores()).shape == (SLICES, len(FEATURES))
    assert np.isfinite([*WEIGHTS, BIAS]).all()


def test_a_fixed_slice_is_trusted_and_an_open_one_never_wholly() -> None:
    confidence = slice_confidence(tube(), fixed={0, 4}, **scores())
    assert confidence[0] == confidence[4] == 1
    others = np.delete(confidence, [0, 4])
    assert ((others > 0) & (others < 1)).all()


@pytest.mark.parametrize("change", [("predicted_iou", 0.3), ("agreement", 0.1), ("presence", 0.5)])
def test_a_lower_score_is_a_lower_confidence(change: tuple[str, float]) -> None:
    name, value = change
    confidence = slice_confidence(tube(), fixed={4}, **scores(**{name: (2, value)}))
    assert confidence[2] < slice_confidence(tube(), fixed={4}, **scores())[2]
    assert review_order(confidence, {4})[0] == 2


def test_a_mask_unlike_its_neighbours_comes_first() -> None:
    masks = tube()
    masks[6] = 0
    masks[6, :3, :3] = 1
    confidence = slice_confidence(masks, fixed={4}, **scores())
    assert review_order(confidence, {4})[0] == 6


def test_both_sides_of_a_fixed_slice_count_alike() -> None:
    confidence = slice_confidence(tube(), fixed={4}, **scores())
    np.testing.assert_allclose(confidence, confidence[::-1])


def test_what_was_not_computed_has_no_confidence_and_no_place_in_the_queue() -> None:
    confidence = slice_confidence(tube(), fixed={4}, **scores(presence=(7, np.nan)))
    assert np.isnan(confidence[7])
    assert sorted(review_order(confidence, {4})) == [0, 1, 2, 3, 5, 6, 8]


def test_slices_alike_are_shown_in_the_order_of_the_stack() -> None:
    assert review_order([0.5, 0.2, 0.5, 0.2], {0}) == [1, 3, 2]


def test_features_are_what_they_say() -> None:
    masks = tube()
    masks[6:] = 0
    masks[5, :, 10:] = 0
    assert column("empty", masks, {4}).tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert column("overlap with neighbours", masks, {4})[[3, 4, 8]] == pytest.approx([1, 2 / 3, 1])
    assert column("jump of area", masks, {4})[4] == pytest.approx(np.log(101 / 51))
    assert column("jump of area", masks, {4})[6] == 3
    assert column("overlap with the fixed slice", masks, {4})[[0, 5, 6]] == pytest.approx([1, 2 / 3, 0])
    assert column("distance to fixed", masks, {1, 7})[[1, 4, 6]] == pytest.approx(np.log1p([0, 3, 1]))
    assert column("distance to mask", masks, {4})[[5, 6, 8]] == pytest.approx(np.log1p([0, 1, 3]))
    assert column("predicted IoU", masks, {4})[[5, 6]] == pytest.approx([0.95, 0])


def test_one_sweep_is_not_disagreement() -> None:
    found = column("one sweep", tube(), {4}, agreement=(2, np.nan))
    assert found.tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    without = slice_features(tube(), scores()["presence"], scores()["predicted_iou"], {4})
    assert (without[:, FEATURES.index("one sweep")] == 1).all()
    assert np.isfinite(without).all()


def test_nothing_found_anywhere_gives_numbers() -> None:
    assert np.isfinite(slice_confidence(np.zeros_like(tube()), fixed={4}, **scores())).all()


def test_scores_of_other_lengths_and_a_volume_without_fixed_slices_are_refused() -> None:
    with pytest.raises(ValueError, match="9 masks with 2"):
        slice_confidence(tube(), [1.0, 1.0], np.ones(9), {4})
    with pytest.raises(ValueError, match="0 fixed"):
        slice_confidence(tube(), fixed=set(), **scores())
