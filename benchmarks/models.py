"""Weights for both sides: the checkpoint where it is there, else random weights of the same size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from omegaconf import OmegaConf

from PromptOnceLib.engine.network import _config_path, build_network
from PromptOnceLib.errors import ModelError
from PromptOnceLib.models.registry import ModelFiles, load_registry, resolve_model


def configuration(name: str, path: Path, pixels: int | None = None) -> Path:
    """The configuration of a model in a file that upstream reads, too. pixels: another side length of its input."""
    config = OmegaConf.load(_config_path(load_registry().get(name).config_location))
    if pixels is not None:
        config.model.image_size = pixels
    # The first line is for Hydra.
    path.write_text("# @package _global_\n" + OmegaConf.to_yaml(config))
    return path


def model_files(name: str, folder: Path, pixels: int | None = None) -> tuple[ModelFiles, str]:
    """Configuration and checkpoint as files in `folder`, and "trained" or "random".

    pixels: another side length of the network's square input, as MedSAM2 does with 512.
    """
    path = configuration(name, folder / f"{name}.yaml", pixels)
    try:
        return replace(resolve_model(name), config=path), "trained"
    except ModelError:
        torch.manual_seed(0)
        checkpoint = folder / f"{name}.pt"
        torch.save({"model": build_network(path).state_dict()}, checkpoint)
        return ModelFiles(name, checkpoint, path, None), "random"
