"""The networks of these tests: small inputs, and each slice encoded once for all tests that are not about encoding.

Whatever is not about the encoder costs a third of the time this way.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from PromptOnceLib.engine.network import Model, _config_path, build_network, load_model
from PromptOnceLib.models.registry import resolve_model

SIDE = 128
TINY = "sam2:sam2.1_hiera_t.yaml"


def remembering(model: Model) -> Model:
    """The model, which encodes each input once and remembers it; `upstream_predictor` takes this over."""
    encode, kept = model.network.forward_image, dict[tuple[object, ...], dict[str, Any]]()

    def forward_image(images: torch.Tensor) -> dict[str, Any]:
        assert not torch.is_autocast_enabled("cpu"), "take a model that does not remember"
        pixels = hashlib.sha256(images.contiguous().numpy()).digest()
        key = (pixels, images.shape, torch.get_num_threads())  # upon which the order of sums depends
        if key not in kept:
            kept[key] = encode(images)
        return {name: list(value) if isinstance(value, list) else value for name, value in kept[key].items()}

    model.network.forward_image = forward_image
    return model


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
