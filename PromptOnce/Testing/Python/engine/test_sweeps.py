"""Several fixed slices: equal to upstream in one direction; between two of them the nearer of two sweeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.test_masks_equal_upstream import blobs, bright, grey, nano, random_tiny  # noqa: F401
from engine.upstream import upstream_corrected, upstream_predictor
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.sweeps import Sweeps, SweepTask, confidence
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


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("model_name", ["nano", pytest.param("random_tiny", marks=pytest.mark.slow)])
def test_in_one_direction_masks_equal_upstream(request: pytest.FixtureRequest, model_name: str, case: str) -> None:
    model, config = request.getfixturevalue(model_name)
    slices, names = CASES[case]
    fixed = {k: [{"bright": bright, "grey": grey}[name](k) for name in names] for k in slices}
    work = workspace(model)

    outputs = list(Sweeps(work).run(SweepTask(fixed, 0, SLICES - 1, direction="forward")))

    expected = upstream_corrected(upstream_predictor(config, model), work.frames, fixed)
    np.testing.assert_array_equal(volume(outputs), expected)
    assert expected.any()


def test_backward_is_forward_through_the_mirrored_stack(nano: tuple[Model, Path]) -> None:  # noqa: F811
    work = workspace(nano[0])
    fixed = {20: [bright(20)], 9: [bright(9)]}
    backward = list(Sweeps(work).run(SweepTask(fixed, 0, SLICES - 1, direction="backward")))
    mirrored = Workspace(work.tracker, np.ascontiguousarray(work.frames[::-1]), pytest.fail)
    turned = {SLICES - 1 - k: objects for k, objects in fixed.items()}
    forward = list(Sweeps(mirrored).run(SweepTask(turned, 0, SLICES - 1, direction="forward")))
    np.testing.assert_array_equal(volume(backward), volume(forward)[:, ::-1])


def test_one_fixed_slice_is_propagated_as_ever(nano: tuple[Model, Path]) -> None:  # noqa: F811
    frames = blobs(41)
    work = Workspace(Tracker(nano[0], on_cpu()), frames, pytest.fail)
    swept = list(Sweeps(work).run(SweepTask({20: [bright(20)]}, 0, 40)))
    propagation = Propagation(Tracker(nano[0], on_cpu()), frames, pytest.fail)
    expected = list(propagation.run(Task([bright(20)], 20, 0, 40)))
    np.testing.assert_array_equal(volume(swept, 41), volume(expected, 41))


def test_only_what_lies_next_to_a_changed_slice_is_computed(nano: tuple[Model, Path]) -> None:  # noqa: F811
    fixed = {k: [bright(k)] for k in (3, 8, 12, 17)}
    task = SweepTask(fixed, 0, SLICES - 1, changed=frozenset({8}))
    outputs = list(Sweeps(workspace(nano[0])).run(task))
    assert [o.slice for o in outputs] == [8, 4, 5, 6, 7, 7, 6, 5, 4, 9, 10, 11, 11, 10, 9]
    assert len(outputs) == task.steps


def test_what_is_computed_again_is_what_was_computed_at_once(nano: tuple[Model, Path]) -> None:  # noqa: F811
    """The history of corrections makes no difference."""
    fixed = {k: [bright(k)] for k in (3, 8, 17)}
    work = workspace(nano[0])
    whole = volume(list(Sweeps(work).run(SweepTask(fixed, 0, SLICES - 1))))
    part = list(Sweeps(work).run(SweepTask(fixed, 0, SLICES - 1, changed=frozenset({8}))))
    for output in {o.slice: o for o in part}.values():
        np.testing.assert_array_equal(output.masks, whole[:, output.slice])


def test_the_nearer_sweep_wins_and_the_more_confident_one_halfway(
    nano: tuple[Model, Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = np.zeros((1, 4, 4), np.uint8), np.ones((1, 4, 4), np.uint8)
    scores = {5: (0.6, 0.8), 6: (0.9, 0.8), 7: (0.9, 0.8)}
    others = {5: (0.9, 0.8), 6: (0.95, 0.8), 7: (0.6, 0.8)}

    def sweep(
        _self: Sweeps, slices: range, task: SweepTask, _entries: object
    ) -> list[tuple[SliceOutput, list[object]]]:
        masks, of = (one, scores) if slices.step > 0 else (other, others)
        return [(SliceOutput(k, masks, (of[k][0],), (of[k][1],)), []) for k in task.open(slices)]

    monkeypatch.setattr(Sweeps, "_sweep", sweep)
    fixed = {4: [bright(4)], 8: [bright(8)]}
    outputs = list(Sweeps(workspace(nano[0])).run(SweepTask(fixed, 4, 8, changed=frozenset({4}))))
    final = {o.slice: (int(o.masks.max()), o.presence, o.predicted_iou) for o in outputs[1:]}
    assert final[5] == (0, (0.6,), (0.8,))
    assert final[6] == (1, (0.95,), (0.8,))  # as far from 4 as from 8
    assert final[7] == (1, (0.6,), (0.8,))
    assert [o.agreement for o in outputs[1:]] == [()] * 3 + [(0.0,)] * 3


def test_an_open_slice_depends_on_its_nearer_fixed_slice_alone(nano: tuple[Model, Path]) -> None:  # noqa: F811
    work = workspace(nano[0])
    alone, beside = ({k: [bright(k)] for k in fixed} for fixed in ((3,), (3, 17)))
    expected = volume(list(Sweeps(work).run(SweepTask(alone, 0, SLICES - 1))))
    found = volume(list(Sweeps(work).run(SweepTask(beside, 0, SLICES - 1))))
    np.testing.assert_array_equal(found[:, :10], expected[:, :10])
    assert (found[:, 11:17] != expected[:, 11:17]).any()


def test_sweeps_that_meet_say_how_far_they_agree(nano: tuple[Model, Path]) -> None:  # noqa: F811
    fixed = {k: [bright(k), grey(k)] for k in (3, 9)}
    task = SweepTask(fixed, 0, 12)
    outputs = list(Sweeps(workspace(nano[0])).run(task))
    for output in outputs:
        met = output.slice in range(4, 9) and output is not next(o for o in outputs if o.slice == output.slice)
        assert len(output.agreement) == (2 if met else 0)
        assert all(0 <= value <= 1 for value in output.agreement)
    assert max(value for output in outputs for value in output.agreement) > 0.5


def test_a_mask_that_was_edited_comes_out_as_it_is(nano: tuple[Model, Path]) -> None:  # noqa: F811
    work = workspace(nano[0])
    mask = work.frames[4] > 150
    assert mask.any()
    fixed = {4: [ObjectPrompt(name="bright", mask=encode_mask(mask))]}
    (output,) = Sweeps(work).run(SweepTask(fixed, 4, 4))
    np.testing.assert_array_equal(output.masks[0], mask)


def test_confidence_is_nothing_where_the_object_is_taken_for_absent() -> None:
    assert confidence(0.5, 1.0) == 0.0
    assert confidence(0.2, 1.0) == 0.0
    assert confidence(1.0, 0.7) == pytest.approx(0.7)
    assert confidence(0.75, 0.8) == pytest.approx(0.4)
