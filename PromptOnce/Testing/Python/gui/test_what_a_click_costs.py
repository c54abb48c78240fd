"""An edit of the prompt reads the markups once, looks for nothing on the disk again, and refreshes what shows it."""

from __future__ import annotations

from typing import Any

import pytest

from gui.test_corrections import correct as draw
from gui.user import User
from PromptOnceLib.mrml.prompts.prompt_nodes import PromptNodes


def marked(user: User) -> Any:
    """The node of one positive point on a volume, once it is taken in."""
    user.choose(user.load_ball())
    user.bench.click(user.panel.prompt.tools["positive"])
    user.click_at(40, 30)
    user.bench.click(user.panel.prompt.tools["positive"])
    user.bench.wait_until(lambda: user.case.objects.can_undo, "the point")
    user.wait_for_panel()
    return user.case.selected.node("positive")


def move(user: User, node: Any, x: float) -> None:
    """Move the point along its row, and take that in at once."""
    node.SetNthControlPointPositionWorld(0, *user.place(x, 30))
    user.work.editor.take_in()
    user.wait_for_panel()


def test_the_markups_are_read_once_for_all(user: User, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    user.use_private_environment(tmp_path / "engine")
    node = marked(user)
    read, reads = PromptNodes.read, []

    def counted(nodes: PromptNodes) -> Any:
        reads.append(nodes.key)
        return read(nodes)

    monkeypatch.setattr(PromptNodes, "read", counted)
    move(user, node, 45)
    assert reads == [user.case.selected.key]
    assert user.case.prompt.objects[0].points[0].x == pytest.approx(45)


def test_only_panels_that_show_the_prompt_are_refreshed(
    user: User, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.use_private_environment(tmp_path / "engine")
    from PromptOnceLib.gui.panel import Panel

    node = marked(user)
    refreshed: list[str] = []
    show = Panel.refresh

    def counted(panel: Panel) -> None:
        refreshed.append(panel.part)
        show(panel)

    monkeypatch.setattr(Panel, "refresh", counted)
    move(user, node, 45)
    assert sorted(refreshed) == ["correct", "prompt", "run", "seeds", "volume"]


@pytest.mark.usefixtures("_fake_worker")
def test_what_is_missing_is_looked_for_again_only_after_another_choice(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PromptOnceLib.gui.engine import choice

    interpreter, looks = choice.interpreter, []

    def counted(*arguments: Any, **options: Any) -> Any:
        looks.append(arguments)
        return interpreter(*arguments, **options)

    monkeypatch.setattr(choice, "interpreter", counted)
    node = marked(user)
    user.wait_for_mask()
    before = len(looks)
    assert before > 0
    move(user, node, 45)
    user.wait_for_mask()
    assert len(looks) == before
    user.choose_model("tiny")
    assert len(looks) > before


def test_what_is_asked_for_twice_is_called_once_and_an_exception_stops_nobody_else(bench: Any) -> None:
    from PromptOnceLib.gui.qt.refresher import Refresher

    calls: list[str] = []

    def fail() -> None:
        calls.append("fail")
        raise ValueError("a panel that cannot be shown")

    def show() -> None:
        calls.append("show")

    refresher = Refresher()
    for function in (fail, show, fail, show):
        refresher.ask(function)
    assert calls == []
    bench.wait_until(lambda: not refresher.pending, "both functions")
    assert calls == ["fail", "show"]
    (error,) = bench.errors
    assert "a panel that cannot be shown" in error
    bench.errors.clear()


@pytest.mark.usefixtures("_fake_worker")
def test_while_nobody_looks_a_stroke_of_the_segment_editor_has_nothing_read(
    done: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PromptOnceLib.gui.correct import segment

    read, reads = segment.read_segment_result, []

    def counted(*arguments: Any) -> Any:
        reads.append(arguments)
        return read(*arguments)

    def states() -> list[str]:
        return [cell.state for cell in done.work.corrections.segment.cells]

    done.wait_for_panel()
    monkeypatch.setattr(segment, "read_segment_result", counted)
    done.panel.correct.leave()
    for index in (7, 8):
        draw(done, index)
        done.wait_for_panel()
    assert not reads
    done.panel.correct.look_again()
    done.wait_for_panel()
    assert len(reads) == 1
    assert states()[7:9] == ["edited", "edited"]
    done.panel.correct.widget.collapsed = True
    draw(done, 2)
    done.wait_for_panel()
    assert len(reads) == 1
    done.panel.correct.unfold()
    done.wait_for_panel()
    assert (len(reads), states()[2]) == (2, "edited")
