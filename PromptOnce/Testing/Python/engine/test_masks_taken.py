"""Which mask is taken while tracking: the best of three, as upstream has it, the first, or what most agree on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.test_masks_equal_upstream import blobs, bright
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.memory import CorrectionContext, Memory
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.rules.decoder_changes import agreed
from PromptOnceLib.engine.rules.memory_rules import MemoryRules, RuledTracker
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.prompts.prompt import ObjectPrompt, Point

TASK = Task([bright(4)], 4, 0, 8)
TOKEN_0, AGREED = MemoryRules(first_mask=True), MemoryRules(agreed_mask=True)


@pytest.fixture
def model(own_nano: Model) -> Model:
    return own_nano  # rules change the network


def test_token_0_is_one_mask_instead_of_the_best_of_three(model: Model) -> None:
    tracker, shapes = RuledTracker(model, on_cpu(), TOKEN_0), []
    original = tracker._heads

    def heads(*arguments):
        output = original(*arguments)
        shapes.append(tuple(output.candidates.shape[:2]))
        return output

    tracker._heads = heads  # type: ignore[method-assign]
    list(Propagation(tracker, blobs(9), pytest.fail).run(TASK))
    assert set(shapes[1:]) == {(1, 1)}


def test_masks_agree_where_three_of_four_have_a_pixel() -> None:
    masks = torch.tensor([[5.0, 5.0, 5.0, 5.0], [4.0, 4.0, 4.0, -9.0], [3.0, 3.0, -1.0, -9.0], [2.0, -1.0, -2.0, -3.0]])
    by_pixel = agreed(masks.t()[None, :, :, None])
    assert by_pixel.flatten().tolist() == [5.0, 4.0, -1.0, -2.0]


def test_while_tracking_what_the_masks_agree_on_is_taken_and_remembered(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder, proposed, taken, remembered = model.network.sam_mask_decoder, [], [], []
    predict, encode = decoder.predict_masks, model.network._encode_new_memory

    def spied(*arguments, **named):
        proposed.append(predict(*arguments, **named))
        return proposed[-1]

    def watched(**named):
        remembered.append(named["pred_masks_high_res"])
        return encode(**named)

    monkeypatch.setattr(decoder, "predict_masks", spied)
    monkeypatch.setattr(model.network, "_encode_new_memory", watched)
    tracker = RuledTracker(model, on_cpu(), AGREED)
    original = tracker._heads
    tracker._heads = lambda *arguments: taken.append(original(*arguments)) or taken[-1]  # type: ignore[method-assign]
    list(Propagation(tracker, blobs(9), pytest.fail).run(replace(TASK, direction="forward")))

    assert len(taken) == len(proposed) == len(remembered) == 5
    assert any(torch.equal(taken[0].logits[:, 0], masks) for masks in proposed[0][0].unbind(1)), "a prompt is answered"
    for output, (masks, *_), high_res in zip(taken[1:], proposed[1:], remembered[1:], strict=True):
        torch.testing.assert_close(output.logits, agreed(masks), atol=0, rtol=0)
        assert torch.equal(high_res, output.high_res)


@pytest.mark.parametrize("rules", [TOKEN_0, AGREED], ids=["token 0", "agreed"])
def test_a_click_is_answered_with_the_best_of_three_as_ever(
    nano: tuple[Model, Path], model: Model, rules: MemoryRules
) -> None:
    click = ObjectPrompt(name="bright", points=(Point(x=44, y=47, positive=True),))
    frame, found = blobs(9)[4], []
    for tracker in (Tracker(nano[0], on_cpu()), RuledTracker(model, on_cpu(), rules)):
        features = tracker.encode(frame)
        seed = tracker.segment(features, click, frame.shape)
        memory = Memory(9, seed={0: tracker.remember_seed(features, seed)})
        corrected = tracker.correct(features, click, frame.shape, CorrectionContext(seed.logits, memory, 1))
        assert corrected.candidates.shape[1] == 3
        found.append(corrected.logits)
    assert torch.equal(*found)
