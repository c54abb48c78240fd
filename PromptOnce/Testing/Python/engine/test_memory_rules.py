"""Rules for memory: upstream's numbers where they have nothing to decide, and what they decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.test_masks_equal_upstream import blobs, bright
from engine.test_passes import Watched
from PromptOnceLib.engine.cpu.sparse_keys import Keys
from PromptOnceLib.engine.devices import ON_CPU, ON_GPU, on_cpu
from PromptOnceLib.engine.memory import Memory, Seen
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.rules.memory_rules import MemoryRules, RuledTracker, has_distractor
from PromptOnceLib.engine.tracker import Output, Tracker

SLICES = 24
TASK = Task([bright(4)], 4, 0, SLICES - 1)
Logits = dict[int, torch.Tensor]


@pytest.fixture
def model(own_nano: Model) -> Model:
    return own_nano  # rules change the network


@pytest.fixture(scope="module")
def upstream(nano: tuple[Model, Path]) -> Logits:
    return run(Tracker(nano[0], on_cpu()))


def run(tracker: Tracker) -> Logits:
    """Logits by slice."""
    work = Watched(tracker, blobs(SLICES), pytest.fail)
    list(work.run(TASK))
    return {index: logits[0] for index, logits in work.logits.items()}


def output_of(chosen: np.ndarray, *others: np.ndarray, presence: float = 4.0, iou: float = 0.9) -> Output:
    logits = [torch.from_numpy(np.where(mask, 5.0, -5.0).astype(np.float32)) for mask in (chosen, *others)]
    first = logits[0][None, None]
    return Output(
        first,
        first,
        torch.zeros(1, 8),
        torch.full((1, 1), presence),
        torch.full((1,), iou),
        torch.stack(logits)[None],
    )


def disk(x: int, y: int, radius: int, side: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return np.hypot(rows - y, columns - x) < radius


@pytest.mark.parametrize(
    "rules",
    [MemoryRules(), MemoryRules(gate=-1.0), MemoryRules(anchors=True), MemoryRules(presence=True)],
    ids=["none", "all pass the gate", "no distractor", "never lost"],
)
def test_without_anything_to_decide_every_bit_is_upstream_s(
    model: Model, upstream: Logits, rules: MemoryRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("PromptOnceLib.engine.rules.memory_rules.has_distractor", lambda output: False)
    for placement in (on_cpu(), replace(on_cpu(), pipeline=ON_CPU)):
        found = run(RuledTracker(model, placement, rules))
        assert found.keys() == upstream.keys()
        assert all(torch.equal(found[index], logits) for index, logits in upstream.items())


@pytest.mark.slow
def test_larger_pieces_differ_by_rounding_alone(model: Model, upstream: Logits) -> None:
    found = run(RuledTracker(model, replace(on_cpu(), pipeline=ON_GPU), MemoryRules()))
    assert found.keys() == upstream.keys()
    for index, logits in upstream.items():  # batches of slices sum in another order
        torch.testing.assert_close(found[index], logits, atol=1e-3, rtol=0)


def ranked(model: Model, scores: dict[int, float], index: int, gate: float = 0.5) -> dict[int, int]:
    """Which slice is found at which place, of slices with these predicted IoUs."""
    tracker, memory = RuledTracker(model, on_cpu(), MemoryRules(gate=gate)), Memory(40)
    for old, score in scores.items():
        entry = {"obj_ptr": torch.tensor([[float(old)]]), "maskmem_features": torch.zeros(1), "maskmem_pos_enc": []}
        memory.tracked[old] = entry
        memory.see(old, Seen(1.0, score, 9, None))
        tracker._forget(memory, old)
    return {place: int(entry["obj_ptr"]) for place, entry in tracker._attended(index, memory).items()}


def test_slices_that_do_not_pass_the_gate_are_left_out_but_the_last(model: Model) -> None:
    scores = {1: 0.9, 2: 0.9, 3: 0.1, 4: 0.2, 5: 0.9, 6: 0.1}
    assert ranked(model, scores, 7) == {6: 6, 5: 5, 4: 2, 3: 1}
    assert ranked(model, {**scores, 7: 0.9}, 8) == {7: 7, 6: 5, 5: 2, 4: 1}


def test_what_passed_is_remembered_however_long_ago(model: Model) -> None:
    scores = {index: 0.9 if index < 4 else 0.1 for index in range(1, 31)}
    assert ranked(model, scores, 31) == {30: 30, 29: 3, 28: 2, 27: 1}


def test_memory_behind_a_gate_stays_as_large(model: Model) -> None:
    tracker, memory = RuledTracker(model, on_cpu(), MemoryRules(gate=0.5)), Memory(99)
    for index in range(1, 60):
        memory.tracked[index] = {"maskmem_features": torch.zeros(1), "maskmem_pos_enc": [], "obj_ptr": torch.zeros(1)}
        memory.see(index, Seen(1.0, 0.9 if index % 2 else 0.2, 9, torch.zeros(1)))
        tracker._forget(memory, index)
    assert len(memory.tracked) == tracker.pointers
    assert sum(entry["maskmem_features"] is not None for entry in memory.tracked.values()) == 7
    assert sum(seen.logits is not None for seen in memory.seen.values()) == 1


def test_a_gate_that_nothing_passes_changes_masks(model: Model, upstream: Logits) -> None:
    found = run(RuledTracker(model, on_cpu(), MemoryRules(gate=1.0)))
    assert torch.equal(found[5], upstream[5])
    assert not all(torch.equal(found[index], logits) for index, logits in upstream.items())


def test_something_similar_beside_the_object_is_a_distractor() -> None:
    chosen = disk(20, 20, 8)
    assert has_distractor(output_of(chosen, chosen | disk(48, 20, 8)))
    assert has_distractor(output_of(chosen, disk(48, 48, 8), disk(20, 20, 9)))
    assert not has_distractor(output_of(chosen, disk(20, 20, 9), disk(20, 20, 5)))
    assert not has_distractor(output_of(chosen))
    assert not has_distractor(output_of(chosen & False, disk(48, 48, 8)))
    specks = chosen | (disk(60, 60, 2) & ~disk(60, 60, 1))
    specks[20, 29] = True
    assert has_distractor(output_of(chosen, specks)), "the box grows with the largest piece, however small"


def test_anchors_are_far_apart_at_most_three_and_stay(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PromptOnceLib.engine.rules.memory_rules.has_distractor", lambda output: True)
    monkeypatch.setattr("PromptOnceLib.engine.rules.memory_rules._ANCHOR_IOU", 0.0)
    monkeypatch.setattr("PromptOnceLib.engine.rules.memory_rules._ANCHOR_AREA", (0.0, 99.0))
    tracker, seen = RuledTracker(model, on_cpu(), MemoryRules(anchors=True)), {}
    original = tracker._heads

    def heads(features, index, seed, points, mask, memory):
        seen[index] = (sorted(memory.seed), sorted(memory.tracked))
        return original(features, index, seed, points, mask, memory)

    tracker._heads = heads  # type: ignore[method-assign]
    list(Propagation(tracker, blobs(30), pytest.fail).run(Task([bright(0)], 0, 0, 29)))
    seeds, tracked = seen[29]
    assert seeds == [0, 6, 12, 18]
    assert not set(seeds) & set(tracked)
    assert seen[12][0] == [0]
    assert seen[13][0] == [0, 6], "not while it is one of the last six anyway"


@pytest.mark.parametrize(
    ("iou", "area", "expected"), [(0.9, 100, True), (0.7, 100, False), (0.9, 130, False), (0.9, 70, False)]
)
def test_only_a_slice_that_looks_like_the_last_ones_becomes_an_anchor(
    model: Model, iou: float, area: int, expected: bool
) -> None:
    tracker, memory = RuledTracker(model, on_cpu(), MemoryRules(anchors=True)), Memory(40)
    for index in range(1, 10):
        memory.see(index, Seen(1.0, 0.5, 100, None))
    memory.see(10, Seen(1.0, iou, area, None))
    assert tracker._is_fit(10, memory) is expected
    memory.anchors[6] = {}
    assert not tracker._is_fit(10, memory), "too near to the one before"


def absent_on(tracker: Tracker, index: int) -> Callable[[], list[float]]:
    """Have the presence head deny the object on the frame of this index; gives what was said of it."""
    head, said, at = tracker.model.network.sam_mask_decoder.pred_obj_score_head, [], [0]
    original = tracker._heads

    def heads(features, frame, *rest):
        at[0] = frame
        return original(features, frame, *rest)

    def deny(_module, _inputs, value):
        said.append(float(value))
        return torch.full_like(value, -6.0) if at[0] == index else None

    tracker._heads = heads  # type: ignore[method-assign]
    head.register_forward_hook(deny)
    return lambda: said


@pytest.mark.parametrize(("rules", "kept"), [(MemoryRules(), False), (MemoryRules(presence=True), True)])
def test_an_object_that_is_denied_at_once_is_kept_where_its_mask_lies_on_the_one_before(
    model: Model, rules: MemoryRules, kept: bool
) -> None:
    tracker = RuledTracker(model, on_cpu(), rules)
    absent_on(tracker, 2)
    task = Task([bright(4)], 4, 4, 9)
    found = {o.slice: o for o in Propagation(tracker, blobs(10), pytest.fail).run(task)}
    assert found[5].masks.any()
    assert bool(found[6].masks.any()) is kept
    assert (found[6].presence[0] > 0.5) is kept


def test_an_object_that_is_denied_stays_absent_where_its_mask_would_lie_elsewhere(model: Model) -> None:
    tracker = RuledTracker(model, on_cpu(), MemoryRules(presence=True))
    absent_on(tracker, 2)
    denied = tracker._heads

    def elsewhere(features, frame, *rest):
        output = denied(features, frame, *rest)
        return replace(output, logits=output.logits.roll(output.logits.shape[-1] // 2, -1)) if frame == 2 else output

    tracker._heads = elsewhere  # type: ignore[method-assign]
    found = {o.slice: o for o in Propagation(tracker, blobs(9), pytest.fail).run(replace(TASK, first=4, last=8))}
    assert found[5].masks.any()
    assert not found[6].masks.any()
    assert found[6].presence[0] < 0.5


def rearranged(model: Model, share: float | None) -> RuledTracker:
    return RuledTracker(model, replace(on_cpu(), rearranged=True), MemoryRules(cells=share))


def test_with_all_cells_of_all_slices_the_numbers_are_the_same_but_for_rounding(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "bfloat16", torch.float32)  # memories rounded the other way would hide what is wrong
    every = run(rearranged(model, None))
    found = run(rearranged(model, 1.0))
    for index, logits in every.items():
        torch.testing.assert_close(found[index], logits, atol=1e-3, rtol=0)


def test_slices_before_the_last_one_keep_the_cells_that_got_most_attention(model: Model) -> None:
    tracker, kept = rearranged(model, 0.05), {}
    original = tracker._heads

    def heads(features, index, seed, points, mask, memory):
        output = original(features, index, seed, points, mask, memory)
        kept[index] = [
            {i: e["maskmem_features"].flatten(2).shape[2] for i, e in bank.items() if e["maskmem_features"] is not None}
            for bank in (memory.seed, memory.tracked)
        ]
        return output

    tracker._heads = heads  # type: ignore[method-assign]
    found = list(Propagation(tracker, blobs(12), pytest.fail).run(Task([bright(0)], 0, 0, 11)))
    cells = 64
    assert kept[6] == [{0: cells}, {1: 4, 2: 4, 3: 4, 4: 4, 5: cells}]
    assert all(output.masks.any() for output in found)


def test_the_cells_that_stay_are_those_of_the_most_attention() -> None:
    keys = Keys(torch.arange(40), slice(0, 40))
    for _ in range(2):
        keys.add(torch.tensor([0.0, 3.0, 1.0, 9.0] * 10))
    assert keys.best(0.25).tolist() == list(range(3, 40, 4))
    assert keys.best(0.001).numel() == 1


def test_exact_precision_leaves_no_cells_out(model: Model, upstream: Logits) -> None:
    found = run(RuledTracker(model, on_cpu(), MemoryRules(cells=0.05)))
    assert all(torch.equal(found[index], logits) for index, logits in upstream.items())
