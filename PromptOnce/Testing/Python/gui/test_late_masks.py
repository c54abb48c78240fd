"""Masks that come when nobody waits for them any more are not shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import slicer

from gui.user import User
from PromptOnceLib.worker.requests_slices import PromptedMasks

pytestmark = pytest.mark.usefixtures("_fake_worker")


class Held:
    """Keeps back what the worker answers to clicks. answers: the functions that take the masks."""

    def __init__(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[tuple[Callable[..., Any], Callable[..., Any]]] = []

        def preview(_prompt: Any, on_masks: Any, on_error: Any, **_options: Any) -> None:
            self.answers.append((on_masks, on_error))

        monkeypatch.setattr(user.work.engine.session, "preview", preview)

    def answer(self, number: int = 0) -> None:
        masks = np.zeros((1, 96, 112), np.uint8)
        masks[:, 20:40, 20:40] = 1
        self.answers[number][0](PromptedMasks(masks, (0.9,), (0.8,)))


@pytest.fixture
def held(user: User, monkeypatch: pytest.MonkeyPatch) -> Held:
    """A user who waits for the mask of a box."""
    user.choose(user.load_ball())
    held = Held(user, monkeypatch)
    user.box_the_ball()
    assert len(held.answers) == 1
    return held


def shown(user: User) -> bool:
    user.wait_for_panel()
    nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    return user.work.preview.visible or any(node.GetSegmentation().GetNumberOfSegments() for node in nodes)


def test_a_mask_in_time_is_shown(user: User, held: Held) -> None:
    held.answer()
    assert shown(user)


def test_the_mask_of_a_prompt_that_was_cleared(user: User, held: Held) -> None:
    user.bench.click(user.panel.prompt.clear)
    held.answer()
    assert not shown(user)
    assert user.work.preview.scores == {}


def test_the_mask_of_a_volume_that_was_left(user: User, held: Held) -> None:
    user.choose(user.load_ball("another"))
    held.answer()
    assert not shown(user)


def test_the_mask_of_a_volume_that_was_left_and_chosen_again(user: User, held: Held) -> None:
    first = user.case.node
    user.choose(user.load_ball("another"))
    user.choose(first)
    held.answer()
    assert not shown(user) or len(held.answers) > 1


def test_the_error_of_a_prompt_that_was_cleared(user: User, held: Held) -> None:
    from PromptOnceLib.errors import WorkerError

    user.bench.click(user.panel.prompt.clear)
    held.answers[0][1](WorkerError("It failed."))
    user.wait_for_panel()
    assert user.panel.prompt.notice.text == ""


def test_the_mask_of_a_prompt_when_the_engine_went_meanwhile(user: User, held: Held, tmp_path: Any) -> None:
    user.use_private_environment(tmp_path / "engine")
    held.answer()
    assert not shown(user)
