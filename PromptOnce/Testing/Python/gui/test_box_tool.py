"""The box tool: press and drag, or two clicks; the same box either way, wherever the image lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from gui.user import User

pytestmark = pytest.mark.usefixtures("_fake_worker")

Corners = tuple[float, float, float, float]
BALL: Corners = (26, 18, 86, 78)
OBLIQUE = np.array([[0.8, -0.36, 0.48], [0.6, 0.48, -0.64], [0.0, 0.8, 0.6]])
ROTATED = np.array([[0.0, -1.0, 0.0, 5.0], [0.6, 0.0, -0.8, -9.0], [0.8, 0.0, 0.6, 3.0], [0.0, 0.0, 0.0, 1.0]])
SCALED = np.diag([1.3, 0.8, 2.0, 1.0])


def placed(directions: Any) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(directions) * [1.0, 1.0, 3.0]
    return matrix


@pytest.fixture
def alone(user: User, tmp_path: Any) -> User:
    """A user without an engine, who has chosen a volume."""
    user.use_private_environment(tmp_path / "engine")
    user.choose(user.load_ball())
    return user


@pytest.fixture(autouse=True)
def _nothing_in_slicers_error_log(capfd: Any) -> Iterator[None]:
    yield
    assert "ERR|" not in capfd.readouterr().err


def corners(user: User) -> Corners | None:
    """Of the selected object's box, as it was taken in."""
    marked = user.case.prompt
    box = None if marked is None else marked.objects[0].box
    return None if box is None else (box.x0, box.y0, box.x1, box.y1)


def roi(user: User) -> Any:
    return user.case.selected.node("box")


def shown(user: User) -> Corners | None:
    """Of the box in the views, whether it was taken in or not."""
    found = user.case.selected.read()
    box = None if found is None else found.box
    return None if box is None else (box.x0, box.y0, box.x1, box.y1)


def use_working_view(user: User) -> None:
    from PromptOnceLib.gui.volume import slice_views

    user.view = slice_views.working_view(user.case.image.grid).GetLayoutName()


def draw(user: User, way: Callable[..., None], box: Corners) -> Corners:
    """Draw a box, look at it, and take it away again."""
    way(*box)
    user.bench.wait_until(lambda: corners(user) is not None, "the box")
    user.wait_for_panel()
    assert user.work.editor.tool is None
    found = corners(user)
    assert found is not None
    user.bench.click(user.panel.prompt.clear)
    user.wait_for_panel()
    return found


@pytest.mark.parametrize(
    ("directions", "parent"),
    [
        (np.diag([-1.0, -1.0, 1.0]), None),
        (OBLIQUE, None),
        (np.eye(3)[:, [2, 0, 1]], None),
        (OBLIQUE, ROTATED),
        (np.diag([1.0, -1.0, -1.0]), SCALED),
    ],
    ids=["straight", "oblique", "sagittal", "oblique, rotated", "scaled"],
)
def test_a_dragged_box_is_that_of_two_clicks(user: User, tmp_path: Any, directions: Any, parent: Any) -> None:
    from mrml.volumes import add_transform

    user.use_private_environment(tmp_path / "engine")
    node = user.load_ball(matrix=placed(directions))
    if parent is not None:
        node.SetAndObserveTransformNodeID(add_transform(parent).GetID())
    user.choose(node)
    use_working_view(user)
    dragged = draw(user, user.draw_box, BALL)
    assert dragged == pytest.approx(draw(user, user.click_box, BALL), abs=1e-6)
    assert dragged == pytest.approx(BALL, abs=0.4)
    from_the_other_corner = draw(user, user.draw_box, (86, 78, 26, 18))
    assert dragged == pytest.approx(from_the_other_corner, abs=1e-6)


