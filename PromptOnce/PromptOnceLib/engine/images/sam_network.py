"""SAM (version 1) from a checkpoint, whose weights tell how large its vision transformer is.

The parts are those of the package segment-anything. Importing that package asks for torchvision, which nothing here
uses, so that its folder of parts is loaded by itself.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from PromptOnceLib.engine.devices import is_out_of_memory
from PromptOnceLib.engine.network import checkpoint_weights, no_memory
from PromptOnceLib.errors import ModelError
from PromptOnceLib.models.registry import ModelFiles

_PACKAGE = "segment_anything"
_PARTS = "promptonce_sam_parts"
_MARK = "mask_decoder.iou_token.weight"  # in every checkpoint of SAM

# What no weight tells, as in segment_anything.build_sam: heads of the mask decoder, ImageNet's statistics of 8 bits.
_DECODER_HEADS = 8
_MEAN, _STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


@dataclass(frozen=True)
class SamModel:
    """SAM ready to run, in evaluation mode, float32 weights."""

    name: str
    network: Any

    @property
    def image_size(self) -> int:
        """Pixels a side of the square that the model sees."""
        return int(self.network.image_encoder.img_size)

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(p.numel() for p in self.network.parameters())


def load_sam(files: ModelFiles) -> SamModel:
    """Build the network that a checkpoint of SAM is of, and fill it, on the CPU.

    Raises ModelError where it is not one, or segment-anything is missing; OutOfMemoryError.
    """
    weights = checkpoint_weights(files.checkpoint)
    # What training scripts put before all names.
    prefix = next((name.removesuffix(_MARK) for name in weights if name.endswith(_MARK)), "")
    weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    try:
        network = build_sam(weights)
        network.load_state_dict(weights)
    except (RuntimeError, MemoryError, KeyError, IndexError, ZeroDivisionError) as error:
        if is_out_of_memory(error):
            raise no_memory(error) from error
        raise ModelError(
            f"The checkpoint {files.checkpoint} does not hold SAM (version 1).", f"{type(error).__name__}: {error}"
        ) from error
    return SamModel(files.name, network.eval())


def build_sam(weights: Mapping[str, torch.Tensor]) -> Any:
    """The network of these weights' sizes with fresh weights. Raises KeyError where they are not of SAM."""
    parts, form = _parts(), _Form(weights)
    patch, side = form.size("image_encoder.patch_embed.proj.weight", 2), form.size("image_encoder.pos_embed", 1)
    channels = form.size("image_encoder.neck.0.weight", 0)
    return parts.Sam(
        image_encoder=parts.ImageEncoderViT(
            img_size=patch * side, patch_size=patch, out_chans=channels, qkv_bias=True, use_rel_pos=True,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), **form.transformer(side),
        ),
        prompt_encoder=parts.PromptEncoder(
            embed_dim=channels, image_embedding_size=(side, side), input_image_size=(patch * side, patch * side),
            mask_in_chans=form.size("prompt_encoder.mask_downscaling.3.weight", 0),
        ),
        mask_decoder=parts.MaskDecoder(
            transformer_dim=channels,
            num_multimask_outputs=form.size("mask_decoder.mask_tokens.weight", 0) - 1,
            iou_head_depth=form.count("mask_decoder.iou_prediction_head.layers"),
            iou_head_hidden_dim=form.size("mask_decoder.iou_prediction_head.layers.0.weight", 0),
            transformer=parts.TwoWayTransformer(
                depth=form.count("mask_decoder.transformer.layers"), embedding_dim=channels, num_heads=_DECODER_HEADS,
                mlp_dim=form.size("mask_decoder.transformer.layers.0.mlp.lin1.weight", 0),
            ),
        ),
        pixel_mean=_MEAN,
        pixel_std=_STD,
    )  # fmt: skip


class _Form:
    """What the shapes of weights say."""

    def __init__(self, weights: Mapping[str, torch.Tensor]) -> None:
        self._weights = weights

    def size(self, name: str, axis: int) -> int:
        """Of a weight along an axis."""
        return int(self._weights[name].shape[axis])

    def count(self, stem: str) -> int:
        """Of numbered parts."""
        numbers = {int(found[1]) for key in self._weights if (found := re.match(rf"{re.escape(stem)}\.(\d+)\.", key))}
        return len(numbers)

    def transformer(self, side: int) -> dict[str, Any]:
        """Of the image encoder, whose relative positions tell heads and windows; side: patches a side of an image."""
        blocks, width = self.count("image_encoder.blocks"), self.size("image_encoder.pos_embed", 3)
        first = "image_encoder.blocks.0"
        reaches = [(self.size(f"image_encoder.blocks.{i}.attn.rel_pos_h", 0) + 1) // 2 for i in range(blocks)]
        everywhere = tuple(i for i, reach in enumerate(reaches) if reach == side)
        return {
            "depth": blocks,
            "embed_dim": width,
            "num_heads": width // self.size(f"{first}.attn.rel_pos_h", 1),
            "mlp_ratio": self.size(f"{first}.mlp.lin1.weight", 0) / width,
            "window_size": min(reaches) if len(everywhere) < blocks else 0,
            "global_attn_indexes": everywhere,
        }


@cache
def _parts() -> ModuleType:
    """The package's subpackage `modeling`, under a name of its own. Raises ModelError where it is not installed."""
    package = importlib.util.find_spec(_PACKAGE)  # finds it, and does not run it
    if package is None or not package.submodule_search_locations:
        raise ModelError(
            f'SAM (version 1) needs the package segment-anything, which {sys.executable} lacks: "promptonce[study]" '
            "brings it."
        )
    folder = Path(package.submodule_search_locations[0]) / "modeling"
    spec = importlib.util.spec_from_file_location(
        _PARTS, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    parts = importlib.util.module_from_spec(spec)
    sys.modules[_PARTS] = parts  # its files import each other by it
    spec.loader.exec_module(parts)
    return parts
