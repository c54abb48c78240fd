"""How fast a propagation goes and how long it will still take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_WINDOW_SECONDS = 5.0
_FEWEST_SLICES = 3  # slow models need longer than the window for these
_SHORTEST_SECONDS = 0.25  # slices that came together were computed one after the other; that says nothing of the speed


class Progress:
    """Slices done, of how many, and their speed over the last seconds.

    The time until the first slice (starting, loading, encoding) does not count. clock: seconds, increasing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.done = 0
        self.total = 0
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def advance(self, done: int, total: int) -> None:
        """Note that `done` of `total` slices are done now."""
        now = self._clock()
        self.done, self.total = done, total
        self._seen.append((now, done))
        # The youngest that is older than the window stays: it tells when a pause in which nobody looked began.
        while len(self._seen) > _FEWEST_SLICES + 1 and self._seen[1][0] <= now - _WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def slices_per_second(self) -> float | None:
        """Speed over the last slices; None while there are too few to tell."""
        if not self._seen:
            return None
        (start, before), (end, now) = self._seen[0], self._seen[-1]
        return (now - before) / (end - start) if end - start >= _SHORTEST_SECONDS else None

    @property
    def seconds_left(self) -> float | None:
        """How long the remaining slices take at this speed; None while that cannot be told."""
        speed = self.slices_per_second
        return (self.total - self.done) / speed if speed else None
