"""Image features of slices in the order they are needed, several encoded at once where the device gains by it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.engine.preprocessing import network_pixels
from PromptOnceLib.engine.tracking import Features, Tracker

Frames = NDArray[np.uint8] | Sequence[NDArray[np.uint8]]


class Ahead:
    """Features of the slices `order`, encoded ahead of the memory stage as the tracker's pipeline says.

    While the device works on some slices a thread enlarges the next ones. known: features that are there already, by
    slice; what is added to it later counts too. A context, which ends the thread.
    """

    def __init__(self, tracker: Tracker, frames: Frames, order: Sequence[int], known: dict[int, Features]) -> None:
        self._tracker, self._frames, self._order, self._known = tracker, frames, order, known
        self._encoded: dict[int, Features] = {}
        self._pixels: dict[int, Future[NDArray[np.uint8]]] = {}
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def at(self, place: int) -> Features:
        """Features of the slice order[place]; places are asked for in ascending order, repeatedly if need be."""
        if (index := self._order[place]) in self._known:
            return self._known[index]
        if place not in self._encoded:
            self._encoded.clear()
            self._encode(place)
        return self._encoded[place]

    def free(self) -> None:
        """Forget what can be computed again."""
        self._encoded.clear()

    def _encode(self, place: int) -> None:
        count = self._tracker.placement.pipeline.encoded_at_once
        if count == 1:
            self._encoded[place] = self._tracker.encode(self._frames[self._order[place]])
            return
        if place + count > len(self._order):
            count = 1  # a compiled network would be compiled anew for every other number of slices
        places = range(place, place + count)
        self._prepare(places)
        pixels = [self._pixels[p].result() for p in places]
        self._encoded = dict(zip(places, self._tracker.encode_several(pixels), strict=True))
        self._pixels = {p: pixels for p, pixels in self._pixels.items() if p not in places}
        self._prepare(range(places.stop, min(places.stop + count, len(self._order))))

    def _prepare(self, places: range) -> None:
        size = self._tracker.model.image_size
        for p in places:
            if p not in self._pixels:
                self._pixels[p] = self._pool.submit(network_pixels, self._frames[self._order[p]], size)
