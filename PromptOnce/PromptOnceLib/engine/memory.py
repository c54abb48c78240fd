"""What SAM 2 remembers of the slices of a pass, for one object or for several rows that are tracked together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

import torch

Entry = dict[str, Any]  # one remembered slice, with the keys SAM2Base reads; rows of all tensors as in Memory


@dataclass(frozen=True)
class Seen:
    """What was found on a slice of one row. area: pixels of `logits`, which only the last slice has.

    presence, predicted_iou: 0 to 1.
    """

    presence: float
    predicted_iou: float
    area: int
    logits: torch.Tensor | None

    @property
    def score(self) -> float:
        """How sure the model was: 2 sigmoid(s) - 1 for a presence logit s > 0, else 0, times predicted IoU."""
        return max(0.0, 2 * self.presence - 1) * self.predicted_iou

    @property
    def found(self) -> torch.Tensor:
        """The logits of the last slice."""
        assert self.logits is not None
        return self.logits


@dataclass
class Memory:
    """The memory of B rows over one pass: the seed and the last few slices, as SAM2Base reads them.

    A row is an object in a pass (passes.py). pass_length: slices of the pass, the seed's included, or of the longest;
    the network's encoding of time depends on it. seen, anchors, cells: what rules need (memory_rules.py), of one row.
    """

    pass_length: int
    seed: dict[int, Entry] = field(default_factory=dict)
    tracked: dict[int, Entry] = field(default_factory=dict)
    seen: dict[int, Seen] = field(default_factory=dict)
    anchors: dict[int, Entry] = field(default_factory=dict)
    cells: dict[int, torch.Tensor] = field(default_factory=dict)

    def see(self, index: int, seen: Seen) -> None:
        """Note what was found on the next slice."""
        before = self.seen.get(index - 1)
        if before is not None:
            self.seen[index - 1] = replace(before, logits=None)
        self.seen[index] = seen

    @property
    def rows(self) -> int:
        """How many objects are remembered, each counted once for every pass."""
        return len(next(iter(self.seed.values()))["obj_ptr"])

    def as_output_dict(self) -> dict[str, dict[int, Entry]]:
        """The form SAM2Base._prepare_memory_conditioned_features takes."""
        return {"cond_frame_outputs": self.seed, "non_cond_frame_outputs": self.tracked}

    def to(self, device: torch.device) -> None:
        """Move everything remembered to another device."""
        moved = self._changed(lambda tensor: tensor.to(device))
        self.seed, self.tracked = moved.seed, moved.tracked

    def part(self, rows: slice) -> Memory:
        """The memory of some of the rows."""
        return self._changed(itemgetter(rows))

    def _changed(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Memory:
        seed, tracked = (
            {i: _changed(entry, change) for i, entry in bank.items()} for bank in (self.seed, self.tracked)
        )
        return Memory(self.pass_length, seed, tracked)


@dataclass(frozen=True)
class CorrectionContext:
    """What a click on a slice is decoded with.

    logits: what was found there, (1, 1, size / 4, size / 4). memory: of the run that found them, None where there is
    none; position: of the slice in it.
    """

    logits: torch.Tensor
    memory: Memory | None = None
    position: int = 0


def together(seeds: Sequence[dict[int, Entry]]) -> dict[int, Entry]:
    """Of several objects, each with its entries by position in the pass, the entries to remember them together."""
    return {position: _joined([seed[position] for seed in seeds]) for position in seeds[0]}


def _joined(entries: Sequence[Entry]) -> Entry:
    levels = zip(*(entry["maskmem_pos_enc"] for entry in entries), strict=True)
    return {
        "maskmem_features": torch.cat([entry["maskmem_features"] for entry in entries]),
        "maskmem_pos_enc": [torch.cat(level) for level in levels],
        "obj_ptr": torch.cat([entry["obj_ptr"] for entry in entries]),
    }


def part(entry: Entry, rows: slice) -> Entry:
    """What an entry remembers of some of its rows."""
    return _changed(entry, itemgetter(rows))


def _changed(entry: Entry, change: Callable[[torch.Tensor], torch.Tensor]) -> Entry:
    """All tensors changed: a value is one, a list of them, or None where it was forgotten."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [change(tensor) for tensor in value]
        return None if value is None else change(value)

    return {key: changed(value) for key, value in entry.items()}
