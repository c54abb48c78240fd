"""Tensors kept in files of the process's private folder, the oldest dropped first where a limit is reached."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch


@dataclass(frozen=True)
class _Kept:
    path: Path
    bytes: int
    shapes: list[torch.Size]
    types: list[torch.dtype]


class TensorFiles:
    """Tensors by key, one file a key. folder: files are made and removed here. limit: bytes of all together, 0 for
    none.

    A disk that is full ends the keeping and nothing else: what is kept here can be computed again, or done without.
    Several threads may use it.
    """

    def __init__(self, folder: Path, prefix: str, limit: int) -> None:
        self._folder, self._prefix, self._limit = folder, prefix, limit
        self._kept: dict[Hashable, _Kept] = {}  # oldest first
        self._bytes = 0
        self._numbers = itertools.count()
        self._lock = threading.RLock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def put(self, key: Hashable, tensors: Sequence[torch.Tensor]) -> None:
        """Keep tensors, whatever their type and device, in place of what the key had."""
        # As bytes: NumPy does not know bfloat16.
        flat = torch.cat([one.detach().cpu().contiguous().flatten().view(torch.uint8) for one in tensors])
        with self._lock:
            self._put(key, tensors, flat)

    def _put(self, key: Hashable, tensors: Sequence[torch.Tensor], flat: torch.Tensor) -> None:
        self.remove(key)
        if flat.numel() > self._limit:
            return
        while self._bytes + flat.numel() > self._limit:
            self.remove(next(iter(self._kept)))
        path = self._folder / f"{self._prefix}-{next(self._numbers)}.npy"
        try:
            np.save(path, flat.numpy(), allow_pickle=False)
        except OSError:
            path.unlink(missing_ok=True)
            self._limit = 0
            return
        self._kept[key] = _Kept(path, flat.numel(), [one.shape for one in tensors], [one.dtype for one in tensors])
        self._bytes += flat.numel()

    def get(self, key: Hashable) -> list[torch.Tensor] | None:
        """The tensors on the CPU, to the last bit; None where there are none any more."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        try:
            flat = torch.from_numpy(np.load(kept.path, allow_pickle=False))
        except (OSError, ValueError):  # removed or changed from outside
            self.remove(key)
            return None
        found, start = [], 0
        for shape, dtype in zip(kept.shapes, kept.types, strict=True):
            size = shape.numel() * dtype.itemsize
            found.append(flat[start : start + size].clone().view(dtype).reshape(shape))
            start += size
        return found

    def remove(self, key: Hashable) -> None:
        """Forget a key, if it is there."""
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is not None:
                self._bytes -= kept.bytes
                kept.path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all of them."""
        for key in list(self._kept):
            self.remove(key)
