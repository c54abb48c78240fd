"""Our propagation against upstream's predictor: same weights, same frames, float32, zero differing pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sam2.modeling.sam2_base import SAM2Base

from engine.small_models import encoding_anew
from engine.upstream import network_frames, upstream_predictor, upstream_volume
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.preprocessing import network_input, network_pixels
from PromptOnceLib.engine.propagation import Propagation, SliceOutput, Task
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, encode_mask


def blobs(slices: int, rows: int = 96, columns: int = 112) -> NDArray[np.uint8]:
    """A bright and a grey disk that wander and change size on a textured ground; the first slices of one long stack."""
    y, x = np.mgrid[:rows, :columns]
    frames = np.random.default_rng(9).normal(60, 6, (slices, rows, columns))
    for k in range(slices):
        frames[k][np.hypot(x - 40 - k, y - 45 - 0.5 * k) < 16 + 3 * np.sin(k / 3)] += 140
        frames[k][np.hypot(x - 85 + 0.5 * k, y - 30) < 11] += 70
    return np.clip(frames, 0, 255).astype(np.uint8)


def bright(slice_index: int) -> ObjectPrompt:
    x, y = 40 + slice_index, 45 + 0.5 * slice_index
    points = (
        Point(x=x, y=y, positive=True),
        Point(x=x - 4, y=y + 5, positive=True),
        Point(x=x + 25, y=y, positive=False),
    )
    return ObjectPrompt(name="bright", box=Box(x0=x - 18, y0=y - 18, x1=x + 18, y1=y + 18), points=points)


def grey(slice_index: int) -> ObjectPrompt:
    return ObjectPrompt(name="grey", points=(Point(x=85 - 0.5 * slice_index, y=30, positive=True),))


def ours(model: Model, frames: NDArray[np.uint8], seed: int, objects: list[ObjectPrompt]) -> list[SliceOutput]:
    propagation = Propagation(Tracker(model, on_cpu()), frames, pytest.fail)
    return list(propagation.run(Task(objects, seed, 0, len(frames) - 1)))


def as_volume(outputs: list[SliceOutput]) -> NDArray[np.uint8]:
    assert sorted(o.slice for o in outputs) == list(range(len(outputs)))
    return np.stack([o.masks for o in sorted(outputs, key=lambda o: o.slice)], axis=1)


CASES = {
    "odd count, seed in the middle": (9, 4, ["bright"]),
    "even count, seed in the middle": (10, 5, ["bright"]),
    "seed on the first slice": (6, 0, ["bright"]),
    "seed on the last slice": (6, 5, ["bright"]),
    "passes longer than 16 slices": (37, 18, ["bright"]),
    "one pass longer, one shorter than 16": (22, 3, ["bright"]),
    "two objects": (8, 4, ["bright", "grey"]),
    "one point": (7, 3, ["grey"]),
    "a single slice": (1, 0, ["bright"]),
}


# With each network what differs most; the other cases are the same code with all of them.
QUICK = [("nano", case) for case in CASES if case != "passes longer than 16 slices"]
QUICK += [("nano_encoding", "two objects"), ("random_tiny", "two objects")]
RUNS = [
    pytest.param(name, case, marks=[] if (name, case) in QUICK else [pytest.mark.slow])
    for name in ("nano", "nano_encoding", "random_tiny")
    for case in CASES
]


@pytest.mark.parametrize(("model_name", "case"), RUNS)
def test_masks_equal_upstream(request: pytest.FixtureRequest, model_name: str, case: str) -> None:
    model, config = request.getfixturevalue(model_name)
    slices, seed, names = CASES[case]
    frames = blobs(slices)
    objects = [{"bright": bright, "grey": grey}[name](seed) for name in names]

    expected = upstream_volume(upstream_predictor(config, model), frames, seed, objects)

    np.testing.assert_array_equal(as_volume(ours(model, frames, seed, objects)), expected)
    assert expected.any()
    assert not expected.all()


@contextmanager
def presence_by_brightness(network: SAM2Base, threshold: float) -> Iterator[None]:
    """The network with a presence score that depends on the frame alone: absent where its mean is below threshold."""
    mean, encode = 0.0, network.forward_image

    def look(images: torch.Tensor) -> dict[str, Any]:
        nonlocal mean
        mean = float(images.mean())
        return encode(images)

    def score(_module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        return torch.full_like(output, 3.0 if mean > threshold else -3.0)

    hook = network.sam_mask_decoder.pred_obj_score_head.register_forward_hook(score)
    try:
        with mock.patch.object(network, "forward_image", look):
            yield
    finally:
        hook.remove()


@pytest.mark.parametrize("model_name", ["nano", pytest.param("random_tiny", marks=pytest.mark.slow)])
def test_masks_equal_upstream_where_an_object_vanishes_and_comes_back(
    request: pytest.FixtureRequest, model_name: str
) -> None:
    model, config = request.getfixturevalue(model_name)
    gap = [3, 12, 13, 14]
    frames = blobs(24)
    frames[gap] = frames[gap] // 2
    pixels = [network_pixels(frame, model.image_size) for frame in frames]
    means = network_input(pixels, torch.device("cpu")).mean(dim=(1, 2, 3)).tolist()
    threshold = (max(means[k] for k in gap) + min(m for k, m in enumerate(means) if k not in gap)) / 2

    with presence_by_brightness(model.network, threshold):
        outputs = ours(model, frames, 8, [bright(8)])
    predictor = upstream_predictor(config, model)
    with presence_by_brightness(predictor, threshold):
        expected = upstream_volume(predictor, frames, 8, [bright(8)])

    assert sorted(o.slice for o in outputs if o.presence[0] < 0.5) == gap
    assert not expected[0, gap].any()
    assert expected[0, 15:].any()
    assert expected[0, :3].any()
    np.testing.assert_array_equal(as_volume(outputs), expected)


def test_a_mask_prompt_gives_upstreams_masks(nano: tuple[Model, Path]) -> None:
    model, config = nano
    frames = blobs(7)
    mask = frames[3] > 150
    prompt = ObjectPrompt(name="bright", mask=encode_mask(mask))

    expected = upstream_volume(upstream_predictor(config, model), frames, 3, [prompt])

    np.testing.assert_array_equal(as_volume(ours(model, frames, 3, [prompt])), expected)


def test_logits_equal_upstream_to_the_last_bit(nano: tuple[Model, Path]) -> None:
    model, config = nano
    frames, kept = blobs(9), []
    upstream_volume(upstream_predictor(config, model), frames, 4, [bright(4)], kept)
    tracker = Tracker(model, on_cpu())
    logits = []
    original = tracker.full_size_logits
    tracker.full_size_logits = lambda low, shape: logits.append(original(low, shape)) or logits[-1]  # type: ignore[method-assign]

    order = [o.slice for o in Propagation(tracker, frames, pytest.fail).run(Task([bright(4)], 4, 0, 8))]

    for index, ours_logits in zip(order, logits, strict=True):
        np.testing.assert_array_equal(ours_logits.numpy(), kept[0][0, index])


@pytest.mark.parametrize("model_name", ["nano", "nano_encoding", "random_tiny"])
def test_features_equal_upstream_to_the_last_bit(request: pytest.FixtureRequest, model_name: str) -> None:
    """So that elsewhere each slice may be encoded once for both."""
    model, config = request.getfixturevalue(model_name)
    frames = blobs(2)
    predictor = upstream_predictor(config, model)
    with torch.inference_mode():
        encoded = [SAM2Base.forward_image(predictor, image[None]) for image in network_frames(frames, model.image_size)]
        expected = [predictor._prepare_backbone_features(one)[1] for one in encoded]
    for context in (nullcontext(), encoding_anew(model)):
        with context:
            found = [Tracker(model, on_cpu()).encode(frame).maps for frame in frames]
        for ours, theirs in zip(found, expected, strict=True):
            assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
