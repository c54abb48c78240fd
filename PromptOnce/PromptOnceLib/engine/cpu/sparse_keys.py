"""Attention to some cells of a remembered slice instead of all: which cell every key is, and which are looked at.

Of a slice that is no longer the last one only the cells count that got most attention when it was: an approximation,
for a rule that asks for it (engine/rules). The prompted slice keeps all its cells.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Keys:
    """The keys of one slice's attention to memory, without the object pointers that follow.

    cells: of each key, its place in the flat map, int64 (M,). watched: the keys of the last slice. attention: what each
    of those got, summed over queries and layers, float32 (HW,), once attention was computed.
    """

    cells: Tensor
    watched: slice
    attention: Tensor | None = None

    def add(self, attention: Tensor) -> None:
        """Take in what the watched keys got in one layer."""
        self.attention = attention if self.attention is None else self.attention + attention

    def best(self, share: float) -> Tensor:
        """The cells of the last slice that got most attention, so large a share of them, in their order."""
        assert self.attention is not None
        count = max(1, math.ceil(share * len(self.attention)))
        return self.attention.topk(count).indices.sort().values


_attended = threading.local()  # passes in several threads share the network


def attended_keys() -> Keys | None:
    """The keys of the attention to memory that is being computed in this thread, where some cells are left out."""
    keys: Keys | None = getattr(_attended, "keys", None)
    return keys


@contextmanager
def attending(keys: Keys) -> Iterator[None]:
    """In this context and thread, attention to memory is to these keys."""
    _attended.keys = keys
    try:
        yield
    finally:
        _attended.keys = None


def rotated(x: Tensor, rotations: Tensor) -> Tensor:
    """Rotary positions: x (B, 1, N, C) turned by rotations, complex (N, C / 2), as upstream's apply_rotary_enc."""
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * rotations).flatten(3).type_as(x)
