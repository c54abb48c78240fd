"""Image features of slices, kept on disk for the next run over the same stack: encoding is most of a run's time."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import torch

from PromptOnceLib.engine.tracker import Features

DEFAULT_LIMIT = 4 * 2**30
"""Bytes: about 500 slices at 1024 x 1024, 2000 at 512 x 512, in half precision."""


class FeatureStore:
    """Features by slice, in one file each; the oldest go first where they would take more than the limit.

    folder: private to the process, its files are made and removed here. limit: bytes; 0 keeps nothing. lossless: keep
    float32 as it is, so that masks are the same to the last bit; otherwise in half precision, whose rounding (2^-11 of
    a value) is far below that of the memories, which SAM 2 keeps in bfloat16 (2^-8). A disk that is full ends the
    keeping and nothing else.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT, lossless: bool = False) -> None:
        self._folder, self._limit, self._lossless = folder, limit, lossless
        self._files: dict[int, Path] = {}  # oldest first
        self._like: Features | None = None  # for sizes, types and the positions, which all slices share
        self._numbers = itertools.count()

    def get(self, index: int) -> Features | None:
        """Features of a slice on the CPU; None where they are not kept."""
        path, like = self._files.get(index), self._like
        if path is None or like is None:
            return None
        try:
            flat = torch.from_numpy(np.load(path, allow_pickle=False))
        except (OSError, ValueError):  # removed from outside: it is encoded again
            del self._files[index]
            return None
        maps, start = [], 0
        for one in like.maps:
            part = flat[start : start + one.numel()]
            maps.append(_restored(part, one.dtype).reshape(one.shape))
            start += one.numel()
        return Features(maps, like.positions, like.sizes)

    def put(self, index: int, features: Features) -> None:
        """Keep the features of a slice, on the CPU."""
        flat = torch.cat([self._stored(one).flatten() for one in features.maps])
        size = flat.numel() * flat.element_size()
        if size > self._limit or index in self._files:
            return
        while self._files and (len(self._files) + 1) * size > self._limit:
            self._files.pop(next(iter(self._files))).unlink(missing_ok=True)
        path = self._folder / f"features-{next(self._numbers)}.npy"
        try:
            np.save(path, flat.numpy(), allow_pickle=False)
        except OSError:
            path.unlink(missing_ok=True)
            self._limit = 0
            return
        self._files[index] = path
        self._like = self._like or features

    def clear(self) -> None:
        """Remove all files."""
        for path in self._files.values():
            path.unlink(missing_ok=True)
        self._files.clear()
        self._like = None

    def _stored(self, values: torch.Tensor) -> torch.Tensor:
        if values.dtype is torch.bfloat16:  # a type NumPy does not know
            return values.contiguous().view(torch.int16)
        return values if self._lossless else values.half()


def _restored(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return values.view(torch.bfloat16) if dtype is torch.bfloat16 else values.to(dtype)