@pytest.mark.parametrize(("axis", "view"), [("k", "Red"), ("j", "Green"), ("i", "Yellow")])
def test_a_box_is_drawn_in_every_view_that_shows_whole_slices(user: User, tmp_path: Any, axis: str, view: str) -> None:
    import slicer

    user.use_private_environment(tmp_path / "engine")
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    user.bench.process_events()
    user.choose(user.load_ball(slices=40))
    user.pick(user.panel.volume.axis, axis)
    use_working_view(user)
    assert user.view == view
    box = (20.0, 8.0, 70.0, 30.0)
    dragged = draw(user, user.draw_box, box)
    assert dragged == pytest.approx(draw(user, user.click_box, box), abs=1e-6)
    assert dragged == pytest.approx(box, abs=1.0)


def test_the_box_follows_the_mouse_and_is_taken_in_when_the_button_is_released(alone: User) -> None:
    alone.bench.click(alone.panel.prompt.tools["box"])
    mouse = alone.bench.mouse()
    mouse.move(mouse.pixel(alone.place(26, 18)))
    mouse.press(mouse.pixel(alone.place(26, 18)))
    mouse.move(mouse.pixel(alone.place(60, 50)))
    assert shown(alone) == pytest.approx((26, 18, 60, 50), abs=0.4)
    assert roi(alone).GetNumberOfControlPoints() == 1
    assert alone.work.editor.tool == "box"
    mouse.move(mouse.pixel(alone.place(86, 78)))
    assert shown(alone) == pytest.approx(BALL, abs=0.4)
    assert corners(alone) is None
    mouse.release(mouse.pixel(alone.place(86, 78)))
    assert corners(alone) == pytest.approx(BALL, abs=0.4)
    alone.wait_for_panel()
    alone.bench.click(alone.panel.prompt.undo)
    assert corners(alone) is None
    assert not alone.panel.prompt.undo.enabled


def test_the_box_follows_the_mouse_between_two_clicks(alone: User) -> None:
    alone.bench.click(alone.panel.prompt.tools["box"])
    alone.click_at(26, 18)
    mouse = alone.bench.mouse()
    mouse.move(mouse.pixel(alone.place(60, 50)))
    assert shown(alone) == pytest.approx((26, 18, 60, 50), abs=0.4)
    assert corners(alone) is None


def test_a_box_dragged_beyond_the_image_ends_at_its_border(alone: User) -> None:
    alone.bench.click(alone.panel.prompt.tools["box"])
    alone.bench.mouse().drag_ras(alone.place(56, 48), alone.place(80, 101))
    alone.bench.wait_until(lambda: corners(alone) is not None, "the box")
    assert corners(alone) == pytest.approx((56, 48, 80, 96), abs=0.4)


def test_a_click_with_a_trembling_hand_is_a_click(alone: User) -> None:
    alone.bench.click(alone.panel.prompt.tools["box"])
    mouse = alone.bench.mouse()
    start = mouse.pixel(alone.place(26, 18))
    mouse.drag(start, start + type(start)(3, 2))
    assert alone.work.editor.tool == "box"
    alone.click_at(86, 78)
    alone.bench.wait_until(lambda: corners(alone) is not None, "the box")
    assert corners(alone) == pytest.approx(BALL, abs=1.5)


@pytest.mark.parametrize("way", ["two clicks on a pixel", "a double click", "a flat drag", "a drag beside the image"])
def test_a_box_that_encloses_nothing_is_refused_and_the_tool_stays(alone: User, way: str) -> None:
    from PySide6.QtCore import QPoint

    alone.bench.click(alone.panel.prompt.tools["box"])
    mouse = alone.bench.mouse()
    here = mouse.pixel(alone.place(40, 40))
    if way == "two clicks on a pixel":
        mouse.click(here)
        mouse.click(here)
    elif way == "a double click":
        mouse.double_click(here)
    elif way == "a flat drag":
        mouse.drag(here, here + QPoint(60, 0))
    else:
        mouse.drag(mouse.pixel(alone.place(40, -5)), mouse.pixel(alone.place(80, -2)))
    alone.wait_for_panel()
    assert alone.work.editor.tool == "box"
    assert "encloses nothing" in alone.panel.prompt.notice.text
    assert shown(alone) is None
    assert roi(alone).GetNumberOfDefinedControlPoints() == 0
    alone.draw_again(BALL)
    assert corners(alone) == pytest.approx(BALL, abs=0.4)
    alone.wait_for_panel()
    assert alone.panel.prompt.notice.text == "" or "engine" in alone.panel.prompt.notice.text


