"""What the mouse does while the box tool is in hand: press and drag, or two clicks, both between the same corners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.slice_views import Pixel, Ras

DRAG_PIXELS = 8
"""A mouse that was moved further between press and release has dragged, not clicked."""
_FIRST = 10.0  # priority; Slicer's own observers have 0


@dataclass
class Corner:
    """Where the mouse was in a slice view, in Slicer's world (mm), which stays right when the view is zoomed."""

    view: Any
    ras: Ras


OnCorners = Callable[[Corner, Corner], object]


class BoxMouse:
    """Takes the left and the right button in all slice views, before Slicer does; with Shift, Ctrl or Alt they are left
    to Slicer, and so are the other buttons and the wheel.

    on_move: called with both corners while the second one follows the mouse. on_done: called when both are set.
    on_give_up: called after a right click.
    """

    def __init__(self, on_move: OnCorners, on_done: OnCorners, on_give_up: Callable[[], object]) -> None:
        self._on_move, self._on_done, self._on_give_up = on_move, on_done, on_give_up
        self._commands: list[tuple[Any, int]] = []
        self._first: Corner | None = None
        self._pressed: tuple[Pixel, Corner] | None = None
        self._left_to_slicer = False

    @property
    def started(self) -> bool:
        """Whether there is a first corner."""
        return self._first is not None

    def listen(self) -> None:
        """Take the buttons from now on, for one box."""
        self.stop()
        events: dict[str, Callable[[Any, Pixel], bool]] = {
            "LeftButtonPressEvent": self._press,
            "LeftButtonReleaseEvent": self._release,
            "LeftButtonDoubleClickEvent": _swallow,
            "MouseMoveEvent": self._move,
            "RightButtonPressEvent": _swallow,
            "RightButtonReleaseEvent": self._give_up,
        }
        for view, interactor in slice_views.interactors():
            for event, handle in events.items():
                self._observe(view, interactor, event, handle)

    def stop(self) -> None:
        """Leave the buttons to Slicer; no corner is set."""
        for interactor, tag in self._commands:
            interactor.RemoveObserver(tag)
        self._commands = []
        self._first = self._pressed = None
        self._left_to_slicer = False

    def _observe(self, view: Any, interactor: Any, event: str, handle: Callable[[Any, Pixel], bool]) -> None:
        def happened(*_args: Any) -> None:
            if self._is_for_slicer(interactor, event):
                return
            command = interactor.GetCommand(tag)  # now: handling may end the observation
            if handle(view, interactor.GetEventPosition()):
                command.SetAbortFlag(1)

        tag = interactor.AddObserver(event, happened, _FIRST)
        self._commands.append((interactor, tag))

    def _is_for_slicer(self, interactor: Any, event: str) -> bool:
        """What begins with a modifier ends in Slicer, whatever becomes of the modifier meanwhile."""
        modified = bool(interactor.GetShiftKey() or interactor.GetControlKey() or interactor.GetAltKey())
        if event.endswith("PressEvent"):
            self._left_to_slicer = modified
        left = self._left_to_slicer or (modified and self._pressed is None)
        if event.endswith("ReleaseEvent"):
            self._left_to_slicer = False
        return left

    # Whether an event is kept from Slicer

    def _press(self, view: Any, pixel: Pixel) -> bool:
        if self._first is not None and self._first.view is not view:
            self._first = None
        self._pressed = pixel, _corner(view, pixel)
        return True

    def _move(self, view: Any, pixel: Pixel) -> bool:
        if self._pressed is not None:
            start, corner = self._pressed
            if max(abs(now - then) for now, then in zip(pixel, start, strict=True)) > DRAG_PIXELS:
                self._first = corner
        if self._first is None or self._first.view is not view:
            return False
        self._on_move(self._first, _corner(view, pixel))
        return True

    def _release(self, view: Any, pixel: Pixel) -> bool:
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return True  # it was pressed before the tool was taken up
        corner = _corner(view, pixel)
        if self._first is None:
            self._first = corner
            self._on_move(corner, corner)
        else:
            self._on_done(self._first, corner)
        return True

    def _give_up(self, _view: Any, _pixel: Pixel) -> bool:
        self._on_give_up()
        return True


def _swallow(_view: Any, _pixel: Pixel) -> bool:
    return True


def _corner(view: Any, pixel: Pixel) -> Corner:
    return Corner(view, slice_views.place_of(view, pixel))
