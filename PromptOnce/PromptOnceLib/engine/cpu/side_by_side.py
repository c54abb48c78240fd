"""Passes side by side on the cores of the processor: a thread for each, the cores shared out among them.

The passes need nothing of each other, and small networks leave most of a second core idle. What each pass computes is
what it would compute by itself; results come from the passes in turns, whichever is faster.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

T = TypeVar("T")

_LARGEST_INPUT = 512
# Beyond it a pass keeps two cores busy by itself, and takes a gigabyte and more.
_AHEAD = 2  # steps of a lane that are under way or wait to be taken, so that no lane runs away from the other


def passes_at_once(passes: int, cores: int, input_size: int) -> int:
    """How many of the passes are computed side by side. input_size: pixels a side of the network's input."""
    return 1 if input_size > _LARGEST_INPUT else max(1, min(2, passes, cores))


def threads_of_each(cores: int, lanes: int, exact: bool) -> int:
    """PyTorch's threads in each lane.

    exact: all of them in every lane. Some sums are cut in as many parts as there are threads: with another number the
    last bits would not be those of upstream on the same computer.
    """
    return cores if exact else max(1, cores // lanes)


class InterruptedPassError(Exception):
    """Raised within a step of a lane whose results nobody waits for any more."""


@dataclass(eq=False)
class PassThread(Generic[T]):
    """Steps that are taken one after the other in a thread of their own.

    steps: makes the iterator of results; its argument is this lane. stopped: set when nobody waits for the rest.
    """

    steps: Callable[[PassThread[T]], Iterator[T]]
    turns: Turns
    stopped: threading.Event = field(default_factory=threading.Event)
    held: int = 0

    def interrupt(self) -> None:
        """To be called between the parts of a step: raises where nobody waits for it any more."""
        if self.stopped.is_set():
            raise InterruptedPassError


class Turns:
    """Lets all lanes take a step at once, or one of them alone after memory has ended.

    A lane holds a permit during its step, or all of them.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._permits, self._all = threading.Semaphore(lanes), threading.Lock()

    @contextmanager
    def step(self, lane: PassThread[T], alone: bool) -> Iterator[None]:
        """The time of one step."""
        try:
            if alone:
                self.be_alone(lane)
            else:
                self._permits.acquire()
                lane.held = 1
            yield
        finally:
            self._give_back(lane)

    def be_alone(self, lane: PassThread[T]) -> None:
        """For the rest of the lane's step: no other one is in a step, nor begins one."""
        if lane.held == self._lanes:
            return
        self._give_back(lane)  # two lanes that wait for each other's permits would wait for ever
        with self._all:
            for _ in range(self._lanes):
                self._permits.acquire()
                lane.held += 1

    def _give_back(self, lane: PassThread[T]) -> None:
        held, lane.held = lane.held, 0
        if held:
            self._permits.release(held)


def side_by_side(
    makers: Sequence[Callable[[PassThread[T]], Iterator[T]]], exact: bool, one_at_a_time: Callable[[], bool]
) -> Iterator[T]:
    """The results of several iterators in turns, each computed in a thread of its own; errors as they come.

    exact: see `threads_of_each`. one_at_a_time: asked before every step. What is being computed when the rest is not
    wanted any more ends at its next `PassThread.interrupt`.
    """
    cores, turns = torch.get_num_threads(), Turns(len(makers))
    lanes = [_Running(PassThread(maker, turns), one_at_a_time) for maker in makers]
    running = list(lanes)
    try:
        for lane in lanes:
            lane.begin(threads_of_each(cores, len(lanes), exact))
        while running:
            for lane in list(running):
                result = lane.take()
                if isinstance(result, _End):
                    running.remove(lane)
                    for left in running:
                        left.threads = threads_of_each(cores, len(running), exact)
                else:
                    yield result
    finally:
        for lane in lanes:
            lane.end()
        torch.set_num_threads(cores)  # PyTorch's libraries have one number for all threads


class _End:
    """In the place of a result: there are no more."""


_END = _End()


class _Running(Generic[T]):
    """A lane, its thread, and the steps that were begun."""

    def __init__(self, lane: PassThread[T], one_at_a_time: Callable[[], bool]) -> None:
        self.lane, self.threads = lane, 1
        self._alone = one_at_a_time
        self._results = lane.steps(lane)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="pass")
        self._begun: deque[Future[T | _End]] = deque()

    def begin(self, threads: int) -> None:
        self.threads = threads
        self._begun.extend(self._pool.submit(self._step) for _ in range(_AHEAD))

    def take(self) -> T | _End:
        """The next result, when it is there, or _END."""
        result = self._begun.popleft().result()
        self._begun.append(self._pool.submit(self._step))
        return result

    def end(self) -> None:
        """Leave out what was not begun, and wait for what was."""
        self.lane.stopped.set()
        self._pool.shutdown(cancel_futures=True)
        getattr(self._results, "close", lambda: None)()

    def _step(self) -> T | _End:
        with self.lane.turns.step(self.lane, self._alone()):
            self.lane.interrupt()
            torch.set_num_threads(self.threads)
            return next(self._results, _END)