@pytest.mark.parametrize("by", ["Esc", "right click"])
@pytest.mark.parametrize("begun", ["with a click", "with a drag"])
def test_a_box_that_was_begun_is_taken_back(alone: User, by: str, begun: str) -> None:
    from PySide6.QtCore import Qt

    alone.box_the_ball()
    before = corners(alone)
    alone.bench.click(alone.panel.prompt.tools["box"])
    mouse = alone.bench.mouse()
    start, end = mouse.pixel(alone.place(10, 10)), mouse.pixel(alone.place(50, 60))
    if begun == "with a click":
        mouse.click(start)
        mouse.move(end)
    else:
        mouse.press(start)
        mouse.move(end)
    assert shown(alone) == pytest.approx((10, 10, 50, 60), abs=0.4)
    if by == "Esc":
        alone.bench.press_keys("Esc")
    else:
        mouse.click(end, Qt.MouseButton.RightButton)
    mouse.release(end)
    assert alone.work.editor.tool is None
    assert shown(alone) == pytest.approx(before, abs=1e-3)
    alone.bench.wait_until(lambda: alone.case.objects.settled)
    assert corners(alone) == pytest.approx(before, abs=1e-3)


def test_a_box_begun_for_one_object_is_taken_back_when_another_is_selected(alone: User) -> None:
    alone.box_the_ball()
    first = alone.case.selected
    alone.bench.click(alone.panel.prompt.add)
    alone.panel.prompt.objects.selectRow(0)
    alone.bench.click(alone.panel.prompt.tools["box"])
    alone.click_at(10, 10)
    alone.panel.prompt.objects.selectRow(1)
    assert first.read().box.x0 == pytest.approx(26, abs=0.4)


def test_another_tool_of_slicer_takes_the_begun_box_back(alone: User) -> None:
    import slicer

    alone.bench.click(alone.panel.prompt.tools["box"])
    alone.click_at(26, 18)
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SetCurrentInteractionMode(interaction.AdjustWindowLevel)
    assert alone.work.editor.tool is None
    assert shown(alone) is None
    alone.click_at(86, 78)
    assert shown(alone) is None
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)


@pytest.mark.parametrize("view", ["Green", "Yellow"])
def test_a_view_across_the_slices_is_refused_with_words_at_once(alone: User, view: str) -> None:
    import slicer

    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    alone.bench.click(alone.panel.volume.seed)
    alone.bench.click(alone.panel.prompt.tools["box"])
    mouse = alone.bench.mouse(view)
    middle = mouse.view.rect.center()
    mouse.drag(middle, middle + type(middle)(40, 30))
    alone.wait_for_panel()
    assert "no single slice" in alone.panel.prompt.notice.text
    assert alone.work.editor.tool == "box"
    assert shown(alone) is None


def test_panning_with_shift_and_the_wheel_go_on_with_the_box_tool_in_hand(alone: User) -> None:
    from PySide6.QtCore import Qt

    alone.bench.click(alone.panel.prompt.tools["box"])
    mouse = alone.bench.mouse()
    before = list(mouse.view.mrmlSliceNode().GetXYZOrigin())
    start = mouse.pixel(alone.place(30, 30))
    mouse.move(start)
    with mouse.holding(Qt.KeyboardModifier.ShiftModifier):
        mouse.press(start)
        mouse.move(start + type(start)(30, 20))
    mouse.release(start + type(start)(30, 20))
    assert list(mouse.view.mrmlSliceNode().GetXYZOrigin()) != before
    assert shown(alone) is None
    assert alone.work.editor.tool == "box"
