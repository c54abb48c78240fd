"""The network of the embedded model, as its configuration in the resources says."""

from __future__ import annotations

from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sam2.modeling.sam2_base import SAM2Base

CONFIG = Path(__file__).parents[1] / "PromptOnce" / "Resources" / "Models" / "nano.yaml"


def build_model(config: Path = CONFIG) -> SAM2Base:
    """The model of the config with fresh weights."""
    model = instantiate(OmegaConf.load(config).model)
    trunk = model.image_encoder.trunk
    with torch.no_grad():  # upstream starts these at zero: flat regions then give tokens without variance
        trunk.pos_embed.normal_(0, 0.5)
        trunk.pos_embed_window.normal_(0, 0.5)
    return model


def read_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint by name, on the CPU, with the dtypes they are kept in."""
    weights: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True, map_location="cpu")["model"]
    return weights


def write_attention_out() -> None:
    """Compute attention in this process as the two products it is.

    On a CPU torch's own function takes two to eight times as long for bfloat16, most of all backward; on a GPU it is
    the one to take.
    """
    torch.nn.functional.scaled_dot_product_attention = _attention


def _attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, dropout_p: float = 0.0) -> torch.Tensor:
    """As torch's; the network has no dropout."""
    return torch.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2), -1) @ v


def set_size(model: SAM2Base, size: int) -> None:
    """Let a model take square frames of another size; no weight depends on it."""
    cells = size // model.backbone_stride
    model.image_size = size
    model.sam_image_embedding_size = cells
    model.sam_prompt_encoder.image_embedding_size = (cells, cells)
    model.sam_prompt_encoder.input_image_size = (size, size)
    model.sam_prompt_encoder.mask_input_size = (4 * cells, 4 * cells)
