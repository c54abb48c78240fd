"""Seeds in the panel: saved from a prompt, suggested, and cared for."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import slicer
from cli.seed_files import disk_seed

from gui.seed_steps import library, prompted, save, saved_and_chosen, texts, type_into, unfold, user
from gui.user import User, ball
from PromptOnceLib.errors import SeedError
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.matching import Match
from PromptOnceLib.seeds.reliability import RoundTrip
from PromptOnceLib.segmentation.metrics import dice

pytestmark = pytest.mark.usefixtures("_fake_worker")
__all__ = ["library", "user"]


def test_nothing_is_read_or_asked_before_the_panel_is_unfolded(user: User, library: SeedLibrary) -> None:
    library.folder.mkdir(parents=True)
    (library.folder / "broken").mkdir()
    user.choose(user.load_ball())
    assert user.work.seeds.library.matches == []
    assert user.work.notices.of("seeds") == ""
    assert not user.work.seeds.similarity.comparing


def test_a_seed_is_saved_only_with_a_name_and_the_users_word_on_its_picture(user: User, library: SeedLibrary) -> None:
    prompted(user)
    panel = unfold(user)
    form = panel.form_button
    form.widget.collapsed = False
    user.wait_for_panel()
    assert form.picture.visible
    user.bench.wait_until(lambda: form.larger.height >= form.larger.sizeHint.height(), "the form to take its room")
    user.bench.click(form.larger)
    assert (form.window.widget().pixmap.width(), form.window.widget().pixmap.height()) == (112, 96)
    assert not form.save.enabled
    type_into(user, form.name, "the ball")
    assert not form.save.enabled
    user.bench.click(form.confirmed)
    assert form.save.enabled
    user.case.objects.use_slice(1)
    user.work.current.edited()
    user.wait_for_panel()
    assert not form.confirmed.checked, "another frame has to be looked at anew"
    assert not form.save.enabled
    assert library.list().seeds == ()


@pytest.mark.parametrize("filled", [False, True])
def test_every_row_of_the_form_has_its_height_in_a_narrow_low_panel(
    user: User, library: SeedLibrary, filled: bool
) -> None:
    library.save(disk_seed())
    prompted(user)
    for part in user.panel.panels:
        part.widget.collapsed = part is not user.panel.seeds
    form = unfold(user).form_button
    area = slicer.util.mainWindow().findChild("QScrollArea", "ModulePanel")
    user.bench.resize_panel(420, 460)
    form.widget.collapsed = False
    if filled:  # nothing is left to say then, and no text that wraps asks for more height by itself
        type_into(user, form.name, "the ball")
        user.bench.click(form.confirmed)
    user.wait_for_panel()
    user.bench.settle()
    assert area.viewport().width <= 420
    assert bool(form.hint.text) is not filled
    rows = [form.name, *form.edits.values(), form.picture, form.larger, form.confirmed, form.save]
    assert [row.height >= row.sizeHint.height() for row in rows] == [True] * len(rows)
    assert filled or form.hint.height >= form.hint.heightForWidth(form.hint.width)
    assert form.widget.width <= area.viewport().width
    assert area.verticalScrollBar().maximum > 0


def test_a_sentence_that_wraps_takes_no_room_from_the_rows_above_it(user: User, library: SeedLibrary) -> None:
    library.save(disk_seed())
    user.choose(user.load_ball())
    for part in user.panel.panels:
        part.widget.collapsed = part is not user.panel.seeds
    panel = unfold(user)
    words = '"the ball": Dice 0.675 after a round trip: poor. Masks made from this seed will probably be wrong: '
    user.work.notices.say("seeds", words + "draw a better seed, or check them all.")
    user.wait_for_panel()
    user.bench.settle()
    assert panel.notice.height >= panel.notice.heightForWidth(panel.notice.width)
    rows = [panel.scanner, panel.target, panel.list, panel.start, panel.by, panel.selected_only, panel.apply]
    for upper, lower in pairwise(rows):
        assert upper.y + upper.height <= lower.y


def test_a_poor_round_trip_is_said_once_in_the_list(user: User, library: SeedLibrary) -> None:
    seed = disk_seed()
    trip = RoundTrip(dice=(0.69,), date=seed.record.date)
    library.save(replace(seed, record=seed.record.model_copy(update={"round_trip": trip})))
    match = Match(library.list().seeds[0], 0.5, ("other scanner", "poor round trip (Dice 0.69)"), usable=True)
    unfold(user)
    user.work.seeds.library.matches = [match]
    user.work.seeds.library.changed()
    user.wait_for_panel()
    assert texts(user)[0].count("0.69") == 1
    assert texts(user)[0].count("round trip") == 1


def test_a_saved_seed_holds_prompt_mask_words_and_the_figure_of_its_round_trip(
    user: User, library: SeedLibrary
) -> None:
    volume = prompted(user)
    unfold(user)
    type_into(user, user.panel.seeds.scanner, "CT 2")
    save(user, target="ball", author="me", licence="CC0", note="generated")
    (seed,) = library.list().seeds
    record = seed.record
    assert (record.name, record.target, record.author, record.licence) == ("the ball", "ball", "me", "CC0")
    assert (record.scanner_name, record.note, record.model.name) == ("CT 2", "generated", "nano")
    assert volume.GetAttribute("PromptOnce.Scanner") == "CT 2"
    assert record.frame_confirmed
    assert dice(seed.masks[0], ball(4)[2]) > 0.9
    assert record.round_trip is not None
    assert f"Dice {record.round_trip.worst:.3f} after a round trip" in user.panel.seeds.notice.text
    assert user.panel.seeds.form_button.widget.collapsed
    assert "CT 2; round trip" in texts(user)[0]


def test_a_correction_of_the_result_by_hand_is_the_mask_that_is_saved(user: User, library: SeedLibrary) -> None:
    volume = prompted(user)
    user.propagate()
    user.wait_for_run()
    writer = user.work.runs.writer
    mask = user.result().astype(np.uint8)
    mask[2] = 0
    mask[2, 40:50, 50:60] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, writer.node, writer.segment_ids[0], volume)
    save(user)
    assert np.array_equal(library.get("the ball").masks[0], mask[2] > 0)


def test_likeness_of_several_seeds_is_computed_in_the_background_and_kept(user: User, library: SeedLibrary) -> None:
    prompted(user)
    save(user, "first")
    save(user, "second")
    user.bench.wait_until(lambda: user.work.seeds.similarity.values, "the similarity", 90)
    user.wait_for_panel()
    assert all("similarity of the frames 1.00" in text for text in texts(user))
    assert len(list((library.folder / "features").rglob("*.npy"))) == 2


def test_seeds_are_renamed_noted_deleted_brought_back_exported_and_imported(
    user: User, library: SeedLibrary, tmp_path: Path
) -> None:
    panel = saved_and_chosen(user)
    type_into(user, panel.name, "renamed")
    type_into(user, panel.note, "a note")
    record = library.get("renamed").record
    assert record.note == "a note"
    user.bench.dialogs.answer(str(tmp_path / "seeds"))
    user.bench.click(panel.export)
    assert (tmp_path / "seeds.zip").is_file()
    user.bench.click(panel.delete)
    user.wait_for_panel()
    assert library.list().seeds == ()
    assert "holds no seed yet" in panel.empty.text
    user.bench.click(panel.undo)
    assert library.get("renamed").id == record.id
    user.bench.dialogs.answer(str(tmp_path / "seeds.zip"))
    user.bench.click(panel.import_)
    assert [seed.name for seed in library.list().seeds] == ["renamed", "renamed (2)"]
    user.wait_for_panel()
    assert "1 seed was imported" in panel.notice.text
    user.bench.dialogs.answer(str(tmp_path / "nothing.zip"))
    user.bench.click(panel.import_)
    user.wait_for_panel()
    assert "nothing.zip cannot be opened" in panel.notice.text


def test_a_broken_entry_is_said_and_another_folder_can_be_chosen(
    user: User, library: SeedLibrary, tmp_path: Path
) -> None:
    broken = library.folder / ("ab" * 16)
    broken.mkdir(parents=True)
    (broken / "seed.json").write_text("{}")
    panel = unfold(user)
    assert "was left out" in panel.notice.text
    panel.care.collapsed = False
    panel.folder.directorySelected.emit(str(tmp_path / "elsewhere"))
    user.wait_for_panel()
    assert panel.notice.text == ""
    assert user.work.seeds.library.library.folder == tmp_path / "elsewhere"
    import qt

    assert qt.QSettings().value("PromptOnce/seeds_folder") == str(tmp_path / "elsewhere")


def test_another_volume_ends_a_round_trip_and_the_seed_stays(user: User, library: SeedLibrary) -> None:
    prompted(user, slices=40)
    panel = unfold(user)
    panel.form_button.widget.collapsed = False
    user.wait_for_panel()
    type_into(user, panel.form_button.name, "the ball")
    user.bench.click(panel.form_button.confirmed)
    user.bench.click(panel.form_button.save)
    assert user.work.engine.working
    user.choose(user.load_ball("another", slices=5))
    assert not user.work.engine.working
    assert library.get("the ball").record.round_trip is None
    with pytest.raises(SeedError, match="already"):
        library.check_free("the ball")
