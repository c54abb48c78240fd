"""Several fixed slices: equal to upstream in one direction; between two of them each from the nearer one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.test_masks_equal_upstream import blobs, bright, grey
from engine.upstream import upstream_corrected, upstream_predictor
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.stores.run_memory import RunMemory
from PromptOnceLib.engine.sweeps import Direction, Sweeps, SweepTask
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.engine.transfer import SliceOutput
from PromptOnceLib.engine.workspace import Workspace
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask

SLICES = 21


def workspace(model: Model, slices: int = SLICES) -> Workspace:
    return Workspace(Tracker(model, on_cpu()), blobs(slices), pytest.fail)


def volume(outputs: list[SliceOutput], slices: int = SLICES) -> NDArray[np.uint8]:
    found = np.zeros((len(outputs[0].masks), slices, *outputs[0].masks.shape[1:]), np.uint8)
    for output in outputs:
        found[:, output.slice] = output.masks
    return found


CASES = {
    "two slices": ((0, 12), ["bright"]),
    "three slices, the first ones neighbours": ((0, 1, 12), ["bright"]),
    "four slices": ((0, 5, 11, 17), ["bright"]),
    "two objects": ((0, 9), ["bright", "grey"]),
}
QUICK = ("two slices", "two objects")


@pytest.mark.parametrize(
    ("model_name", "case"),
    [
        *(pytest.param("nano", case, marks=[pytest.mark.slow] * (case not in QUICK)) for case in CASES),
        pytest.param("random_tiny", "four slices", marks=pytest.mark.slow),
    ],
)
def test_in_one_direction_masks_equal_upstream(request: pytest.FixtureRequest, model_name: str, case: str) -> None:
    model, config = request.getfixturevalue(model_name)
    slices, names = CASES[case]
    fixed = {k: [{"bright": bright, "grey": grey}[name](k) for name in names] for k in slices}
    work = workspace(model)

    outputs = list(Sweeps(work).run(SweepTask(fixed, 0, SLICES - 1, direction="forward")))

    expected = upstream_corrected(upstream_predictor(config, model), work.frames, fixed)
    np.testing.assert_array_equal(volume(outputs), expected)
    assert expected.any()


def test_backward_is_forward_through_the_mirrored_stack(nano: tuple[Model, Path]) -> None:
    work = workspace(nano[0])
    fixed = {20: [bright(20)], 9: [bright(9)]}
    backward = list(Sweeps(work).run(SweepTask(fixed, 0, SLICES - 1, direction="backward")))
    mirrored = Workspace(work.tracker, np.ascontiguousarray(work.frames[::-1]), pytest.fail)
    turned = {SLICES - 1 - k: objects for k, objects in fixed.items()}
    forward = list(Sweeps(mirrored).run(SweepTask(turned, 0, SLICES - 1, direction="forward")))
    np.testing.assert_array_equal(volume(backward), volume(forward)[:, ::-1])


def test_one_fixed_slice_is_propagated_as_ever(nano: tuple[Model, Path]) -> None:
    frames = blobs(41)
    work = Workspace(Tracker(nano[0], on_cpu()), frames, pytest.fail)
    swept = list(Sweeps(work).run(SweepTask({20: [bright(20)]}, 0, 40)))
    propagation = Propagation(Tracker(nano[0], on_cpu()), frames, pytest.fail)
    expected = list(propagation.run(Task([bright(20)], 20, 0, 40)))
    np.testing.assert_array_equal(volume(swept, 41), volume(expected, 41))


def test_only_what_lies_next_to_a_changed_slice_is_computed(nano: tuple[Model, Path]) -> None:
    fixed = {k: [bright(k)] for k in (3, 8, 12, 17)}
    task = SweepTask(fixed, 0, SLICES - 1, changed=frozenset({8}))
    outputs = list(Sweeps(workspace(nano[0])).run(task))
    assert [o.slice for o in outputs] == [8, 4, 5, 7, 6, 9, 10, 11]
    assert len(outputs) == task.steps


def test_what_is_computed_again_is_what_was_computed_at_once(nano: tuple[Model, Path]) -> None:
    """The history of corrections makes no difference."""
    fixed = {k: [bright(k)] for k in (3, 8, 17)}
    work = workspace(nano[0])
    whole = volume(list(Sweeps(work).run(SweepTask(fixed, 0, SLICES - 1))))
    part = list(Sweeps(work).run(SweepTask(fixed, 0, SLICES - 1, changed=frozenset({8}))))
    for output in {o.slice: o for o in part}.values():
        np.testing.assert_array_equal(output.masks, whole[:, output.slice])


def test_two_sweeps_meet_in_the_middle() -> None:
    fixed = {4: [bright(4)], 8: [bright(8)], 13: [bright(13)]}
    task = SweepTask(fixed, 2, 15)
    assert task.sweeps() == [
        range(4, 1, -1),
        range(4, 7),
        range(8, 6, -1),
        range(8, 11),
        range(13, 10, -1),
        range(13, 16),
    ]
    assert task.steps == 14
    assert SweepTask(fixed, 2, 15, changed=frozenset({8})).steps == 1 + 3 + 4
    # A range within: what begins outside of it only passes through.
    assert [task.open(sweep) for sweep in SweepTask(fixed, 5, 7).sweeps()] == [[5, 6], [7]]
    assert SweepTask({0: [bright(0)], 20: [bright(20)]}, 5, 8).sweeps() == [range(9)]


def absent(k: int) -> ObjectPrompt:
    return ObjectPrompt(name="bright", mask=encode_mask(np.zeros_like(blobs(1)[0])))


@pytest.mark.parametrize(("direction", "first", "last"), [("forward", 0, 2), ("backward", 9, 10)])
def test_where_no_slice_lies_in_the_direction_there_is_nothing_to_do(
    nano: tuple[Model, Path], direction: Direction, first: int, last: int
) -> None:
    task = SweepTask({4: [bright(4)], 6: [bright(6)]}, first, last, direction=direction)
    assert task.steps == 0
    assert list(Sweeps(workspace(nano[0])).run(task)) == []


def test_a_slice_without_the_object_ends_the_sweeps_that_come_to_it() -> None:
    fixed = {4: [bright(4)], 8: [absent(8)], 13: [bright(13)], 16: [absent(16)], 18: [absent(18)]}
    task = SweepTask(fixed, 0, SLICES - 1)
    assert task.sweeps() == [range(4, -1, -1), range(4, 8), range(13, 8, -1), range(13, 16)]
    assert task.absent() == [17, 19, 20]
    assert task.steps == SLICES
    assert task.starts() == {4, 13}


def test_beyond_a_slice_without_the_object_nothing_is_found_and_nothing_remembered(
    nano: tuple[Model, Path],
    tmp_path: Path,
) -> None:
    work = Workspace(Tracker(nano[0], on_cpu()), blobs(9), pytest.fail, run_memory=RunMemory(tmp_path))
    before = volume(list(Sweeps(work).run(SweepTask({2: [bright(2)]}, 0, 8))), 9)
    assert before[0, 7:].any()
    outputs = list(Sweeps(work).run(SweepTask({2: [bright(2)], 6: [absent(6)]}, 0, 8, frozenset({6}))))
    assert [output.slice for output in outputs] == [6, 3, 4, 5, 7, 8]
    assert not volume(outputs, 9)[0, 6:].any()
    np.testing.assert_array_equal(volume(outputs, 9)[0, 3:6], before[0, 3:6])
    assert outputs[0].presence[0] < 0.01
    assert outputs[-1].presence == (0.0,)
    assert work.run_memory is not None
    assert work.run_memory.correctable("bright", 8, 15) is None
    assert work.run_memory.correctable("bright", 5, 15) is not None


def test_a_correction_uses_no_memory_from_before_what_is_forgotten(nano: tuple[Model, Path], tmp_path: Path) -> None:
    work = Workspace(Tracker(nano[0], on_cpu()), blobs(9), pytest.fail, run_memory=RunMemory(tmp_path))
    list(Sweeps(work).run(SweepTask({1: [bright(1)]}, 0, 8)))
    fixed = {1: [absent(1)], 4: [absent(4)], 7: [bright(7)], 8: [bright(8)]}
    assert SweepTask(fixed, 0, 8).absent() == [0, 2, 3]
    list(Sweeps(work).run(SweepTask(fixed, 0, 8)))
    assert work.run_memory is not None
    context = work.run_memory.correctable("bright", 7, 6)
    assert context is not None
    assert sorted(context.memory.tracked) == [-2, -1]  # slices 5 and 6, not 2 and 3


def test_an_open_slice_depends_on_its_nearer_fixed_slice_alone(nano: tuple[Model, Path]) -> None:
    work = workspace(nano[0])
    alone, beside = ({k: [bright(k)] for k in fixed} for fixed in ((3,), (3, 17)))
    expected = volume(list(Sweeps(work).run(SweepTask(alone, 0, SLICES - 1))))
    found = volume(list(Sweeps(work).run(SweepTask(beside, 0, SLICES - 1))))
    np.testing.assert_array_equal(found[:, :10], expected[:, :10])
    assert (found[:, 11:17] != expected[:, 11:17]).any()


def test_a_mask_that_was_edited_comes_out_as_it_is(nano: tuple[Model, Path]) -> None:
    work = workspace(nano[0])
    mask = work.frames[4] > 150
    assert mask.any()
    fixed = {4: [ObjectPrompt(name="bright", mask=encode_mask(mask))]}
    (output,) = Sweeps(work).run(SweepTask(fixed, 4, 4))
    np.testing.assert_array_equal(output.masks[0], mask)
