"""Seeds in the panel: saved from a prompt, suggested, applied to another volume, and cared for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from cli.seed_files import disk_seed

from gui.user import User, ball
from PromptOnceLib.core.errors import SeedError
from PromptOnceLib.core.metrics import dice
from PromptOnceLib.core.seeds.library import SeedLibrary


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
    user.bench.wait_until(lambda: not user.work.seeding.working, "the round trip", 90)
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
    user.bench.wait_until(lambda: not user.work.working, "the end of the run and its round trip", 90)
    user.wait_for_panel()


def test_nothing_is_read_or_asked_before_the_panel_is_unfolded(user: User, library: SeedLibrary) -> None:
    library.folder.mkdir(parents=True)
    (library.folder / "broken").mkdir()
    user.choose(user.load_ball())
    assert user.work.seeding.matches == []
    assert user.work.notices.get("seeds", "") == ""
    assert not user.work.seeding.likeness.comparing


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
    user.work.objects.use_slice(1)
    user.work.edited()
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
    slicer.util.mainWindow().resize(920, 500)
    form.widget.collapsed = False
    if filled:  # nothing is left to say then, and no text that wraps asks for more height by itself
        type_into(user, form.name, "the ball")
        user.bench.click(form.confirmed)
    user.wait_for_panel()
    for _turn in range(20):  # of the event loop: each tells one more widget that the one in it has grown
        user.bench.process_events()
    assert area.viewport().width <= 420
    assert form.hint.visible is not filled
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
    user.work.say("seeds", words + "draw a better seed, or check them all.")
    user.wait_for_panel()
    for _turn in range(20):  # of the event loop
        user.bench.process_events()
    assert panel.notice.height >= panel.notice.heightForWidth(panel.notice.width)
    rows = [panel.scanner, panel.target, panel.list, panel.start, panel.by, panel.selected_only, panel.apply]
    for upper, lower in pairwise(rows):
        assert upper.y + upper.height <= lower.y


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
    writer = user.work.propagating.writer
    mask = user.result().astype(np.uint8)
    mask[2] = 0
    mask[2, 40:50, 50:60] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, writer.node, writer.segment_ids[0], volume)
    save(user)
    assert np.array_equal(library.get("the ball").masks[0], mask[2] > 0)


def test_a_seed_is_applied_to_another_volume_and_its_prompt_can_be_corrected(user: User) -> None:
    prompted(user)
    save(user, target="ball")
    other = user.load_ball("another", slices=6)
    user.choose(other)
    assert "same spacing" in texts(user)[0]
    choose_entries(user, 0)
    apply(user)
    assert user.work.propagating.run.case.prompt.label == "the ball"
    assert dice(user.result(), ball(6)) > 0.7
    assert "round trip of the seed through this image" in user.panel.seeds.notice.text
    segmentation = user.work.propagating.writer.node.GetSegmentation()
    assert [segmentation.GetNthSegment(0).GetName(), segmentation.GetNumberOfSegments()] == ["ball", 1]

    (item,) = user.work.read_prompt().objects
    rows, columns = np.nonzero(user.result()[3])
    assert user.work.objects.seed == 3
    assert (item.box.x0, item.box.y0) == pytest.approx((columns.min(), rows.min()), abs=0.01)
    assert [point.positive for point in item.points] == [True]
    user.draw_box(26, 18, 86, 78)
    user.bench.wait_until(lambda: abs(user.work.read_prompt().objects[0].box.x0 - 26) < 0.4, "the corrected box")
    user.propagate()
    user.wait_for_run()
    assert segmentation.GetNumberOfSegments() == 1
    user.bench.click(user.panel.run.undo)
    assert dice(user.result(), ball(6)) > 0.7, "the run of the seed is there again"


def test_a_seed_goes_into_the_selected_object_and_starts_where_the_view_is(user: User) -> None:
    prompted(user)
    save(user)
    user.choose(user.load_ball("another", slices=5))
    user.panel.prompt.name.text = "mine"
    user.panel.prompt.name.editingFinished.emit()
    panel = user.panel.seeds
    choose_entries(user, 0)
    user.bench.click(panel.selected_only)
    assert panel.selected_only.text.endswith("(mine)")
    user.pick(panel.start, "shown")
    user.pick(panel.by, "mask")
    from PromptOnceLib.gui import views

    views.go_to_slice(user.work.image.grid, 3)
    apply(user)
    case = user.work.propagating.run.case
    assert case.prompt.slice == 3
    assert case.prompt.frames[0].objects[0].mask is not None
    assert [nodes.name for nodes in user.work.objects.objects] == ["mine"]
    segment_id = user.work.propagating.writer.segment_ids[0]
    assert user.work.propagating.writer.node.GetSegmentation().GetSegment(segment_id).GetName() == "mine"


def test_the_slice_most_like_the_seeds_can_be_looked_for_and_that_can_be_cancelled(user: User) -> None:
    volume = prompted(user)
    save(user)
    # The seed's own frame, on another slice.
    array = slicer.util.arrayFromVolume(volume).copy()
    array[[1, 2]] = array[[2, 1]]
    matrix = slicer.util.vtkMatrixFromArray(np.diag([-1.0, -1.0, 3.0, 1.0]))
    user.choose(slicer.util.addVolumeFromArray(array, matrix, "swapped"))
    choose_entries(user, 0)
    user.pick(user.panel.seeds.start, "alike")
    user.bench.click(user.panel.seeds.apply)
    assert user.work.seeding.applying.looking
    user.wait_for_panel()
    user.bench.click(user.panel.seeds.cancel)
    user.bench.wait_until(lambda: not user.work.working, "the cancel", 90)
    assert user.work.propagating.run is None
    user.wait_for_panel()
    assert "Cancelled" in user.panel.seeds.notice.text
    apply(user)
    assert user.work.propagating.run.case.prompt.slice == 1


def test_likeness_of_several_seeds_is_computed_in_the_background_and_kept(user: User, library: SeedLibrary) -> None:
    prompted(user)
    save(user, "first")
    save(user, "second")
    user.bench.wait_until(lambda: user.work.seeding.likeness.values, "the likeness", 90)
    user.wait_for_panel()
    assert all("likeness of the frames 1.00" in text for text in texts(user))
    assert len(list((library.folder / "features").rglob("*.npy"))) == 2


def test_a_seed_of_another_plane_says_so_and_cannot_be_applied(user: User) -> None:
    prompted(user)
    save(user)
    user.choose(
        user.load_ball("coronal", matrix=np.array([[-1.0, 0, 0, 0], [0, 0, 3, 0], [0, -1, 0, 0], [0, 0, 0, 1]]))
    )
    choose_entries(user, 0)
    assert "Does not fit: other plane" in texts(user)[0]
    assert not user.panel.seeds.apply.enabled


def test_seeds_are_renamed_noted_deleted_brought_back_exported_and_imported(
    user: User, library: SeedLibrary, tmp_path: Path
) -> None:
    prompted(user)
    save(user)
    panel = user.panel.seeds
    panel.care.collapsed = False
    choose_entries(user, 0)
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
    assert "1 seeds were imported" in panel.notice.text
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
    assert user.work.seeding.library.folder == tmp_path / "elsewhere"
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
    assert user.work.seeding.working
    user.choose(user.load_ball("another", slices=5))
    assert not user.work.seeding.working
    assert library.get("the ball").record.round_trip is None
    with pytest.raises(SeedError, match="already"):
        library.check_free("the ball")
