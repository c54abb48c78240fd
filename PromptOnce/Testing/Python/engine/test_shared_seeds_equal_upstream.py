"""Propagation after seeds of other images against upstream's predictor: float32, zero differing pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.test_masks_equal_upstream import blobs, bright, grey
from engine.upstream import upstream_predictor
from engine.upstream_shared_seeds import upstream_after_seeds, upstream_pass_after_seeds
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Direction, Propagation, SliceOutput, Task
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.prompts.conditioning import ConditioningFrame
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask


def seed_frame(index: int, *names: str, rows: int = 100, columns: int = 108) -> ConditioningFrame:
    """A frame of another image, of another size than the stack's, prompted by box and points, or by a mask."""
    frame = blobs(index + 1, rows, columns)[index]
    prompts = {"bright": bright(index), "grey": grey(index), "mask": by_mask(frame)}
    return ConditioningFrame(frame, tuple(prompts[name] for name in names))


def by_mask(frame: NDArray[np.uint8]) -> ObjectPrompt:
    return ObjectPrompt(name="bright", mask=encode_mask(frame > 150))


def ours(
    model: Model,
    frames: Sequence[NDArray[np.uint8]],
    start: int,
    seeds: Sequence[ConditioningFrame],
    direction: Direction = "both",
    alone: bool = False,
) -> list[SliceOutput]:
    task = Task(seeds[0].objects, start, 0, len(frames) - 1, direction, conditioning=seeds, alone=alone)
    outputs = list(Propagation(Tracker(model, on_cpu()), frames, pytest.fail).run(task))
    assert len(outputs) == task.slices
    return outputs


CASES = {
    "one seed": (9, 4, [("bright",)]),
    "start on the first slice": (6, 0, [("bright",)]),
    "start on the last slice": (6, 5, [("bright",)]),
    "a pass longer than 16 slices": (25, 5, [("bright",)]),
    "a pass of 15 slices, 16 with the seed": (18, 3, [("bright",)]),
    "a mask as seed": (7, 3, [("mask",)]),
    "two seeds": (9, 4, [("bright",), ("bright",)]),
    "two seeds, box and mask": (20, 2, [("mask",), ("bright",)]),
    "two objects": (7, 3, [("bright", "grey")]),
    "two seeds of two objects": (6, 3, [("bright", "grey"), ("mask", "grey")]),
    "a single slice": (1, 0, [("bright",)]),
}


LONG = ("a pass longer than 16 slices", "two seeds, box and mask")
# The larger network on those cases that differ in what is remembered.
RUNS = [
    pytest.param(name, case, marks=[pytest.mark.slow] * (case in LONG))
    for name, cases in (("nano", CASES), ("random_tiny", ("two objects", *LONG)))
    for case in cases
]


@pytest.mark.parametrize(("model_name", "case"), RUNS)
def test_masks_after_seeds_of_other_images_equal_upstream(
    request: pytest.FixtureRequest, model_name: str, case: str
) -> None:
    model, config = request.getfixturevalue(model_name)
    slices, start, names = CASES[case]
    frames = blobs(slices)
    seeds = [seed_frame(3 + 2 * i, *n, rows=100 + 6 * i, columns=108 + 10 * i) for i, n in enumerate(names)]

    outputs = ours(model, frames, start, seeds)
    expected = upstream_after_seeds(upstream_predictor(config, model), frames, start, seeds)

    assert [o.slice for o in outputs] == [*range(start, slices), *range(start - 1, -1, -1)]
    masks = np.stack([o.masks for o in sorted(outputs, key=lambda o: o.slice)], axis=1)
    np.testing.assert_array_equal(masks, expected)
    assert expected.any()
    assert not expected.all()


def test_one_direction_gives_the_start_slice_of_its_own_pass(nano: tuple[Model, Path]) -> None:
    model, config = nano
    frames, seeds = blobs(8), [seed_frame(3, "bright")]
    expected = upstream_pass_after_seeds(upstream_predictor(config, model), list(frames[4::-1]), seeds)
    outputs = ours(model, frames, 4, seeds, "backward")
    assert [o.slice for o in outputs] == [4, 3, 2, 1, 0]
    for output, masks in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(output.masks, masks)


PICTURE_SIZES = ((96, 112), (130, 90), (70, 150), (96, 112))


def pictures() -> list[NDArray[np.uint8]]:
    return [blobs(i + 1, rows, columns)[i] for i, (rows, columns) in enumerate(PICTURE_SIZES)]


def test_pictures_of_different_sizes_in_one_sequence_equal_upstream(nano: tuple[Model, Path]) -> None:
    model, config = nano
    seeds = [seed_frame(2, "bright", "grey")]
    expected = upstream_pass_after_seeds(upstream_predictor(config, model), pictures(), seeds)
    outputs = ours(model, pictures(), 0, seeds, "forward")
    for index, (output, masks) in enumerate(zip(outputs, expected, strict=True)):
        assert output.slice == index
        assert output.masks.shape == (2, *PICTURE_SIZES[index])
        np.testing.assert_array_equal(output.masks, masks)


def test_pictures_each_right_after_the_seed_equal_upstream(nano: tuple[Model, Path]) -> None:
    model, config = nano
    seeds = [seed_frame(2, "bright")]
    predictor = upstream_predictor(config, model)
    outputs = ours(model, pictures(), 0, seeds, alone=True)
    for picture, output in zip(pictures(), outputs, strict=True):
        np.testing.assert_array_equal(output.masks, upstream_pass_after_seeds(predictor, [picture], seeds)[0])
    in_sequence = ours(model, pictures(), 0, seeds, "forward")
    assert any((a.masks != b.masks).any() for a, b in zip(outputs, in_sequence, strict=True))
