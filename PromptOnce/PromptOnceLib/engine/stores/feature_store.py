"""Image features of slices, kept on disk for the next run over the same stack: encoding is most of a run's time."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from PromptOnceLib.engine.stores.tensor_files import TensorFiles
from PromptOnceLib.engine.tracker import Features

DEFAULT_LIMIT = 4 * 2**30
"""Bytes: about 500 slices at 1024 x 1024, 2000 at 512 x 512, in half precision."""


LIMIT_VARIABLE = "PROMPTONCE_FEATURE_CACHE"
"""Environment variable for another limit, in megabytes; 0 keeps nothing."""


def feature_limit() -> int:
    """Bytes that features may take: as the user's environment says, DEFAULT_LIMIT otherwise."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    return int(text) * 2**20 if text.isdecimal() else DEFAULT_LIMIT


class FeatureStore:
    """Features by slice.

    folder, limit: as TensorFiles takes them. lossless: keep float32 as it is, so that masks are the same to the last
    bit; otherwise in half precision, whose rounding (2^-11 of a value) is far below that of the memories, which SAM 2
    keeps in bfloat16 (2^-8).
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT, lossless: bool = False) -> None:
        self._files, self._lossless = TensorFiles(folder, "features", limit), lossless
        self._like: Features | None = None  # for types, sizes and the positions, which all slices share

    def get(self, index: int) -> Features | None:
        """Features of a slice on the CPU; None where they are not kept."""
        maps, like = self._files.get(index), self._like
        if maps is None or like is None:
            return None
        typed = [one.to(wanted.dtype) for one, wanted in zip(maps, like.maps, strict=True)]
        return Features(typed, like.positions, like.sizes)

    def put(self, index: int, features: Features) -> None:
        """Keep the features of a slice."""
        if index not in self._files:
            self._files.put(index, [self._stored(one) for one in features.maps])
            self._like = self._like or features

    def clear(self) -> None:
        """Forget all slices."""
        self._files.clear()
        self._like = None

    def _stored(self, values: torch.Tensor) -> torch.Tensor:
        return values.half() if values.dtype is torch.float32 and not self._lossless else values
