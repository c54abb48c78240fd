"""Prompts in the panel without any engine: tools, objects, undo, prompted slice, axis, saving."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

pytestmark = pytest.mark.usefixtures("_fake_worker")
OBLIQUE = np.array([[0.8, -0.36, 0.48], [0.6, 0.48, -0.64], [0.0, 0.8, 0.6]])


@pytest.fixture
def alone(user, tmp_path):
    """A user without an engine, who has chosen a volume."""
    user.use_private_environment(tmp_path / "engine")
    user.choose(user.load_ball())
    return user


def points(user):
    prompt = user.prompt
    return [] if prompt is None else [p for item in prompt.objects for p in item.points]


def add_point(user, x, y, tool="positive"):
    button = user.panel.prompt.tools[tool]
    count = len(points(user))
    user.bench.click(button)
    user.click_at(x, y)
    user.bench.click(button)
    user.bench.wait_until(lambda: len(points(user)) == count + 1 and not settling(user))


def settling(user):
    """Whether an edit has not been taken in yet."""
    return not user.case.objects.settled


def test_a_volume_chosen_is_shown_turned_to_its_grid_on_its_central_slice(user):
    from PromptOnceLib.gui.volume import slice_views

    matrix = np.eye(4)
    matrix[:3, :3] = OBLIQUE * [1.0, 1.0, 3.0]
    node = user.load_ball(matrix=matrix)
    user.choose(node)
    assert slice_views.is_shown(node)
    assert slice_views.shown_slice(user.case.image.grid) == 5
    assert user.panel.volume.seed_text.text == "Prompted slice: 5"
    assert not user.panel.volume.picture.pixmap.isNull()


@pytest.mark.parametrize("oblique", [False, True])
def test_clicks_land_on_the_pixels_that_the_view_shows(user, tmp_path, oblique):
    user.use_private_environment(tmp_path / "engine")
    matrix = np.eye(4)
    matrix[:3, :3] = (OBLIQUE if oblique else np.diag([-1.0, -1.0, 1.0])) * [1.0, 1.0, 3.0]
    user.choose(user.load_ball(matrix=matrix))
    add_point(user, 40, 30)
    assert np.allclose([points(user)[0].x, points(user)[0].y], [40, 30], atol=0.3)
    user.draw_box(26, 18, 86, 78)
    user.bench.wait_until(lambda: user.prompt.objects[0].box is not None)
    box = user.prompt.objects[0].box
    assert np.allclose((box.x0, box.y0, box.x1, box.y1), (26, 18, 86, 78), atol=0.3)


def test_point_tools_stay_until_they_are_put_away_and_the_box_tool_puts_itself_away(alone):
    panel = alone.panel.prompt
    alone.bench.click(panel.tools["positive"])
    alone.click_at(40, 40)
    alone.click_at(50, 40)
    assert panel.tools["positive"].checked
    alone.bench.click(panel.tools["negative"])
    alone.click_at(10, 10)
    assert not panel.tools["positive"].checked
    alone.bench.click(panel.tools["negative"])
    assert alone.work.editor.tool is None
    assert [p.positive for p in points(alone)] == [True, True, False]
    alone.draw_box(26, 18, 86, 78)
    alone.wait_for_panel()
    assert not panel.tools["box"].checked


def test_a_point_dragged_off_the_prompted_slice_is_put_back_with_a_notice(alone):
    add_point(alone, 40, 30)
    said = []
    work = alone.work
    work.notices.changed.connect(lambda _part: said.append(work.notices.of("prompt")))
    node = alone.case.objects.selected.node("positive")
    node.SetNthControlPointPositionWorld(0, *alone.place(41, 31, index=8))
    node.InvokeCustomModifiedEvent(node.PointEndInteractionEvent)

    def where():
        return alone.case.image.grid.from_world(node.GetNthControlPointPositionWorld(0))

    alone.bench.wait_until(lambda: np.allclose(where(), (5, 41, 31), atol=0.01), "the point on its slice")
    alone.bench.wait_until(lambda: any("was not on slice 5" in sentence for sentence in said), "the notice")


def test_the_first_mark_on_another_slice_makes_that_the_prompted_slice(alone):
    from PromptOnceLib.gui.volume import slice_views

    slice_views.go_to_slice(alone.case.image.grid, 7)
    alone.bench.click(alone.panel.prompt.tools["positive"])
    alone.bench.mouse("Red").click_ras(alone.place(40, 30, index=7))
    alone.bench.wait_until(lambda: alone.case.objects.seed == 7)
    assert alone.prompt.slice == 7


def test_the_slice_shown_becomes_the_prompted_slice_and_takes_the_prompt_along(alone):
    from PromptOnceLib.gui.volume import slice_views

    add_point(alone, 40, 30)
    slice_views.go_to_slice(alone.case.image.grid, 3)
    alone.bench.click(alone.panel.volume.use_shown)
    assert alone.prompt.slice == 3
    assert alone.panel.volume.seed_text.text == "Prompted slice: 3"
    slice_views.go_to_slice(alone.case.image.grid, 9)
    alone.bench.click(alone.panel.volume.seed)
    assert slice_views.shown_slice(alone.case.image.grid) == 3


def test_edits_are_undone_and_redone_one_by_one(alone):
    panel = alone.panel.prompt
    add_point(alone, 40, 30)
    add_point(alone, 50, 30, "negative")
    alone.bench.click(panel.undo)
    assert len(points(alone)) == 1
    alone.bench.click(panel.undo)
    assert alone.prompt is None
    assert not panel.undo.enabled
    alone.bench.click(panel.redo)
    alone.bench.press_keys("Ctrl+Shift+Y")
    assert [p.positive for p in points(alone)] == [True, False]
    alone.bench.click(panel.clear)
    assert alone.prompt is None
    alone.bench.press_keys("Ctrl+Shift+Z")
    assert len(points(alone)) == 2


def test_a_box_is_kept_when_drawing_another_one_is_given_up(alone):
    alone.box_the_ball()
    before = alone.prompt
    alone.bench.click(alone.panel.prompt.tools["box"])
    alone.click_at(10, 10)
    alone.bench.click(alone.panel.prompt.tools["box"])
    alone.bench.wait_until(lambda: alone.prompt is not None, "the old box")
    box, old = alone.prompt.objects[0].box, before.objects[0].box
    assert np.allclose((box.x0, box.y0, box.x1, box.y1), (old.x0, old.y0, old.x1, old.y1), atol=0.001)


def test_shortcuts_work_only_while_the_module_is_open(alone):
    alone.bench.press_keys("Ctrl+Shift+P")
    assert alone.work.editor.tool == "positive"
    alone.bench.leave_module()
    assert alone.work.editor.tool is None
    alone.bench.press_keys("Ctrl+Shift+P")
    assert alone.work.editor.tool is None
    assert "Ctrl+Shift+P" in alone.panel.keys.text


def test_shortcuts_leave_a_text_field_its_own_keys(alone):
    add_point(alone, 40, 30)
    name = alone.panel.prompt.name
    alone.bench.type_text(name, "s")
    assert name.hasFocus()
    alone.bench.press_keys("Ctrl+Shift+Z")
    assert len(points(alone)) == 1


def test_another_mode_of_the_mouse_is_left_alone_when_the_module_is_left(alone):
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SetCurrentInteractionMode(interaction.AdjustWindowLevel)
    alone.bench.leave_module()
    assert interaction.GetCurrentInteractionMode() == interaction.AdjustWindowLevel
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)


def test_objects_have_names_and_colors_of_their_own(alone):
    add_point(alone, 40, 30)
    alone.bench.click(alone.panel.prompt.add)
    add_point(alone, 10, 10)
    first, second = alone.prompt.objects
    assert (first.name, second.name) == ("object", "object 2")
    assert first.color != second.color
    alone.panel.prompt.name.text = "object"
    alone.panel.prompt.name.editingFinished.emit()
    assert alone.prompt.objects[1].name == "object 2"
    alone.bench.click(alone.panel.prompt.remove)
    assert [item.name for item in alone.prompt.objects] == ["object"]


def test_another_axis_has_prompts_of_its_own(alone):
    add_point(alone, 40, 30)
    alone.pick(alone.panel.volume.axis, "j")
    assert alone.prompt is None
    assert "96 slices along j" in alone.panel.volume.axis_text.text
    assert "chosen by the user" in alone.panel.volume.axis_text.text
    alone.pick(alone.panel.volume.axis, "auto")
    assert len(points(alone)) == 1


def test_two_volumes_keep_their_prompts_apart(alone):
    first = alone.case.image.node
    add_point(alone, 40, 30)
    alone.choose(alone.load_ball("second"))
    assert alone.prompt is None
    alone.choose(first)
    assert np.allclose([points(alone)[0].x, points(alone)[0].y], [40, 30], atol=0.3)


def test_a_volume_that_cannot_be_segmented_is_refused_with_the_reason(alone):
    node = alone.load_ball("bent")
    node.SetAndObserveTransformNodeID(bending_transform().GetID())
    alone.choose(node)
    assert "not linear" in alone.panel.volume.notice.text
    assert not alone.panel.prompt.tools["box"].enabled


def bending_transform():
    from mrml.volumes import add_bending_transform

    return add_bending_transform()


def test_prompts_and_choices_survive_saving_and_loading_the_scene(alone, tmp_path):
    add_point(alone, 40, 30)
    alone.pick(alone.panel.volume.window, "bone")
    alone.panel.run.overwrite.setChecked(True)
    path = str(tmp_path / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(path, None)
    slicer.mrmlScene.Clear(0)
    assert alone.prompt is None
    assert slicer.mrmlScene.ReadFromMRB(path, True, None)
    alone.wait_for_panel()
    assert alone.case.image.node.GetName() == "ball"
    assert np.allclose([points(alone)[0].x, points(alone)[0].y], [40, 30], atol=0.3)
    assert alone.panel.volume.window.currentText.startswith("CT bone")
    assert alone.panel.run.overwrite.checked
    add_point(alone, 50, 30)
    assert len(points(alone)) == 2
