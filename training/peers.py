"""Processes that train together: each makes the gradients of some batches of a step, and all take it with their sum."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import distributed


class Peers:
    """The processes that train together, as one of them sees them; it is alone where `count` is 1.

    rank: which of them this one is, from 0. meeting: a file that is not there yet, by which they find each other.
    """

    def __init__(self, rank: int = 0, count: int = 1, meeting: Path | None = None) -> None:
        self.rank, self.count = rank, count
        if count > 1:
            distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count)

    @property
    def first(self) -> bool:
        """Whether this process keeps the log and the checkpoints."""
        return self.rank == 0

    def own(self, number: int) -> range:
        """Which of so many batches this process takes."""
        if number < self.count:
            raise ValueError(f"{number} batches a step are too few for {self.count} processes; this stage takes one.")
        return range(self.rank * number // self.count, (self.rank + 1) * number // self.count)

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Add the gradients of all; a weight that had none here gets those of the others."""
        if self.count == 1:
            return
        learning = [p for p in parameters if p.requires_grad]
        every = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in learning])
        distributed.all_reduce(every)
        for parameter, gradient in zip(learning, every.split([p.numel() for p in learning]), strict=True):
            parameter.grad = gradient.view_as(parameter)

    def from_first(self, value: float) -> float:
        """What the first of them has, so that all do the same."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(shared, 0)
        return shared.item()
