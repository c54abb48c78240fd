"""On a CPU: a network as upstream wrote it, bit for bit, or rearranged; passes side by side."""

from __future__ import annotations

from sam2.modeling.sam.prompt_encoder import PromptEncoder
from sam2.modeling.sam.transformer import Attention, RoPEAttention, TwoWayTransformer
from sam2.modeling.sam2_utils import LayerNorm2d
from torch import nn

from PromptOnceLib.engine.cpu.linear import FastLinear
from PromptOnceLib.engine.cpu.mask_decoder import (
    FastCrossAttention,
    FastEnlargement,
    FastLayerNorm2d,
    FastPromptEncoder,
    FastTwoWayTransformer,
)
from PromptOnceLib.engine.cpu.memory_attention import FastAttention

_FAST: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: FastLinear,
    nn.ConvTranspose2d: FastEnlargement,
    RoPEAttention: FastAttention,
    Attention: FastCrossAttention,
    LayerNorm2d: FastLayerNorm2d,
    PromptEncoder: FastPromptEncoder,
    TwoWayTransformer: FastTwoWayTransformer,
}
_UPSTREAM = {fast: upstream for upstream, fast in _FAST.items()}


def arrange(network: nn.Module, rearranged: bool) -> None:
    """Rearrange a network, or take that back. Weights and state_dict stay the same."""
    for module in network.modules():
        upstream = _UPSTREAM.get(type(module), type(module))
        if upstream in _FAST and _fits(module):
            module.__class__ = _FAST[upstream] if rearranged else upstream


def _fits(module: nn.Module) -> bool:
    """Whether a module is of the form that its fast variant knows, as those of all SAM 2.1 sizes are."""
    if isinstance(module, RoPEAttention):
        return bool(module.num_heads == 1)
    if isinstance(module, nn.ConvTranspose2d):
        overlaps = module.kernel_size != module.stride or any((*module.padding, *module.output_padding))
        return not overlaps and module.groups == 1 and module.dilation == (1, 1)
    return True
