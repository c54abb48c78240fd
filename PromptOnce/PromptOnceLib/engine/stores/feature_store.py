"""Image features of slices, kept on disk for the next run over the same stack: encoding is most of a run's time."""

from __future__ import annotations

import copy
import os
from collections.abc import Hashable
from pathlib import Path

import torch

from PromptOnceLib.engine.stores.tensor_files import TensorFiles
from PromptOnceLib.engine.tracker import Features

DEFAULT_LIMIT = 4 * 2**30
"""Bytes: about 500 slices at 1024 x 1024, 2000 at 512 x 512, in half precision."""


LIMIT_VARIABLE = "PROMPTONCE_FEATURE_CACHE"
"""Environment variable for another limit, in megabytes; 0 keeps nothing."""


def feature_limit(otherwise: int = DEFAULT_LIMIT) -> int:
    """Bytes that features may take, as the user's environment says."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    return int(text) * 2**20 if text.isdecimal() else otherwise


class FeatureStore:
    """Features by slice, of whole slices or of a part of them.

    folder, limit: as TensorFiles takes them. lossless: keep float32 as it is, so that masks are the same to the last
    bit; otherwise in half precision, whose rounding (2^-11 of a value) is far below that of the memories, which SAM 2
    keeps in bfloat16 (2^-8).
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT, lossless: bool = False) -> None:
        self._files, self._lossless = TensorFiles(folder, "features", limit), lossless
        self._part: Hashable = None
        self._like: list[Features] = []  # the first, for types, sizes and the positions, which all slices share

    def of(self, part: Hashable) -> FeatureStore:
        """The features of a part of the slices, such as a crop, beside those that are kept here."""
        other = copy.copy(self)
        other._part = part
        return other

    def __contains__(self, index: int) -> bool:
        return (self._part, index) in self._files

    def get(self, index: int) -> Features | None:
        """Features of a slice on the CPU; None where they are not kept."""
        maps = self._files.get((self._part, index))
        if maps is None:
            return None
        like = self._like[0]
        typed = [one.to(wanted.dtype) for one, wanted in zip(maps, like.maps, strict=True)]
        return Features(typed, like.positions, like.sizes)

    def put(self, index: int, features: Features) -> None:
        """Keep the features of a slice."""
        key = (self._part, index)
        if key not in self._files:
            self._files.put(key, [self._stored(one) for one in features.maps])
            if not self._like:
                self._like.append(features)

    def clear(self) -> None:
        """Forget all slices, and all parts of them."""
        self._files.clear()
        self._like.clear()

    def _stored(self, values: torch.Tensor) -> torch.Tensor:
        return values.half() if values.dtype is torch.float32 and not self._lossless else values
