"""Rules for what a pass remembers, besides SAM 2's own: the seed, and the six slices before.

Each is off unless asked for, and where it finds nothing to decide the numbers are upstream's to the last bit. They look
at one object in one pass. What they are worth: benchmarks/memory.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from PromptOnceLib.engine.cpu.sparse_keys import Keys, attending
from PromptOnceLib.engine.devices import Placement
from PromptOnceLib.engine.memory import Entry, Memory, Seen
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.rules.decoder_changes import Switch, take_agreed_masks, take_for_present
from PromptOnceLib.engine.tracker import Features, Output, Tracker, filled
from PromptOnceLib.models.model_entry import MemorySettings

MOST_ANCHORS = 3
_ANCHOR_IOU, _ANCHOR_AREA, _ANCHOR_DISTANCE, _ANCHOR_MEDIAN_OF = 0.8, (0.8, 1.2), 5, 10
_DISTRACTOR_IOU = 0.7
_WAS_PRESENT, _LOST, _AGREEMENT = 0.9, 0.5, 0.7


@dataclass(frozen=True)
class MemoryRules:
    """Which rules hold.

    gate: only slices with a score above it are remembered beyond the next slice; the score is presence, 2 sigmoid(s) -
    1 for a logit s > 0, else 0, times predicted IoU. The last six of them are attended to, placed by rank, and their
    pointers with them; the slice before always. anchors: up to three slices that the model was sure of while it saw
    something similar beside the object stay for the rest of the pass, as conditioning frames. presence: where an object
    disappears from one slice to the next although its mask would still lie on that of the slice before, it is taken for
    present. first_mask: while tracking, the mask of token 0 is taken instead of the best of three by predicted IoU.
    agreed_mask: what three of the four masks agree on is taken instead of either (decoder_changes.py).
    cells: of slices before the last one this share of their cells is attended to, those that got most attention when
    each was the last (engine/cpu/sparse_keys.py); only where the network is rearranged.
    """

    gate: float | None = None
    anchors: bool = False
    presence: bool = False
    first_mask: bool = False
    agreed_mask: bool = False
    cells: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for rules that do not go together."""
        if self.gate is not None and self.cells is not None:
            raise ValueError("a gate moves slices to other places, which the rule for cells does not follow")

    @property
    def look_back(self) -> bool:
        """Whether any rule asks what was found on the slices before."""
        return self.gate is not None or self.anchors or self.presence


def tracker_for(model: Model, placement: Placement, memory: MemorySettings | None) -> Tracker:
    """The tracker of a model with its settings for memory; None for SAM 2's own."""
    return Tracker(model, placement) if memory is None else RuledTracker(model, placement, rules_of(memory))


def rules_of(memory: MemorySettings | None) -> MemoryRules:
    """The rules that a model's settings ask for."""
    return MemoryRules() if memory is None else MemoryRules(**memory.model_dump())


