"""Many volumes in lockstep: the masks are those of the engine, whatever else goes beside them."""

from __future__ import annotations

import numpy as np
import pytest

from PromptOnceLib.prompts.from_mask import prompt_from_mask
from training.evaluation.lockstep import encode, read_network, track
from training.evaluation.scores import Example, as_shipped, embedded, propagated
from training.network import CONFIG

CHECKPOINT = CONFIG.with_name("nano.pt")


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(3)
    made = []
    for number, (count, seed) in enumerate(((5, 1), (3, 2))):
        frames = rng.integers(20, 60, (count, 240, 224)).astype(np.uint8)
        mask = np.zeros_like(frames)
        for k in range(count - number):
            mask[k, 60 + 6 * k : 150, 80 : 170 + 5 * k] = 1
        frames[mask > 0] += 120
        prompt = prompt_from_mask(mask[min(seed, 1)]).prompt
        made.append(Example("phantoms", f"number {number}", "square", frames, mask, prompt, min(seed, 1)))
    return made


@pytest.fixture(scope="module")
def tracked(examples):
    network = read_network(CHECKPOINT)
    encoded = {example.image: encode(network, example.frames) for example in examples}
    return {shift: track(network, examples, encoded, shift) for shift in (0.0, -50.0)}


def test_masks_are_those_of_the_engine(examples, tracked):
    tracker = as_shipped(embedded(CHECKPOINT))
    masks, presence = tracked[0.0]

    for example, mask, logits in zip(examples, masks, presence, strict=True):
        expected = propagated(tracker, example, example.prompt).in_stack_order() > 0
        assert mask.any()
        assert (mask != expected).mean() < 0.002
        assert np.array_equal(logits > 0, mask.any((1, 2)))


def test_a_shift_of_the_presence_empties_every_slice(tracked):
    assert not any(mask.any() for mask in tracked[-50.0][0])
