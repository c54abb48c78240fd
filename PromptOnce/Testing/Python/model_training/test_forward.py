"""The pass of training: a clip goes through the memory as in inference, and what it learns from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt
from training import forward, losses
from training.dataset import Batch
from training.evaluation.scores import as_shipped, embedded
from training.forward import Pass, run_clips
from training.losses import point_loss, step_loss
from training.network import CONFIG, build_model, set_size, write_attention_out
from training.stages import STAGES

CHECKPOINT = CONFIG.with_name("nano.pt")


def test_a_clip_in_training_gives_the_masks_of_inference():
    rng = np.random.default_rng(0)
    tracker = as_shipped(embedded(CHECKPOINT))
    size = tracker.model.image_size
    frames = rng.integers(0, 60, (3, size, size)).astype(np.uint8)
    frames[:, 80:180, 60:200] += 150
    prompt = ObjectPrompt(box=Box(x0=60, y0=80, x1=200, y1=180))
    points, labels = (torch.from_numpy(a)[None, None] for a in prompt.points_and_labels())
    masks = torch.zeros(1, 3, size, size, dtype=torch.bool)
    batch = Batch(torch.from_numpy(frames)[None].float(), masks, (0,), points, labels, by_mask=False)

    with torch.no_grad():
        outputs, _ = run_clips(tracker.model.network, batch, torch.zeros(1, 3, dtype=torch.bool), Pass(span=3))
    inferred = list(Propagation(tracker, frames, print).run(Task([prompt], 0, 0, 2)))

    for output, expected in zip(outputs, inferred, strict=True):
        logits = output.masks[0, output.chosen[0]]
        trained = torch.nn.functional.interpolate(logits[None, None], (size, size), mode="bilinear")[0, 0] > 0
        # Inference remembers in bfloat16; a few pixels of the border may differ.
        assert (trained.numpy() != (expected.masks[0] > 0)).mean() < 0.002
        assert expected.masks[0].any()


@pytest.fixture(scope="module")
def square():
    """A clip of a bright square, four frames of 64 pixels, with its model."""
    frames = torch.full((1, 4, 64, 64), 40.0) + torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(1, 4, 64, 64, dtype=torch.bool)
    masks[:, :, 16:48, 20:44] = True
    frames[masks] += 150
    points, labels = torch.tensor([[[[20.0, 16.0], [44.0, 48.0]]]]), torch.tensor([[[2, 3]]], dtype=torch.int32)
    model = build_model()
    model.load_state_dict(torch.load(CHECKPOINT, weights_only=True)["model"])
    set_size(model, 64)
    return model, Batch(frames, masks, (0,), points, labels, by_mask=False)


def test_with_a_frozen_encoder_the_memory_learns_and_the_encoder_does_not(square):
    model, batch = square
    outputs, _ = run_clips(model, batch, torch.zeros(1, 4, dtype=torch.bool), Pass(frozen=True))
    model.zero_grad()
    sum(output.masks.sum() for output in outputs).backward()

    assert all(p.grad is None for p in model.image_encoder.parameters())
    assert any(p.grad is not None and p.grad.any() for p in model.memory_encoder.parameters())


def test_frames_that_are_skipped_are_tracked_all_the_same_but_hold_no_gradient(square):
    model, batch = square
    no_truth = torch.zeros(1, 4, dtype=torch.bool)
    whole, _ = run_clips(model, batch, no_truth)
    some, _ = run_clips(model, batch, no_truth, Pass(skipped=2))

    assert [output.masks.requires_grad for output in some] == [True, False, False, True]
    assert all(torch.allclose(a.masks, b.masks) for a, b in zip(whole, some, strict=True))


def test_the_last_frame_of_a_clip_learns_though_a_stage_skips_more_frames_than_it_has(square, monkeypatch):
    model, batch = square
    passes = []

    def noted(model, batch, truth, how):
        passes.append(how)
        return run_clips(model, batch, truth, how)

    monkeypatch.setattr(losses, "run_clips", noted)
    with torch.no_grad():
        for step in range(24):
            assert torch.isfinite(step_loss(model, batch, replace(STAGES[-1], skipped=12), 0.0, step).total)

    assert {how.skipped for how in passes} == {0, 1, 2}
    corrected = [how.corrected for how in passes if how.corrected is not None]
    assert corrected
    assert max(corrected) == 3


def test_a_corrected_frame_is_shown_again_with_its_logits_and_a_click(square):
    model, batch = square
    outputs, corrected = run_clips(model, batch, torch.zeros(1, 4, dtype=torch.bool), Pass(corrected=2))

    assert corrected.masks.requires_grad
    assert corrected.masks.shape == outputs[2].masks.shape
    assert not torch.allclose(corrected.masks, outputs[2].masks)


def test_a_frame_said_to_be_without_the_object_is_remembered_as_empty_as_inference_does(square):
    model, batch = square
    remembered = []
    for factor in (1.0, -1.0):
        (output, *_), _ = run_clips(model, batch, torch.zeros(1, 4, dtype=torch.bool))
        output.masks, output.presence = factor * output.masks, torch.full_like(output.presence, -2.0)
        features = model.forward_image(batch.frames[:, 0].expand(1, 3, -1, -1) / 255)
        _, flat, _, sizes = model._prepare_backbone_features(features)
        never = torch.zeros(1, dtype=torch.bool)
        remembered.append(forward.remember(model, output, None, batch.masks[:, 0], never, flat, sizes))

    assert torch.allclose(remembered[0]["maskmem_features"], remembered[1]["maskmem_features"])
    assert not remembered[0]["visible"].any()


def test_what_is_under_the_points_of_a_prompt_is_compared_with_the_truth_whatever_their_labels(square):
    _, batch = square
    points = torch.tensor([[[[20.0, 16.0], [44.0, 48.0], [30.0, 30.0], [4.0, 60.0], [0.0, 0.0]]]])
    labels = torch.tensor([[[2, 3, 0, 1, -1]]], dtype=torch.int32)
    pointed = replace(batch, points=points, point_labels=labels)
    found = torch.full((1, 4, 16, 16), -20.0)
    output = forward.FrameOutput(found, torch.zeros(1, 4), torch.zeros(1, 1), torch.zeros(1, dtype=torch.long))

    nothing = point_loss(output, pointed, 0)
    found[:, :, 30 // 4, 30 // 4] = 20.0
    right = point_loss(output, pointed, 0)
    found[:, 1, 60 // 4, 4 // 4] = 20.0
    one_wrong = point_loss(output, pointed, 0)

    assert float(nothing) == pytest.approx(10)
    assert float(right) == pytest.approx(0, abs=1e-6)
    assert float(one_wrong) == pytest.approx(20 / 2 / 4)


def test_attention_written_out_is_torch_s(monkeypatch):
    own = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", own)
    q, k, v = (torch.randn(2, 3, n, 16, generator=torch.Generator().manual_seed(n)) for n in (5, 7, 7))

    write_attention_out()

    written = torch.nn.functional.scaled_dot_product_attention
    assert written is not own
    torch.testing.assert_close(written(q, k, v), own(q, k, v))
