"""The line that says with which model the panel works, and its button."""

from __future__ import annotations

from typing import Any

import pytest

from gui.test_engine_panel import PretendRunner
from gui.user import User


def lamp(user: User) -> str:
    """What the colour of the lamp says."""
    from PromptOnceLib.gui.engine.model_line import BUSY, MISSING, READY

    user.wait_for_panel()
    style = str(user.panel.model.lamp.styleSheet)
    return {READY: "ready", BUSY: "busy", MISSING: "missing"}[next(c for c in (READY, BUSY, MISSING) if c in style)]


def test_the_demonstration_model_is_called_one_and_its_button_gets_a_better_one(user: User, tmp_path: Any) -> None:
    user.work.engine.choose(models_folder=str(tmp_path))
    runner = PretendRunner()
    user.work.tasks._runner = runner
    assert lamp(user) == "ready"
    assert user.panel.model.text.text == "nano on the processor: demonstration model, for research only"
    assert user.panel.model.button.text == "Get tiny (156 MB)"
    user.bench.click(user.panel.model.button)
    assert lamp(user) == "busy"
    assert runner.command[-2] == "tiny"
    assert user.panel.engine.bar.visible
    runner.end(0)
    user.wait_for_panel()
    assert user.work.engine.preferences.model == "tiny"


def test_a_better_model_that_is_here_is_taken_and_a_damaged_file_is_said(user: User, tmp_path: Any) -> None:
    from PromptOnceLib.models.registry import load_registry

    entry = load_registry().get("small")
    with (tmp_path / entry.file).open("wb") as sparse:
        sparse.truncate(entry.bytes)
    user.work.engine.choose(models_folder=str(tmp_path), model="nano")
    user.wait_for_panel()
    assert user.panel.model.button.text == "Use SAM 2.1 small"
    user.bench.click(user.panel.model.button)
    user.wait_for_panel()
    assert user.work.engine.preferences.model == "small"
    assert "download it again" in user.panel.model.text.text


def test_a_download_that_fails_leaves_the_model(user: User, tmp_path: Any) -> None:
    user.work.engine.choose(models_folder=str(tmp_path))
    runner = PretendRunner()
    user.work.tasks._runner = runner
    user.wait_for_panel()
    user.bench.click(user.panel.model.button)
    runner.end(1)
    assert lamp(user) == "ready"
    assert user.work.engine.preferences.model == "auto"


def test_without_a_choice_the_best_model_on_the_computer_is_taken(user: User, tmp_path: Any) -> None:
    user.work.engine.choose(models_folder=str(tmp_path))
    user.wait_for_panel()
    assert user.panel.model.text.text.startswith("nano on")
    assert "demonstration model" in user.panel.model.text.text
    from PromptOnceLib.models.registry import load_registry

    entry = load_registry().get("large")
    with (tmp_path / entry.file).open("wb") as sparse:
        sparse.truncate(entry.bytes)
    assert user.work.engine._choice.entry == entry
    user.work.engine.choose(model="nano")
    assert user.work.engine._choice.entry.name == "nano"


@pytest.mark.parametrize(("kind", "button"), [("private", "Install the engine ..."), ("existing", "Settings ...")])
def test_a_missing_engine_is_red_and_says_what_is_missing(user: User, tmp_path: Any, kind: str, button: str) -> None:
    user.work.engine.choose(kind=kind, engine_folder=str(tmp_path))
    assert lamp(user) == "missing"
    assert user.panel.model.text.text == user.work.engine.missing().sentence
    assert user.panel.model.button.text == button
