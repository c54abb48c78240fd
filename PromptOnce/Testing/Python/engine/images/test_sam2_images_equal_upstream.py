"""SAM 2 on single slices against upstream's SAM2ImagePredictor: same weights and frames, float32, no pixel differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.images.torchvision_parts import torchvision_in_parts
from engine.small_models import encoding_anew
from engine.test_masks_equal_upstream import blobs, bright, grey
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.images.sam2_images import Sam2Images
from PromptOnceLib.engine.images.slice_prompting import SlicePrompting
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.engine.transfer import SliceOutput
from PromptOnceLib.prompts.each_slice import Proposals, each_slice
from PromptOnceLib.prompts.prompt import ObjectPrompt

with torchvision_in_parts():
    from sam2.sam2_image_predictor import SAM2ImagePredictor

SLICES = (0, 3)
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")


def predictor_for(model: Model) -> SAM2ImagePredictor:
    """Upstream's predictor for frames of any size: it is written for 1024 pixels."""
    predictor, side = SAM2ImagePredictor(model.network), model.image_size // 4
    predictor._bb_feat_sizes = [(side, side), (side // 2, side // 2), (side // 4, side // 4)]
    return predictor


def upstream(
    model: Model, frame: NDArray[np.uint8], prompt: ObjectPrompt, proposals: Proposals
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Masks (n, rows, columns) and their predicted IoU, as SAM2ImagePredictor's users get them from an RGB image."""
    predictor = predictor_for(model)
    predictor.set_image(np.repeat(frame[..., None], 3, axis=2))
    box = prompt.box
    masks, scores, _ = predictor.predict(
        np.array([(point.x, point.y) for point in prompt.points]),
        np.array([int(point.positive) for point in prompt.points]),
        None if box is None else np.array([box.x0, box.y0, box.x1, box.y1]),
        multimask_output=proposals != "single",
    )
    kept = [int(scores.argmax())] if proposals == "best" else slice(None)
    return masks[kept] != 0, scores[kept]


@pytest.mark.parametrize("proposals", ["single", "best", "all"])
@pytest.mark.parametrize("make", [bright, grey])
@pytest.mark.parametrize(("name", "shape"), [("nano", (150, 300)), ("random_tiny", (96, 112))])
def test_no_pixel_differs(
    request: pytest.FixtureRequest, name: str, shape: tuple[int, int], make: object, proposals: Proposals
) -> None:
    (model, _), frames = request.getfixturevalue(name), blobs(4, *shape)
    prompts = {index: make(index) for index in SLICES}  # type: ignore[operator]
    outputs: list[SliceOutput] = []
    task = SlicePrompting(Sam2Images(model, on_cpu()), frames, each_slice(prompts), SLICES, proposals)
    for places, output in task.run():
        assert places == list(range(len(output.masks)))
        outputs.append(output)

    assert [output.slice for output in outputs] == list(SLICES)
    for output in outputs:
        masks, scores = upstream(model, frames[output.slice], prompts[output.slice], proposals)
        assert masks.any()
        np.testing.assert_array_equal(output.masks, masks)
        np.testing.assert_array_equal(np.float32(output.predicted_iou), scores)


def test_a_mask_stays_where_the_network_takes_the_object_for_absent(nano: tuple[Model, Path]) -> None:
    model = nano[0]
    frame = np.zeros((64, 64), np.uint8)
    prompt = grey(0).model_copy(update={"points": (grey(0).points[0].model_copy(update={"x": 30.0, "y": 30.0}),)})
    ((_, output),) = SlicePrompting(Sam2Images(model, on_cpu()), frame[None], each_slice({0: prompt}), (0,)).run()
    masks, _ = upstream(model, frame, prompt, "single")
    np.testing.assert_array_equal(output.masks, masks)


def test_a_faster_arrangement_gives_nearly_the_same(nano: tuple[Model, Path], random_tiny: tuple[Model, Path]) -> None:
    frames = blobs(1)
    for model in (nano[0], random_tiny[0]):
        found = []
        for placement in (on_cpu(), replace(on_cpu(), rearranged=True)):
            Tracker(model, placement)
            task = SlicePrompting(Sam2Images(model, placement), frames, each_slice({0: bright(0)}), (0,), "all")
            with encoding_anew(model):
                ((_, output),) = task.run()
            found.append(output)
        exact, fast = found
        assert (exact.masks != fast.masks).mean() < 1e-3
        np.testing.assert_allclose(fast.predicted_iou, exact.predicted_iou, atol=1e-4)
        Tracker(model, on_cpu())  # as it was
