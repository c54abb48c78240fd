"""What the last run left on each slice, so that a click on one of them corrects its mask.

SAM 2 was trained to take clicks on a frame it has tracked already: with memory attention, and with the logits it had
found there as mask prompt. Both are kept here, object by object and slice by slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from PromptOnceLib.engine.memory import CorrectionContext, Entry, Memory
from PromptOnceLib.engine.stores.tensor_files import TensorFiles
from PromptOnceLib.engine.tracker import Output

DEFAULT_LIMIT = 2 * 2**30
"""Bytes: an object takes 0.8 MB a slice at 1024 x 1024, 0.2 MB at 512 x 512."""


@dataclass(frozen=True)
class Reached:
    """How a slice was reached: from the fixed slice `start`, by slices that are `step` (1 or -1) apart.

    length: of the pass, as Memory takes it. A fixed slice is its own start.
    """

    start: int
    step: int
    length: int

    def position(self, index: int) -> int:
        """Of a slice, counted along the pass from its start."""
        return (index - self.start) * self.step


class RunMemory:
    """Logits and memories of the last run's slices. folder, limit: as TensorFiles takes them."""

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._files = TensorFiles(folder, "run", limit)
        self._reached: dict[tuple[str, int], Reached] = {}
        self._fixed: dict[str, set[int]] = {}
        self._positions: list[torch.Tensor] = []  # the same for all memories

    def put(self, name: str, index: int, output: Output, entry: Entry, reached: Reached) -> None:
        """Keep what was found of one object on a slice; all tensors of one row."""
        self._files.put((name, index), [output.logits, entry["maskmem_features"], entry["obj_ptr"]])
        self._positions = self._positions or [one.cpu() for one in entry["maskmem_pos_enc"]]
        self._reached[name, index] = reached
        fixed = self._fixed.setdefault(name, set())
        if index == reached.start:
            fixed.add(index)
        else:
            fixed.discard(index)

    def forget(self, name: str, index: int) -> None:
        """Nothing is known any more of an object on a slice."""
        self._files.remove((name, index))
        self._reached.pop((name, index), None)
        self._fixed.get(name, set()).discard(index)

    def correctable(self, name: str, index: int, reach: int) -> CorrectionContext | None:
        """What is needed to correct an object on a slice; None where the last run did not reach it, or it is forgotten.

        reach: so many slices before it, on the side it was reached from, are remembered.
        """
        kept, reached = self._files.get((name, index)), self._reached.get((name, index))
        if kept is None or reached is None:
            return None
        # The slice where the sweep began, as in the sweep; a fixed slice is corrected in view of all others.
        beside = self._fixed[name] - {index} if index == reached.start else {reached.start}
        fixed = {other: self._entry(name, other) for other in beside}
        seeds = {reached.position(other): entry for other, entry in fixed.items() if entry is not None}
        if not seeds:
            return None
        memory = Memory(reached.length, seeds)
        # A pass begins with nothing but its start: what lies behind that was found by another one.
        passed = reached.position(index) - 1 if index != reached.start else reach
        for distance in range(1, min(reach, passed) + 1):
            other = index - distance * reached.step
            entry = None if other in self._fixed[name] else self._entry(name, other)
            if entry is not None:
                memory.tracked[reached.position(other)] = entry
        return CorrectionContext(kept[0], memory, reached.position(index))

    def forget_objects(self, names: Sequence[str]) -> None:
        """Forget what the last run left of these objects: they are propagated anew."""
        for name, index in [key for key in self._reached if key[0] in names]:
            self.forget(name, index)

    def clear(self) -> None:
        """Forget everything: another stack or another model is used."""
        self._files.clear()
        self._reached.clear()
        self._fixed.clear()

    def _entry(self, name: str, index: int) -> Entry | None:
        kept = self._files.get((name, index))
        if kept is None:
            return None
        return {"maskmem_features": kept[1], "maskmem_pos_enc": self._positions, "obj_ptr": kept[2]}
