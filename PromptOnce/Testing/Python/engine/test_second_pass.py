"""A second pass: it attends to the slices that the first one may be trusted on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.test_masks_equal_upstream import blobs, bright
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.rules.second_pass import round_trip, second_pass, spread
from PromptOnceLib.engine.tracker import Tracker

SLICES = 24
TASK = Task([bright(4)], 4, 0, SLICES - 1)
TASK_OF_9 = replace(TASK, last=8)


def test_trusted_slices_are_spread_over_the_stack() -> None:
    trust = dict.fromkeys((0, 3, 5, 9, 18, 20), 0.95) | {19: 0.5}
    assert spread(trust, 4) == [0, 9, 20]
    assert spread({7: 0.9, 8: 0.91}, 4) == [8]
    assert spread({}, 4) == []


def test_a_second_run_attends_to_the_trusted_slices(own_nano: Model) -> None:
    work = Propagation(Tracker(own_nano, on_cpu()), blobs(SLICES), pytest.fail)
    first = {output.slice: output for output in work.run(TASK)}
    trust = round_trip(work, TASK, first)
    assert trust
    assert not {4, 0, SLICES - 1} & trust.keys()
    seeds = []
    original = work.tracker._heads

    def heads(features, index, seed, points, mask, memory):
        seeds.append(sorted(memory.seed))
        return original(features, index, seed, points, mask, memory)

    work.tracker._heads = heads  # type: ignore[method-assign]
    again = {output.slice: output for output in second_pass(work, TASK)}
    assert again.keys() == first.keys()
    chosen = spread(trust, 4)
    assert seeds[-1] == sorted(4 - index for index in [4, *chosen])
    np.testing.assert_array_equal(again[4].masks, first[4].masks)


def test_where_no_slice_is_trusted_the_first_run_comes_out(own_nano: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PromptOnceLib.engine.rules.second_pass.TRUST", 1.0)
    work = Propagation(Tracker(own_nano, on_cpu()), blobs(9), pytest.fail)
    first, again = ({o.slice: o.masks for o in run} for run in (work.run(TASK_OF_9), second_pass(work, TASK_OF_9)))
    assert first.keys() == again.keys()
    assert all((again[index] == masks).all() for index, masks in first.items())
