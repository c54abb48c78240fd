"""A click on a slice that was propagated already is decoded as upstream does it: with memory and previous logits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.test_masks_equal_upstream import blobs, bright, grey
from engine.upstream import upstream_click, upstream_predictor
from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import Model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.stores.run_memory import RunMemory
from PromptOnceLib.engine.sweeps import Sweeps, SweepTask
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.prompts.prompt import ObjectPrompt, Point

SLICES = 21


def click(index: int, name: str = "bright", positive: bool = True) -> ObjectPrompt:
    return ObjectPrompt(name=name, points=(Point(x=45 + index, y=50, positive=positive),))


def workspace(model: Model, folder: Path) -> Propagation:
    frames = blobs(SLICES)
    return Propagation(Tracker(model, on_cpu()), frames, pytest.fail, run_memory=RunMemory(folder))


@pytest.mark.parametrize(
    ("model_name", "index"),
    [
        ("nano", 1),
        ("nano", 20),
        pytest.param("nano", 5, marks=pytest.mark.slow),
        pytest.param("random_tiny", 20, marks=pytest.mark.slow),
    ],
)
def test_a_click_equals_upstreams(request: pytest.FixtureRequest, tmp_path: Path, model_name: str, index: int) -> None:
    model, config = request.getfixturevalue(model_name)
    work = workspace(model, tmp_path)
    list(work.run(Task([bright(0)], 0, 0, SLICES - 1)))

    found = work.predict([click(index, positive=False)], index, correcting=True)

    expected = upstream_click(
        upstream_predictor(config, model), work.frames, bright(0), index, click(index, positive=False)
    )
    np.testing.assert_array_equal(found.masks[0], expected)


def test_without_a_run_and_without_the_wish_a_click_is_a_first_prompt(
    nano: tuple[Model, Path],
    tmp_path: Path,
) -> None:
    work = workspace(nano[0], tmp_path)
    first = work.predict([click(5)], 5)
    np.testing.assert_array_equal(work.predict([click(5)], 5, correcting=True).masks, first.masks)
    list(work.run(Task([bright(0)], 0, 0, SLICES - 1)))
    np.testing.assert_array_equal(work.predict([click(5)], 5).masks, first.masks)
    corrected = work.predict([click(5)], 5, correcting=True)
    assert (corrected.masks != first.masks).any()
    assert corrected.masks.any()


def test_another_object_is_not_corrected_by_this_ones_memory(nano: tuple[Model, Path], tmp_path: Path) -> None:
    work = workspace(nano[0], tmp_path)
    list(work.run(Task([bright(0)], 0, 0, SLICES - 1)))
    alone = work.predict([click(5, name="another")], 5)
    np.testing.assert_array_equal(work.predict([click(5, name="another")], 5, correcting=True).masks, alone.masks)


@pytest.mark.parametrize("points", [(), (Point(x=45, y=50, positive=False),)])
def test_a_box_says_anew_where_the_object_is(nano: tuple[Model, Path], tmp_path: Path, points) -> None:
    work = workspace(nano[0], tmp_path)
    prompt = bright(5).model_copy(update={"points": points})
    first = work.predict([prompt], 5)
    list(work.run(Task([bright(0)], 0, 0, SLICES - 1)))

    np.testing.assert_array_equal(work.predict([prompt], 5, correcting=True).masks, first.masks)


def test_after_sweeps_a_slice_is_corrected_from_the_side_that_won(
    nano: tuple[Model, Path],
    tmp_path: Path,
) -> None:
    work = workspace(nano[0], tmp_path)
    fixed = {2: [bright(2), grey(2)], 14: [bright(14), grey(14)]}
    final = {o.slice: o for o in Sweeps(work).run(SweepTask(fixed, 0, SLICES - 1))}
    assert work.run_memory is not None
    for index in (5, 8, 12):
        for number, name in enumerate(("bright", "grey")):
            found = work.run_memory.correctable(name, index, work.tracker.reach)
            assert found is not None
            mask = work.tracker.full_size_mask(found.logits, work.frames[0].shape)
            np.testing.assert_array_equal(mask.numpy(), final[index].masks[number])
            assert 0 < found.position <= 6
            assert list(found.memory.seed) == [0]
            before = [place for place in found.memory.tracked if 0 < place < found.position]
            assert found.position - 1 in before or found.position == 1
    corrected = work.predict([click(5, positive=False)], 5, correcting=True)
    assert corrected.masks.shape == (1, *work.frames[0].shape)


def test_what_was_before_a_new_run_is_forgotten(nano: tuple[Model, Path], tmp_path: Path) -> None:
    work = workspace(nano[0], tmp_path)
    list(work.run(Task([bright(0)], 0, 0, SLICES - 1)))
    list(work.run(Task([bright(10)], 10, 8, 12)))
    assert work.run_memory is not None
    assert work.run_memory.correctable("bright", 5, 15) is None
    assert work.run_memory.correctable("bright", 9, 15) is not None
    assert work.run_memory.correctable("bright", 10, 15) is None  # the prompt itself: prompted anew, not corrected
    work.run_memory.clear()
    assert not list(tmp_path.iterdir())


def test_a_click_remembers_nothing_of_what_lies_behind_the_prompted_slice(
    nano: tuple[Model, Path],
    tmp_path: Path,
) -> None:
    model, config = nano
    work, seed = workspace(model, tmp_path), 3
    list(work.run(Task([bright(seed)], seed, 0, SLICES - 1)))
    wrong = click(seed + 2, positive=False)

    found = work.predict([wrong], seed + 2, correcting=True)

    predictor = upstream_predictor(config, model)
    np.testing.assert_array_equal(found.masks[0], upstream_click(predictor, work.frames[seed:], bright(seed), 2, wrong))
