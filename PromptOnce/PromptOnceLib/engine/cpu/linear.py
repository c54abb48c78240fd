"""Matrix products on the CPU through the faster of the two libraries PyTorch brings.

In float32 PyTorch gives linear layers to MKL. oneDNN, which it uses for convolutions, does the same products up to 25
per cent faster on the processor we measured (benchmarks/README.md). Sums are taken in another order: results differ in
the last bits.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Multiplications below which it is not worth it: oneDNN takes longer to begin.
_SMALL = 2**27


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """As torch.nn.functional.linear: x (..., n), weight (m, n), bias (m). Small or under autocast it is just that."""
    suits = x.dtype == weight.dtype == torch.float32 and x.device.type == "cpu"
    if suits and x.numel() * len(weight) >= _SMALL and not torch.is_autocast_enabled("cpu") and _one_dnn_has_linear():
        return _one_dnn_linear(x, weight, bias)
    return F.linear(x, weight, bias)


class FastLinear(nn.Linear):
    """A linear layer that uses `linear`."""

    def forward(self, input: Tensor) -> Tensor:
        """See torch.nn.Linear."""
        return linear(input, self.weight, self.bias)


def _one_dnn_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


@cache
def _one_dnn_has_linear() -> bool:
    """The operator is PyTorch's own and carries no promise, so it is tried before it is used."""
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):  # type: ignore[no-untyped-call]
        return False
    x, weight, bias = torch.arange(6.0).reshape(1, 3, 2), torch.arange(8.0).reshape(4, 2), torch.arange(4.0)
    try:
        return torch.equal(_one_dnn_linear(x, weight, bias), F.linear(x, weight, bias))
    except (AttributeError, RuntimeError, TypeError, NotImplementedError):
        return False
