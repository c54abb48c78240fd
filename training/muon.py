"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) in float32, and the optimisers of the training.

torch.optim.Muon computes in bfloat16, which takes twenty times as long as float32 on CPUs without bfloat16 units.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from sam2.modeling.sam2_base import SAM2Base

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's quintic: singular values go to about 1 in five steps
STEPS = 5
SHARE_ADAMW, SHARE_MASK_STEM = 0.4, 0.04  # of Muon's rate, for AdamW's weights and, of these, the mask's stem
MATCH_ADAMW = 0.2  # root mean square of AdamW's updates (Liu et al. 2025, Muon is scalable for LLM training)


class Muon(torch.optim.Optimizer):
    """Momentum whose every update is made orthogonal; for matrices alone. Rates are those that suit AdamW."""

    def __init__(
        self,
        params: Iterable[torch.nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step with the gradients at hand."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                buffer = state.setdefault("momentum_buffer", torch.zeros_like(matrix))
                buffer.lerp_(matrix.grad, 1 - group["momentum"])
                update = orthogonal(matrix.grad.lerp(buffer, group["momentum"]))
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(update, alpha=-group["lr"] * MATCH_ADAMW * max(matrix.shape) ** 0.5)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """The matrix with its singular values brought near 1 by Newton-Schulz steps."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp_min(1e-7)
    for _ in range(STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def make_optimizers(model: SAM2Base) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the network, AdamW for the rest: stems, convolutions, embeddings, biases.

    Every group of weights has a "share": of the rate of a step, what is theirs.
    """
    image_stem, mask_stem = stems(model)
    stem = {id(p) for p in image_stem}
    matrices = [
        p
        for name, p in model.named_parameters()
        if p.ndim == 2 and min(p.shape) >= 32 and "embed" not in name and id(p) not in stem
    ]
    taken = {id(p) for p in [*matrices, *mask_stem]}
    rest = [p for p in model.parameters() if id(p) not in taken]
    groups = [{"params": rest, "share": SHARE_ADAMW}, {"params": mask_stem, "share": SHARE_MASK_STEM}]
    return [
        Muon([{"params": matrices, "share": 1.0}], weight_decay=0.02),
        torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.02),
    ]


def stems(model: SAM2Base) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """The first layers of the image encoder, and those by which the memory encoder takes a mask.

    They see flat regions, whose gradients add up over all pixels: to a hundred times those of all other weights.
    """
    trunk, mask_layers = model.image_encoder.trunk, model.memory_encoder.mask_downsampler.encoder[:6]
    return [*trunk.patch_embed.parameters(), *trunk.blocks[0].parameters()], [*mask_layers.parameters()]
