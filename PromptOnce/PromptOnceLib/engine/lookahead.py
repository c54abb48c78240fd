"""Image features of slices in the order they are needed, several encoded at once where the device gains by it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.engine.preprocessing import network_pixels
from PromptOnceLib.engine.stores.feature_store import FeatureStore
from PromptOnceLib.engine.tracker import Features, Tracker

Frames = NDArray[np.uint8] | Sequence[NDArray[np.uint8]]


class FeaturePrefetcher:
    """Features of the slices `order`, encoded ahead of the memory stage as the tracker's pipeline says.

    While the device works on some slices a thread enlarges the next ones. known: features that are there already, by
    slice; what is added to it later counts too. store: where features are kept for later runs. A context, which ends
    the thread.
    """

    def __init__(
        self,
        tracker: Tracker,
        frames: Frames,
        order: Sequence[int],
        known: dict[int, Features],
        store: FeatureStore | None = None,
    ) -> None:
        self._tracker, self._frames, self._order, self._known = tracker, frames, order, known
        self._store = store
        self._encoded: dict[int, Features] = {}
        self._pixels: dict[int, Future[NDArray[np.uint8]]] = {}
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> FeaturePrefetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def at(self, index: int) -> Features:
        """Features of slice `index`; slices are asked for in order, repeatedly if need be."""
        if index in self._known:
            return self._known[index]
        if index not in self._encoded:
            self._encoded.clear()
            kept = None if self._store is None else self._store.get(index)
            if kept is None:
                self._encode(index)
            else:
                self._encoded[index] = kept
        return self._encoded[index]

    def leave_out(self, slices: range) -> None:
        """Encode none of these any more: they will not be asked for."""
        self._order = [index for index in self._order if index not in slices]

    def free(self) -> None:
        """Forget what can be computed again."""
        self._encoded.clear()

    def _encode(self, index: int) -> None:
        count = self._tracker.placement.pipeline.encoded_at_once
        if count == 1:
            self._encoded[index] = features = self._tracker.encode(self._frames[index])
            if self._store is not None:
                self._store.put(index, features)
            return
        place = self._order.index(index)
        if place + count > len(self._order):
            count = 1  # a compiled network would be compiled anew for every other number of slices
        now, following = self._order[place : place + count], self._order[place + count : place + 2 * count]
        self._prepare(now)
        pixels = [self._pixels[i].result() for i in now]
        self._encoded = dict(zip(now, self._tracker.encode_several(pixels), strict=True))
        self._pixels = {i: pixels for i, pixels in self._pixels.items() if i not in now}
        self._prepare(following)

    def _prepare(self, slices: Sequence[int]) -> None:
        size = self._tracker.model.image_size
        for index in slices:
            if index not in self._pixels:
                self._pixels[index] = self._pool.submit(network_pixels, self._frames[index], size)
