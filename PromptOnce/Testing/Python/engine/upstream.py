"""Upstream's SAM2VideoPredictor, run as the papers run it: the reference our masks have to equal."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from hydra.utils import instantiate
from numpy.typing import NDArray
from omegaconf import OmegaConf
from PIL import Image
from sam2.sam2_video_predictor import SAM2VideoPredictor

from PromptOnceLib.engine.network import Model
from PromptOnceLib.prompts.prompt import ObjectPrompt

# Copied by hand from the overrides of sam2.build_sam.build_sam2_video_predictor with apply_postprocessing=True.
UPSTREAM_OPTIONS = {
    "_target_": "sam2.sam2_video_predictor.SAM2VideoPredictor",
    "sam_mask_decoder_extra_args": {
        "dynamic_multimask_via_stability": True,
        "dynamic_multimask_stability_delta": 0.05,
        "dynamic_multimask_stability_thresh": 0.98,
    },
    "binarize_mask_from_pts_for_mem_enc": True,
    "fill_hole_area": 8,
}


@cache
def upstream_predictor(config: Path, model: Model) -> SAM2VideoPredictor:
    """Upstream's predictor with the weights, the input size and, where it has one, the memory of one of our models."""
    section = OmegaConf.merge(OmegaConf.load(config).model, UPSTREAM_OPTIONS, {"image_size": model.image_size})
    predictor = instantiate(section)
    predictor.load_state_dict(model.network.state_dict())
    if "forward_image" in vars(model.network):  # remembers what it encoded (small_models.py)
        predictor.forward_image = model.network.forward_image
    return predictor.eval()


def upstream_volume(
    predictor: SAM2VideoPredictor,
    frames: NDArray[np.uint8],
    seed: int,
    objects: Sequence[ObjectPrompt],
    max_logit: list[NDArray[np.float32]] | None = None,
) -> NDArray[np.uint8]:
    """Masks (objects, slices, rows, columns) from two half-videos that share the seed frame (Prompt Once, Algorithm 1).

    max_logit, when given, takes the logits in the same shape.
    """
    backward = _pass(predictor, frames[: seed + 1][::-1], objects)[:, ::-1]
    forward = _pass(predictor, frames[seed:], objects)
    logits = np.concatenate([backward[:, :-1], forward], axis=1)
    if max_logit is not None:
        max_logit.append(logits)
    return (logits > 0).astype(np.uint8)


def upstream_corrected(
    predictor: SAM2VideoPredictor, frames: NDArray[np.uint8], prompted: Mapping[int, Sequence[ObjectPrompt]]
) -> NDArray[np.uint8]:
    """Masks (objects, slices, rows, columns) of one way forward with prompts on several frames, all of them
    conditioning frames (add_all_frames_to_correct_as_cond).
    """
    with mock.patch.object(predictor, "add_all_frames_to_correct_as_cond", True):
        return (_forward(predictor, frames, prompted) > 0).astype(np.uint8)


def upstream_click(
    predictor: SAM2VideoPredictor,
    frames: NDArray[np.uint8],
    prompt: ObjectPrompt,
    index: int,
    click: ObjectPrompt,
) -> NDArray[np.uint8]:
    """Mask (rows, columns) of frame `index` after a click there, once the prompt on frame 0 was propagated forward."""
    with mock.patch.object(predictor, "add_all_frames_to_correct_as_cond", True), _frames_instead_of_files(frames):
        state = predictor.init_state("unused")
        _add(predictor, state, 0, 0, prompt)
        for _ in predictor.propagate_in_video(state):
            pass
        points = np.array([(p.x, p.y) for p in click.points], np.float32)
        labels = np.array([int(p.positive) for p in click.points], np.int32)
        _, _, masks = predictor.add_new_points_or_box(state, index, 0, points=points, labels=labels)
    return (masks[0, 0].float().numpy() > 0).astype(np.uint8)


def _pass(
    predictor: SAM2VideoPredictor, frames: NDArray[np.uint8], objects: Sequence[ObjectPrompt]
) -> NDArray[np.float32]:
    return _forward(predictor, frames, {0: objects})


def _forward(
    predictor: SAM2VideoPredictor, frames: NDArray[np.uint8], prompted: Mapping[int, Sequence[ObjectPrompt]]
) -> NDArray[np.float32]:
    """Logits (objects, slices, rows, columns); prompted: the prompts of all objects by frame."""
    logits = np.zeros((len(next(iter(prompted.values()))), *frames.shape), np.float32)
    with _frames_instead_of_files(frames):
        state = predictor.init_state("unused")
        for index, objects in prompted.items():
            for i, prompt in enumerate(objects):
                _add(predictor, state, index, i, prompt)
        for index, _, masks in predictor.propagate_in_video(state):
            logits[:, index] = masks[:, 0].float().numpy()
    return logits


@contextmanager
def _frames_instead_of_files(frames: NDArray[np.uint8]) -> Iterator[None]:
    def load(image_size: int, **_: object) -> tuple[torch.Tensor, int, int]:
        return network_frames(frames, image_size), frames.shape[1], frames.shape[2]

    with mock.patch("sam2.sam2_video_predictor.load_video_frames", load), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no CUDA extension: upstream skips its hole filling
        yield


def _add(predictor: SAM2VideoPredictor, state: Any, index: int, number: int, prompt: ObjectPrompt) -> None:
    if prompt.mask is not None:
        predictor.add_new_mask(state, index, number, prompt.mask_array())
        return
    box = None if prompt.box is None else np.array(
        [prompt.box.x0, prompt.box.y0, prompt.box.x1, prompt.box.y1], np.float32
    )  # fmt: skip
    points = np.array([(p.x, p.y) for p in prompt.points], np.float32).reshape(-1, 2)
    labels = np.array([int(p.positive) for p in prompt.points], np.int32)
    predictor.add_new_points_or_box(state, index, number, points=points, labels=labels, box=box)


def network_frames(frames: NDArray[np.uint8], size: int) -> torch.Tensor:
    """What sam2.utils.misc.load_video_frames makes of the frames, had they been stored without loss."""
    images = torch.zeros(len(frames), 3, size, size, dtype=torch.float32)
    for i, frame in enumerate(frames):
        rgb = np.array(Image.fromarray(np.ascontiguousarray(frame)).convert("RGB").resize((size, size))) / 255.0
        images[i] = torch.from_numpy(rgb).permute(2, 0, 1)
    images -= torch.tensor((0.485, 0.456, 0.406))[:, None, None]
    images /= torch.tensor((0.229, 0.224, 0.225))[:, None, None]
    return images