class RuledTracker(Tracker):
    """A tracker whose memories follow rules. Every memory it is given has one row."""

    def __init__(self, model: Model, placement: Placement, rules: MemoryRules) -> None:
        self.rules = rules
        super().__init__(model, placement)
        self._tracking, self._taken_for_present = Switch(), Switch()
        if rules.presence:
            take_for_present(model.network.sam_mask_decoder, self._taken_for_present)
        if rules.agreed_mask:
            take_agreed_masks(model.network.sam_mask_decoder, self._tracking)
        if rules.first_mask or rules.agreed_mask:
            proposes_several = model.network._use_multimask
            # Where nothing is prompted, as while tracking; clicks are answered as ever.
            model.network._use_multimask = lambda is_seed, points: (
                (is_seed or points is not None) and proposes_several(is_seed, points)
            )

    def move(self, placement: Placement) -> None:
        """See Tracker."""
        pieces = replace(placement.pipeline, objects_together=False, passes_together=False)
        super().move(replace(placement, pipeline=pieces))

    @torch.inference_mode()
    def track(self, features: Features, index: int, memory: Memory, fill_hole_area: int = 0) -> Output:
        """See Tracker."""
        assert memory.rows == 1
        attended = Memory(memory.pass_length, memory.seed, self._attended(index, memory))
        with self._tracking.on():
            output, keys = self._look(features, index, attended, memory)
            if self.rules.presence and self._was_lost_at_once(index, memory, output):
                with self._taken_for_present.on():
                    present, _ = self._look(features, index, attended, memory)
                if _dice(present.logits, memory.seen[index - 1].found) > _AGREEMENT:
                    output = present
        with self.placement.compute():
            entry = self._remember(features, output.high_res, output, is_prompted=False)
        # From here on nothing can fail.
        if keys is not None:
            assert self.rules.cells is not None
            memory.cells[index - 1] = kept = keys.best(self.rules.cells)
            memory.tracked[index - 1] = _some_cells(memory.tracked[index - 1], kept)
        memory.tracked[index] = entry
        if self.rules.look_back:
            memory.see(index, _seen(output))
        if self.rules.anchors:
            self._anchor(index, memory, output)
        self._forget(memory, index)
        return filled(output, fill_hole_area)

    def _look(self, features: Features, index: int, attended: Memory, memory: Memory) -> tuple[Output, Keys | None]:
        """What the heads say, and what attention the last slice's cells got where some cells are left out."""
        if self.rules.cells is None or index - 1 not in attended.tracked or not self.placement.rearranged:
            return self._heads(features, index, False, None, None, attended), None
        cells = features.maps[-1].shape[0]
        every = torch.arange(cells, device=features.maps[-1].device)
        # In the order in which the network takes them: conditioning frames, which keep all cells, then oldest first.
        reach = range(index - self._network.num_maskmem + 1, index)
        places = [memory.cells.get(place, every) for place in reach if place in attended.tracked]
        of_all = torch.cat([every] * len(attended.seed) + places)
        keys = Keys(of_all, slice(len(of_all) - cells, len(of_all)))
        with attending(keys):
            return self._heads(features, index, False, None, None, attended), keys

    def _attended(self, index: int, memory: Memory) -> dict[int, Entry]:
        """The slices a slice attends to, at the places where the network looks for them."""
        if self.rules.gate is None:
            return memory.tracked
        ranked = [old for old in sorted(memory.tracked, reverse=True) if old == index - 1 or self._passes(memory, old)]
        return {index - rank: memory.tracked[old] for rank, old in enumerate(ranked, start=1)}

    def _passes(self, memory: Memory, index: int) -> bool:
        assert self.rules.gate is not None
        return memory.seen[index].score > self.rules.gate

    def _forget(self, memory: Memory, index: int) -> None:
        """Drop what no later slice reads; with a gate, that are all but the last that passed it."""
        if self.rules.gate is None:
            super()._forget(memory, index)
            return
        masks = self._network.num_maskmem - 1
        kept = [old for old in sorted(memory.tracked, reverse=True) if old == index or self._passes(memory, old)]
        # From the next slice on the newest has rank 1, whether it passes or not.
        for old in set(memory.tracked) - set(kept[: self.pointers]):
            del memory.tracked[old]
        for old in kept[masks + 1 :]:
            if old in memory.tracked:
                memory.tracked[old] = {**memory.tracked[old], "maskmem_features": None, "maskmem_pos_enc": None}

    def _was_lost_at_once(self, index: int, memory: Memory, output: Output) -> bool:
        before = memory.seen.get(index - 1)
        presence = float(output.presence.sigmoid())
        return before is not None and before.presence > _WAS_PRESENT and presence < _LOST

    def _anchor(self, index: int, memory: Memory, output: Output) -> None:
        """Keep the slice as an anchor where it is fit; those found become conditioning frames once they are no longer
        among the last slices, so that nothing is attended to twice.
        """
        if len(memory.anchors) < MOST_ANCHORS and self._is_fit(index, memory) and has_distractor(output):
            memory.anchors[index] = memory.tracked[index]
        reach = self._network.num_maskmem - 1
        for anchor, entry in memory.anchors.items():
            if index - anchor >= reach and anchor not in memory.seed:
                memory.seed[anchor] = entry
                memory.tracked.pop(anchor, None)

    def _is_fit(self, index: int, memory: Memory) -> bool:
        one, last = memory.seen[index], max(memory.anchors, default=0)
        areas = [memory.seen[i].area for i in range(index - _ANCHOR_MEDIAN_OF, index) if i in memory.seen]
        if not areas or one.predicted_iou <= _ANCHOR_IOU or one.presence <= _LOST or index - last <= _ANCHOR_DISTANCE:
            return False
        low, high = _ANCHOR_AREA
        return low * median(areas) <= one.area <= high * median(areas)


def has_distractor(output: Output) -> bool:
    """Whether one of the masks that were not chosen has something large beside the chosen one.

    Of what it has more, the largest piece is added to the chosen mask: if the box around both and that around the
    chosen one overlap by no more than 0.7 (IoU), there is something similar beside the object.
    """
    chosen = (output.logits[0, 0] > 0).cpu().numpy()
    if not chosen.any():
        return False
    box = _box(chosen)
    for candidate in (output.candidates[0] > 0).cpu().numpy():
        piece = _largest_piece(candidate & ~chosen)
        if piece is not None and _box_iou(box, _box(chosen | piece)) <= _DISTRACTOR_IOU:
            return True
    return False


def _largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The largest connected part of a mask (rows, columns), None where there is nothing."""
    import SimpleITK as sitk  # not at the top: a worker starts without it

    if not mask.any():
        return None
    pieces = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    return np.asarray(pieces == largest)


def _some_cells(entry: Entry, cells: torch.Tensor) -> Entry:
    """A remembered slice with some of its cells; maps become (B, C, cells, 1)."""

    def some(maps: torch.Tensor) -> torch.Tensor:
        return maps.flatten(2)[:, :, cells, None]

    positions = [some(level) for level in entry["maskmem_pos_enc"]]
    return {**entry, "maskmem_features": some(entry["maskmem_features"]), "maskmem_pos_enc": positions}


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """First and one past the last row, the same of columns, of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _box_iou(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    rows, columns = min(a[1], b[1]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[2], b[2])
    shared = max(0, rows) * max(0, columns)
    areas = [(box[1] - box[0]) * (box[3] - box[2]) for box in (a, b)]
    return shared / (sum(areas) - shared)


def _dice(a: torch.Tensor, b: torch.Tensor) -> float:
    """Of two masks given as logits."""
    a, b = a > 0, b > 0
    total = int(a.sum() + b.sum())
    return 2 * int((a & b).sum()) / total if total else 0.0


def _seen(output: Output) -> Seen:
    presence = float(output.presence.sigmoid())
    return Seen(presence, float(output.predicted_iou), int((output.logits > 0).sum()), output.logits)
