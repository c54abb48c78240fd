"""Everything on a slice against upstream's mask generators: same weights and slice, the same masks in one order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.images.test_sam2_images_equal_upstream import predictor_for
from engine.images.torchvision_parts import batched_nms, torchvision_in_parts
from engine.test_masks_equal_upstream import blobs
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.images import everything as subject
from PromptOnceLib.engine.images.everything import apart, everything
from PromptOnceLib.engine.images.sam2_images import Sam2Images
from PromptOnceLib.engine.network import Model
from PromptOnceLib.errors import ModelError

with torchvision_in_parts():
    from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")


@pytest.mark.parametrize(
    ("name", "limits", "pixels_together"), [("nano", (0.3, 0.5, 1.0), 1), ("random_tiny", (0.48, 0.5, 0.05), 2**25)]
)
def test_no_pixel_differs(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    limits: tuple[float, float, float],
    pixels_together: int,
) -> None:
    # At upstream's limits such models give nothing.
    (model, _), frame, (sure, stable, offset) = request.getfixturevalue(name), blobs(1)[0], limits
    monkeypatch.setattr(Sam2Images, "sure", sure)
    monkeypatch.setattr(subject, "_STABLE", stable)
    monkeypatch.setattr(subject, "_STABILITY_OFFSET", offset)
    monkeypatch.setattr(subject, "_PIXELS_TOGETHER", pixels_together)
    told: list[tuple[int, int]] = []
    found = everything(Sam2Images(model, on_cpu()), frame, 9, lambda *points: told.append(points))

    generator = SAM2AutomaticMaskGenerator(
        model.network, 9, pred_iou_thresh=sure, stability_score_thresh=stable, stability_score_offset=offset
    )
    generator.predictor = predictor_for(model)
    expected = generator.generate(np.repeat(frame[..., None], 3, axis=2))
    assert expected
    np.testing.assert_array_equal(found.masks, [one["segmentation"] for one in expected])
    np.testing.assert_array_equal(found.predicted_iou, np.float32([one["predicted_iou"] for one in expected]))
    assert told == [(64, 81), (81, 81)]


def test_nothing_sure_is_no_mask(nano: tuple[Model, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sam2Images, "sure", 2.0)
    found = everything(Sam2Images(nano[0], on_cpu()), blobs(1)[0], 2, lambda *_: None)
    assert found.masks.shape == (0, 96, 112)
    assert found.predicted_iou.shape == (0,)


def test_a_model_that_gives_no_numbers_is_an_error_and_no_empty_slice(own_nano: Model) -> None:
    with torch.no_grad():
        own_nano.network.sam_mask_decoder.iou_prediction_head.layers[-1].bias.fill_(torch.nan)
    with pytest.raises(ModelError, match="no numbers"):
        everything(Sam2Images(own_nano, on_cpu()), blobs(1)[0], 2, lambda *_: None)


def test_overlapping_boxes_go_as_in_torchvision() -> None:
    rng = np.random.default_rng(5)
    corners = rng.integers(0, 12, (400, 2, 2)).astype(np.float32)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)  # some of them without area
    scores = rng.integers(0, 50, 400).astype(np.float32)
    expected = batched_nms(torch.tensor(boxes), torch.tensor(scores), torch.zeros(400), 0.7)
    kept = apart(boxes, scores)
    assert 0 < len(kept) < 400
    np.testing.assert_array_equal(kept, expected.numpy())
