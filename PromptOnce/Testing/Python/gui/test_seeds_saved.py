"""Saving seeds of what was looked at, and handing them on without losing any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slicer

from gui.seed_steps import library, prompted, saved_and_chosen, type_into, unfold, user
from gui.user import User
from PromptOnceLib.seeds.library import SeedLibrary

__all__ = ["library", "user"]

pytestmark = pytest.mark.usefixtures("_fake_worker")


def confirmed_form(user: User) -> Any:
    """The form for a seed, filled in, its picture looked at."""
    form = unfold(user).form_button
    form.widget.collapsed = False
    user.wait_for_panel()
    type_into(user, form.name, "the ball")
    user.bench.click(form.confirmed)
    user.wait_for_panel()
    assert form.save.enabled
    return form


def test_a_frame_with_other_voxels_is_looked_at_again_before_it_is_saved(user: User, library: SeedLibrary) -> None:
    prompted(user)
    form = confirmed_form(user)
    array = slicer.util.arrayFromVolume(user.case.node)
    array[:, 5:15, 5:60] = 900  # as text that was burned in
    slicer.util.arrayFromVolumeModified(user.case.node)
    user.bench.click(form.save)
    user.wait_for_panel()
    assert not form.confirmed.checked
    assert not form.save.enabled
    assert "Look at the picture" in form.hint.text
    assert not user.work.engine.working
    assert library.list().seeds == ()


def test_an_export_replaces_no_file_that_nobody_was_asked_about(
    user: User, library: SeedLibrary, tmp_path: Path
) -> None:
    panel = saved_and_chosen(user)
    (tmp_path / "seeds.zip").write_text("something else")
    user.bench.dialogs.answer(str(tmp_path / "seeds"))
    user.bench.click(panel.export)
    user.wait_for_panel()
    assert panel.notice.text == "seeds.zip is there already: choose it, or another name."
    assert (tmp_path / "seeds.zip").read_text() == "something else"
    user.bench.dialogs.answer(str(tmp_path / "seeds.zip"))
    user.bench.click(panel.export)
    user.wait_for_panel()
    assert panel.notice.text == "1 seed was exported."
    assert (tmp_path / "seeds.zip").read_bytes().startswith(b"PK")


def test_what_was_imported_is_counted_whatever_others_do_to_the_library(
    user: User, library: SeedLibrary, tmp_path: Path
) -> None:
    panel = saved_and_chosen(user)
    user.bench.dialogs.answer(str(tmp_path / "seeds.zip"))
    user.bench.click(panel.export)
    library.delete("the ball")  # in another program
    user.bench.dialogs.answer(str(tmp_path / "seeds.zip"))
    user.bench.click(panel.import_)
    user.wait_for_panel()
    assert panel.notice.text == "1 seed was imported."
