"""What a user does in the panel Seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gui.user import User
from PromptOnceLib.seeds.library import SeedLibrary

__all__ = [
    "apply",
    "choose_entries",
    "library",
    "prompted",
    "save",
    "saved_and_chosen",
    "texts",
    "type_into",
    "unfold",
    "user",
]


@pytest.fixture
def library(bench: Any, tmp_path: Path) -> SeedLibrary:
    """An empty library of this test, which the panel is going to use."""
    import qt

    folder = tmp_path / "library"
    qt.QSettings().setValue("PromptOnce/seeds_folder", str(folder))
    return SeedLibrary(folder)


@pytest.fixture
def user(library: SeedLibrary, bench: Any) -> User:
    import qt

    qt.QSettings().setValue("PromptOnce/kind", "own")
    qt.QSettings().setValue("PromptOnce/device", "cpu")
    return User(bench)


def unfold(user: User) -> Any:
    """The panel Seeds, open."""
    panel = user.panel.seeds
    panel.widget.collapsed = False
    user.wait_for_panel()
    return panel


def type_into(user: User, edit: Any, text: str) -> None:
    edit.clear()
    user.bench.type_text(edit, text)
    edit.editingFinished.emit()
    edit.clearFocus()
    user.wait_for_panel()


def prompted(user: User, **options: Any) -> Any:
    """A volume with a box around its ball, and its mask."""
    volume = user.load_ball(**{"slices": 4, **options})
    user.choose(volume)
    user.panel.prompt.name.text = "ball"
    user.panel.prompt.name.editingFinished.emit()
    user.box_the_ball()
    user.wait_for_mask()
    return volume


def saved_and_chosen(user: User) -> Any:
    """The panel Seeds with one saved seed, which is chosen, and what can be done with it unfolded."""
    prompted(user)
    save(user)
    panel = user.panel.seeds
    panel.care.collapsed = False
    choose_entries(user, 0)
    return panel


def save(user: User, name: str = "the ball", **words: str) -> None:
    """Fill in the form and press Save; waits for the round trip."""
    panel = unfold(user)
    form = panel.form_button
    form.widget.collapsed = False
    user.wait_for_panel()
    type_into(user, form.name, name)
    for word, text in words.items():
        type_into(user, form.edits[word], text)
    user.bench.click(form.confirmed)
    user.bench.click(form.save)
    user.bench.wait_until(lambda: not user.work.engine.working, "the round trip", 90)
    user.wait_for_panel()


def choose_entries(user: User, *rows: int) -> None:
    panel = user.panel.seeds
    panel.list.clearSelection()
    for number in rows:
        panel.list.item(number).setSelected(True)
    user.wait_for_panel()


def texts(user: User) -> list[str]:
    entries = user.panel.seeds.list
    return [entries.item(number).text() for number in range(entries.count)]


def apply(user: User) -> None:
    user.bench.click(user.panel.seeds.apply)
    user.bench.wait_until(lambda: not user.work.engine.working, "the end of the run and its round trip", 90)
    user.wait_for_panel()
