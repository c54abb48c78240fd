"""The mask decoder rearranged for the CPU: the same function of the same weights, with fewer operations and copies.

Between a few prompt tokens and thousands of pixels a head's projection of the pixels can move to the tokens:
(x K) . q = x . (K q), and a weighted sum of projected pixels is the projected weighted sum. Norms and enlargements work
on channels that lie next to each other in memory. Exact in algebra, not in the last bits.
"""

from __future__ import annotations

import torch
from sam2.modeling.sam.prompt_encoder import PromptEncoder
from sam2.modeling.sam.transformer import Attention, TwoWayTransformer
from sam2.modeling.sam2_utils import LayerNorm2d
from torch import Tensor, nn
from torch.nn import functional as F

from PromptOnceLib.engine.cpu.linear import linear

# Pixels below which nothing is gained, and prompt tokens above which it costs more than upstream's.
_MANY, _FEW = 2**11, 32


class FastCrossAttention(Attention):  # type: ignore[misc]
    """Attention between a few tokens and many, which are never projected."""

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """See Attention: q (B, N, C), k and v (B, M, C). Returns (B, N, C)."""
        if q.shape[1] <= _FEW and k.shape[1] >= _MANY:
            return self._of_few(q, k, v)
        if k.shape[1] <= _FEW and q.shape[1] >= _MANY:
            return self._of_many(q, k, v)
        upstream: Tensor = super().forward(q, k, v)
        return upstream

    def _of_few(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        queries = self._separate_heads(self.q_proj(q), self.num_heads) * self._scale
        # The bias of the keys adds the same to all scores of a query, which softmax takes out again.
        scores = (queries @ self._by_head(self.k_proj.weight)).flatten(1, 2) @ k.transpose(1, 2)
        sums = (torch.softmax(scores, -1) @ v).reshape(len(q), self.num_heads, -1, v.shape[-1])
        values = sums @ self._by_head(self.v_proj.weight).transpose(1, 2)
        return self.out_proj(self._recombine_heads(values) + self.v_proj.bias)  # type: ignore[no-any-return]

    def _of_many(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        keys = self._separate_heads(self.k_proj(k), self.num_heads) * self._scale
        values = self._separate_heads(self.v_proj(v), self.num_heads)
        weight = (keys @ self._by_head(self.q_proj.weight)).flatten(1, 2)
        bias = (keys @ self.q_proj.bias.reshape(self.num_heads, -1, 1)).flatten(1)
        columns = (values @ self._by_head(self.out_proj.weight.t())).flatten(1, 2)
        rows = [self._attend(*row) for row in zip(q, weight, bias, columns, strict=True)]
        together: Tensor = torch.stack(rows) + self.out_proj.bias
        return together

    def _attend(self, pixels: Tensor, weight: Tensor, bias: Tensor, columns: Tensor) -> Tensor:
        scores = linear(pixels, weight, bias).reshape(len(pixels), self.num_heads, -1)
        return torch.softmax(scores, -1).flatten(1) @ columns

    def _by_head(self, weight: Tensor) -> Tensor:
        """(heads * c, C) as (heads, c, C)."""
        return weight.reshape(self.num_heads, -1, weight.shape[-1])

    @property
    def _scale(self) -> float:
        return float((self.internal_dim // self.num_heads) ** -0.5)


class FastTwoWayTransformer(TwoWayTransformer):  # type: ignore[misc]
    """The decoder's transformer on pixels whose channels lie next to each other, as its layers read them."""

    def forward(self, image_embedding: Tensor, image_pe: Tensor, point_embedding: Tensor) -> tuple[Tensor, Tensor]:
        """See TwoWayTransformer."""
        pixels, positions = (x.contiguous(memory_format=torch.channels_last) for x in (image_embedding, image_pe))
        tokens, image = super().forward(pixels, positions, point_embedding)
        return tokens, image


class FastEnlargement(nn.ConvTranspose2d):
    """A transposed convolution whose patches do not overlap: a product of each pixel with one matrix."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """See torch.nn.ConvTranspose2d; (B, C, H, W) gives (B, D, 2 H, 2 W)."""
        images, _, rows, columns = input.shape
        if output_size is not None or rows * columns < _MANY:
            return super().forward(input, output_size)
        down, across = self.kernel_size
        matrix = self.weight.permute(2, 3, 1, 0).reshape(-1, self.in_channels)
        patches = linear(input.permute(0, 2, 3, 1).contiguous(), matrix)
        patches = patches.reshape(images, rows, columns, down, across, self.out_channels).transpose(2, 3)
        enlarged = patches.reshape(images, rows * down, columns * across, self.out_channels).permute(0, 3, 1, 2)
        return enlarged if self.bias is None else enlarged.add_(self.bias[:, None, None])


class FastLayerNorm2d(LayerNorm2d):  # type: ignore[misc]
    """The norm over channels in one sweep instead of seven."""

    def forward(self, x: Tensor) -> Tensor:
        """See LayerNorm2d: (B, C, H, W)."""
        if x.shape[-1] * x.shape[-2] < _MANY or not x.is_contiguous(memory_format=torch.channels_last):
            upstream: Tensor = super().forward(x)
            return upstream
        normed = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)


class FastPromptEncoder(PromptEncoder):  # type: ignore[misc]
    """Computes the positions of the image's cells once, not for every prompt and slice."""

    _dense_pe: tuple[tuple[object, ...], Tensor] | None = None

    def get_dense_pe(self) -> Tensor:
        """See PromptEncoder."""
        device = self.no_mask_embed.weight.device
        autocast = torch.is_autocast_enabled(device.type) and torch.get_autocast_dtype(device.type)
        circumstances = (device, autocast, self.image_embedding_size)
        if self._dense_pe is None or self._dense_pe[0] != circumstances:
            self._dense_pe = (circumstances, super().get_dense_pe())
        return self._dense_pe[1]
