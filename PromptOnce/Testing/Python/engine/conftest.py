"""The networks of these tests, with small inputs."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.small_models import remembering
from PromptOnceLib.engine.network import Model, _config_path, build_network, load_model
from PromptOnceLib.models.registry import resolve_model

SIDE = 128
TINY = "sam2:sam2.1_hiera_t.yaml"


@pytest.fixture(scope="session")
def nano() -> tuple[Model, Path]:
    """The embedded model with an input of 128 pixels, not to be changed."""
    files = replace(resolve_model("nano"), image_size=SIDE)
    return remembering(load_model(files)), Path(files.config)


@pytest.fixture(scope="session")
def random_tiny() -> tuple[Model, Path]:
    """SAM 2.1 tiny for 128 x 128 frames with random weights, not to be changed."""
    torch.manual_seed(3)
    return remembering(Model("random tiny", build_network(TINY, SIDE).eval())), _config_path(TINY)


@pytest.fixture(scope="session")
def nano_encoding() -> tuple[Model, Path]:
    """Nano as it is shipped, which remembers nothing."""
    files = resolve_model("nano")
    return load_model(files), Path(files.config)


@pytest.fixture
def own_nano(nano: tuple[Model, Path]) -> Model:
    """Nano of one's own, to be changed behind the encoder, which goes on remembering."""
    return copy.deepcopy(nano[0])
