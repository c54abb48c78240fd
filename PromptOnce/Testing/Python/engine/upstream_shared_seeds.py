"""Upstream's predictor run as Prompt Once, section 4.2, runs it: frames of other images before both passes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from sam2.sam2_video_predictor import SAM2VideoPredictor

from engine.upstream import _add, network_frames
from PromptOnceLib.prompts.conditioning import ConditioningFrame


def upstream_after_seeds(
    predictor: SAM2VideoPredictor, frames: NDArray[np.uint8], start: int, seeds: Sequence[ConditioningFrame]
) -> NDArray[np.uint8]:
    """Masks (objects, slices, rows, columns); the start slice's are the forward pass's, the seeds' are dropped."""
    forward = upstream_pass_after_seeds(predictor, list(frames[start:]), seeds)
    backward = upstream_pass_after_seeds(predictor, list(frames[: start + 1][::-1]), seeds)
    return np.stack([*backward[:0:-1], *forward], axis=1)


def upstream_pass_after_seeds(
    predictor: SAM2VideoPredictor, frames: Sequence[NDArray[np.uint8]], seeds: Sequence[ConditioningFrame]
) -> list[NDArray[np.uint8]]:
    """Masks (objects, rows, columns) of each frame, in its own size."""

    def load(image_size: int, **_: object) -> tuple[torch.Tensor, int, int]:
        pictures = [*(seed.frame for seed in seeds), *frames]
        return torch.cat([network_frames(picture[None], image_size) for picture in pictures]), 1, 1

    with mock.patch("sam2.sam2_video_predictor.load_video_frames", load), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no CUDA extension: upstream skips its hole filling
        state = predictor.init_state("unused")
        for index, seed in enumerate(seeds):
            # Upstream knows one size only, by which it divides coordinates: each seed frame's own.
            state["video_height"], state["video_width"] = seed.frame.shape
            for number, prompt in enumerate(seed.objects):
                _add(predictor, state, index, number, prompt)
        masks = []
        state["video_height"], state["video_width"] = frames[0].shape
        for index, _, logits in predictor.propagate_in_video(state):
            if index >= len(seeds):
                masks.append((logits[:, 0] > 0).to(torch.uint8).numpy())
            if 0 <= index + 1 - len(seeds) < len(frames):  # to which size the next frame's logits are enlarged
                state["video_height"], state["video_width"] = frames[index + 1 - len(seeds)].shape
    return masks
