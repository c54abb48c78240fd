"""Marks that are kept on further slices: they prompt the run, and boxes between them can be interpolated."""

from __future__ import annotations

import numpy as np
import pytest

from gui.user import User
from PromptOnceLib.errors import PromptError
from PromptOnceLib.mrml.prompts.kept_slices import KeptSlices
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet

FIRST, LAST = 5, 8


@pytest.fixture
def marked(user: User) -> User:
    """A ball with its box kept on slice 5, and moved to slice 8."""
    user.choose(user.load_ball())
    user.box_the_ball()
    panel = user.panel.prompt
    assert (user.case.objects.seed, panel.forget.text, panel.forget.enabled) == (FIRST, "Forget", False)
    user.bench.click(panel.keep)
    user.wait_for_panel()
    objects = user.case.objects
    objects.draw(objects.marked, LAST)
    user.work.current.edited()
    user.wait_for_panel()
    return user


@pytest.mark.usefixtures("_fake_worker")
def test_kept_marks_and_those_of_the_prompted_slice_prompt_the_run_together(marked: User) -> None:
    assert marked.panel.prompt.forget.text == f"Forget slice {FIRST}"
    marked.propagate()
    marked.wait_for_run()
    prompt = marked.work.runs.run.case.prompt
    assert isinstance(prompt, PromptSet)
    assert [(item.name, item.indices) for item in prompt.objects] == [("object", (FIRST, LAST))]
    assert marked.result().any(axis=(1, 2)).all(), "what lies beyond both is tracked"


@pytest.mark.parametrize("between", ["interpolate", "both"])
def test_interpolated_boxes_end_the_object(marked: User, between: str) -> None:
    marked.panel.run.options.collapsed = False
    marked.pick(marked.panel.run.between, between)
    marked.propagate()
    marked.wait_for_run()
    assert np.flatnonzero(marked.result().any(axis=(1, 2))).tolist() == [5, 6, 7, 8]
    assert marked.work.runs.job.result.ways_of("object").between == between


@pytest.mark.usefixtures("_fake_worker")
def test_what_is_forgotten_prompts_nothing_and_one_box_is_too_few(marked: User) -> None:
    marked.bench.click(marked.panel.prompt.forget)
    marked.wait_for_panel()
    assert marked.panel.prompt.forget.text == "Forget"
    marked.pick(marked.panel.run.between, "interpolate")
    marked.propagate()
    marked.wait_for_run()
    assert "only one is prompted" in marked.panel.run.notice.text


@pytest.mark.usefixtures("_fake_worker")
def test_they_belong_to_the_volume_and_the_axis(marked: User) -> None:
    case = marked.case
    assert KeptSlices(case.node, case.axis).slices == [FIRST]
    assert KeptSlices(case.node, (case.axis + 1) % 3).slices == []
    prompt, keys = case.kept.joined(Prompt(slice=FIRST, objects=case.prompt.objects), case.objects.marked)
    assert isinstance(prompt, Prompt), "the marks of one slice are an ordinary prompt"
    assert keys == case.objects.keys
    case.node.SetAttribute("PromptOnce.KeptPrompts", "{}")
    assert case.kept.slices == []
    with pytest.raises(PromptError, match="no prompt yet"):
        case.kept.joined(None, {})
