"""Passes in threads of their own: what comes out is what comes out of one pass after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.test_masks_equal_upstream import blobs, bright
from engine.test_memory_and_devices import fail_at, masks_of
from engine.test_passes import NINE, TASKS, Watched, frames_of, one_after_the_other
from engine.upstream import upstream_predictor, upstream_volume
from PromptOnceLib.engine.cpu.side_by_side import PassThread, passes_at_once, side_by_side, threads_of_each
from PromptOnceLib.engine.devices import ON_CPU, Pipeline, Placement, on_cpu, place
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation
from PromptOnceLib.engine.stores.feature_store import FeatureStore
from PromptOnceLib.engine.stores.run_memory import RunMemory
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.errors import OutOfMemoryError

SIDE_BY_SIDE = ["two objects", "holes filled", "shared seeds", "passes of 5 and 13 slices", "alone"]
NO_MEMORY = RuntimeError("DefaultCPUAllocator: can't allocate memory")


@pytest.fixture(scope="module")
def model(nano: tuple[Model, Path]) -> Model:
    return nano[0]


@pytest.fixture(autouse=True)
def _two_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def placement(rearranged: bool = False) -> Placement:
    return replace(on_cpu(), pipeline=ON_CPU, rearranged=rearranged)


def test_on_the_cpu_passes_go_side_by_side() -> None:
    assert place("cpu").pipeline == ON_CPU
    assert place("cpu", "float32").pipeline == ON_CPU
    assert ON_CPU.smaller() == Pipeline()


@pytest.mark.parametrize("name", SIDE_BY_SIDE)
def test_every_bit_is_that_of_one_pass_after_the_other(model: Model, name: str) -> None:
    expected, expected_logits = one_after_the_other(model, name)
    propagation = Watched(Tracker(model, placement()), frames_of(TASKS[name]), pytest.fail)
    found = list(propagation.run(TASKS[name]))
    np.testing.assert_array_equal(masks_of(found), masks_of(expected))
    assert {o.slice: (o.presence, o.predicted_iou) for o in found} == {
        o.slice: (o.presence, o.predicted_iou) for o in expected
    }
    for index, logits in expected_logits.items():
        assert all(torch.equal(a, b) for a, b in zip(propagation.logits[index], logits, strict=True))


def test_logits_are_upstream_s_to_the_last_bit(nano_encoding: tuple[Model, Path]) -> None:
    (model, config), frames, kept = nano_encoding, blobs(9), []
    upstream_volume(upstream_predictor(config, model), frames, 4, [bright(4)], kept)
    tracker = Tracker(model, place("cpu", "float32"))
    propagation = Watched(tracker, frames, pytest.fail)
    list(propagation.run(replace(NINE, objects=[bright(4)])))
    for index in range(9):
        ours = tracker.full_size_logits(propagation.logits[index][0], frames.shape[1:])
        np.testing.assert_array_equal(ours.numpy(), kept[0][0, index])


def test_slices_come_in_turns_and_each_once(model: Model) -> None:
    for name in ("two objects", "shared seeds"):
        found = Propagation(Tracker(model, placement()), blobs(9), pytest.fail).run(TASKS[name])
        assert [output.slice for output in found] == [4, 5, 3, 6, 2, 7, 1, 8, 0]
    alone = Propagation(Tracker(model, placement()), blobs(9), pytest.fail).run(TASKS["alone"])
    assert [output.slice for output in alone] == list(range(9))


def test_cores_are_shared_out_and_given_back(model: Model) -> None:
    assert threads_of_each(16, 2, exact=False) == 8
    assert threads_of_each(3, 2, exact=False) == 1
    assert threads_of_each(2, 2, exact=True) == 2
    torch.set_num_threads(4)
    for rearranged, both, one in ((True, 2, 4), (False, 4, 4)):
        tracker, seen = Tracker(model, placement(rearranged)), []
        original = tracker.track

        def track(features, index, *rest, original=original, seen=seen):
            seen.append((index, threading.get_ident(), torch.get_num_threads()))
            return original(features, index, *rest)

        tracker.track = track  # type: ignore[method-assign]
        list(Propagation(tracker, blobs(17), pytest.fail).run(TASKS["passes of 5 and 13 slices"]))
        assert {threads for index, _, threads in seen if index == 1} == {both}
        assert seen[-1][2] == one, "the pass that is left takes all cores"
        assert len({name for _, name, _ in seen}) == 2
        assert torch.get_num_threads() == 4


def test_one_core_or_one_pass_takes_no_threads(model: Model) -> None:
    propagation = Propagation(Tracker(model, placement()), blobs(9), pytest.fail)
    assert propagation.lanes(1) == 1
    assert propagation.lanes(9) == 2
    torch.set_num_threads(1)
    assert propagation.lanes(2) == 1
    assert passes_at_once(2, 2, input_size=512) == 2
    assert passes_at_once(2, 16, input_size=1024) == 1, "it keeps the cores busy, and takes a gigabyte"
    assert [o.slice for o in propagation.run(NINE)] == [4, 5, 6, 7, 8, 3, 2, 1, 0]


def test_a_cancel_ends_both_passes_within_the_slice(model: Model) -> None:
    tracker, began, go_on = Tracker(model, placement()), [], threading.Event()
    original = tracker.encode

    def encode(frame):
        if len(began) >= 3:
            go_on.wait(30)
        began.append(1)
        return original(frame)

    tracker.encode = encode  # type: ignore[method-assign]
    tracked: list[int] = []
    track = tracker.track
    tracker.track = lambda features, index, *rest: tracked.append(index) or track(features, index, *rest)  # type: ignore[method-assign]
    before = threading.active_count()
    outputs = Propagation(tracker, blobs(9), pytest.fail).run(NINE)
    assert [next(outputs).slice for _ in range(2)] == [4, 5]
    done = len(tracked)
    threading.Timer(0.05, go_on.set).start()
    outputs.close()
    assert len(tracked) <= done + 2, "what was encoded meanwhile is not tracked any more"
    assert len(began) <= 6
    assert threading.active_count() <= before + 1  # the timer may not have ended yet


@pytest.mark.parametrize("absent", [[*range(11)], [*range(11), *range(16, 27)]], ids=["one", "both"])
def test_early_stops_are_those_of_one_pass_after_the_other(model: Model, absent: list[int]) -> None:
    task, notices = replace(NINE, objects=[bright(13)], seed=13, last=26, stop_when_absent=True), {}
    found = {}
    for way in (on_cpu(), placement()):
        said = notices[way.pipeline.side_by_side] = []
        outputs = Watched(Tracker(model, way), blobs(27), said.append, absent=absent).run(task)
        found[way.pipeline.side_by_side] = {output.slice: output.masks for output in outputs}
    assert found[True].keys() == found[False].keys() < set(range(27))
    assert all((found[True][index] == masks).all() for index, masks in found[False].items())
    assert sorted(notices[True]) == sorted(notices[False])
    assert notices[True]


@pytest.mark.parametrize("method", ["encode", "track", "full_size_mask"])
def test_when_memory_ends_one_pass_at_a_time_goes_on(model: Model, method: str) -> None:
    expected = masks_of(one_after_the_other(model, "two objects")[0])
    tracker, inside, most = Tracker(model, placement()), [], []
    track = tracker.track

    def watched(*arguments):
        inside.append(1)
        if not tracker.placement.pipeline.side_by_side:
            most.append(len(inside))
        try:
            return track(*arguments)
        finally:
            inside.pop()

    tracker.track = watched  # type: ignore[method-assign]
    setattr(tracker, method, fail_at(getattr(tracker, method), {4}, NO_MEMORY))
    found = list(Propagation(tracker, blobs(9), pytest.fail).run(NINE))
    np.testing.assert_array_equal(masks_of(found), expected)
    assert tracker.placement.pipeline == Pipeline()
    assert most
    assert most[-1] == 1


def test_when_memory_ends_for_both_at_once_both_go_on(model: Model) -> None:
    expected = masks_of(one_after_the_other(model, "two objects")[0])
    tracker, both = Tracker(model, placement()), threading.Barrier(2)
    original, failed = tracker.track, set()

    def track(features, index, *rest):
        name = threading.get_ident()
        if name not in failed:
            failed.add(name)
            both.wait(30)
            raise NO_MEMORY
        return original(features, index, *rest)

    tracker.track = track  # type: ignore[method-assign]
    found = list(Propagation(tracker, blobs(9), pytest.fail).run(NINE))
    np.testing.assert_array_equal(masks_of(found), expected)


def test_when_memory_never_suffices_there_is_an_error(model: Model) -> None:
    tracker = Tracker(model, placement())
    tracker.track = fail_at(tracker.track, set(range(3, 99)), NO_MEMORY)  # type: ignore[method-assign]
    with pytest.raises(OutOfMemoryError):
        list(Propagation(tracker, blobs(9), pytest.fail).run(NINE))


def test_what_is_kept_for_corrections_and_for_the_next_run_is_the_same(model: Model, tmp_path: Path) -> None:
    found = []
    for way in (on_cpu(), placement()):
        folder = tmp_path / str(way.pipeline.side_by_side)
        folder.mkdir()
        store, memory = FeatureStore(folder, lossless=True), RunMemory(folder)
        work = Propagation(Tracker(model, way), blobs(9), pytest.fail, store, memory)
        first = masks_of(list(work.run(NINE)))
        work.tracker.encode = pytest.fail  # type: ignore[method-assign,assignment]
        np.testing.assert_array_equal(masks_of(list(work.run(NINE))), first)
        kept = [memory.correctable("bright", index, work.tracker.reach) for index in (0, 8)]
        found.append([(one.logits, one.memory.as_output_dict()) for one in kept if one is not None])
    assert len(found[0]) == 2
    for (logits, memories), (others, other_memories) in zip(*found, strict=True):
        assert torch.equal(logits, others)
        for bank, entries in memories.items():
            assert entries.keys() == other_memories[bank].keys()


def test_results_are_taken_in_turns_and_no_iterator_runs_away() -> None:
    made: list[str] = []

    def count(name: str, to: int):
        def steps(lane: PassThread[str]) -> Iterator[str]:
            for number in range(to):
                made.append(f"{name}{number}")
                yield made[-1]

        return steps

    found = side_by_side([count("a", 3), count("b", 9)], False, lambda: False)
    assert next(found) == "a0"
    assert len([one for one in made if one.startswith("b")]) <= 3
    assert list(found) == ["b0", "a1", "b1", "a2", *(f"b{number}" for number in range(2, 9))]


def test_an_error_in_one_iterator_ends_all_of_them() -> None:
    ended = []

    def fails(lane: PassThread[int]) -> Iterator[int]:
        yield 1
        raise ValueError("here")

    def goes_on(lane: PassThread[int]) -> Iterator[int]:
        try:
            while True:
                yield 2
        finally:
            ended.append(True)

    found = side_by_side([fails, goes_on], False, lambda: False)
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(ValueError, match="here"):
        next(found)
    assert ended
