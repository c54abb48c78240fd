"""What a user does and sees in the panel Correct."""

from __future__ import annotations

from gui.user import User


def states(user: User) -> list[str]:
    return [cell.state for cell in user.work.corrections.segment.cells]


def said(user: User) -> str:
    """The notice of the panel."""
    user.wait_for_panel()
    return user.panel.correct.notice.text


def press(user: User, button: str) -> None:
    """Press a button of the panel, by its name, as soon as it can be pressed."""
    user.wait_for_panel()
    user.bench.click(getattr(user.panel.correct, button))
    user.wait_for_panel()


def show(user: User, index: int) -> None:
    user.work.corrections.walk.go_to(index)
    user.wait_for_panel()


def correct_here(user: User, index: int) -> None:
    """Begin a correction on a slice and put a point on the object."""
    show(user, index)
    press(user, "correct")
    user.bench.click(user.panel.prompt.tools["positive"])
    user.bench.mouse(user.view).click_ras(user.place(60, 50, index))
    user.bench.wait_until(lambda: user.work.corrections.marked == index, "the mark")
    user.wait_for_mask()


def propagate_changes(user: User) -> None:
    press(user, "propagate")
    user.bench.wait_until(lambda: not user.work.corrections.work.running, "the end of the correction", 60)
    user.wait_for_panel()


def fixed(user: User) -> list[tuple[int, str]]:
    found = user.work.corrections.segment.now
    return [(one.slice, one.state) for one in found.prompts.objects[0].slices]
