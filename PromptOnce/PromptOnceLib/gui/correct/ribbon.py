"""The ribbon: a cell for every slice of the result, to see their states and to go there by mouse or keys.

A label with a picture and a filter for its events: under PythonQt a widget of one's own that paints itself is less
certain to work in every version of Slicer than these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

from PromptOnceLib.gui.correct.picture import ROW_HEIGHT, Cell, CellLayout, draw_ribbon
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.qt.widgets import pixmap


class Ribbon:
    """on_slice: called with the slice that the user wants to see. on_resized: called when there is another width, after
    which `show` has to be called. describe: what a cell says, for tool tips and for who cannot see it.

    widget: to be put into a layout.
    """

    def __init__(
        self, on_slice: Callable[[int], object], on_resized: Callable[[], object], describe: Callable[[int], str]
    ) -> None:
        self._on_slice, self._on_resized, self._describe = on_slice, on_resized, describe
        self._cells: tuple[Cell, ...] = ()
        self._shown: int | None = None
        self._drawn: object = None
        self.widget = qt.QLabel()
        self.widget.setFocusPolicy(qt.Qt.StrongFocus)
        self.widget.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)
        self.widget.setAlignment(qt.Qt.AlignLeft | qt.Qt.AlignTop)
        self.widget.setMouseTracking(True)
        self.widget.accessibleName = _("Slices of the result")
        self.widget.setFixedHeight(ROW_HEIGHT)
        self._filter = _Events(self._happened)
        self.widget.installEventFilter(self._filter)

    def show(self, cells: Sequence[Cell], shown: int | None) -> None:
        """Show these slices; shown: the one in the view."""
        self._cells, self._shown = tuple(cells), shown
        self._draw()
        if shown is not None and shown < len(self._cells):
            self.widget.accessibleDescription = self._describe(shown)

    def close(self) -> None:
        """Hear no events any more."""
        self.widget.removeEventFilter(self._filter)

    def place_of(self, index: int) -> tuple[int, int]:
        """The pixel in the middle of a cell."""
        layout = self._layout()
        x, y = layout.place(index)
        return x + layout.cell_width // 2, y + ROW_HEIGHT // 2

    def _layout(self) -> CellLayout:
        return CellLayout.of(len(self._cells), self.widget.width)

    def _draw(self) -> None:
        layout, width, focused = self._layout(), self.widget.width, bool(self.widget.hasFocus())
        wanted = (self._cells, self._shown, width, focused)
        if wanted == self._drawn:
            return
        self._drawn = wanted
        self.widget.setFixedHeight(layout.height)
        self.widget.setPixmap(pixmap(draw_ribbon(self._cells, layout, width, self._shown, focused)))

    def _happened(self, event: Any) -> bool:
        """Whether the event has been taken."""
        kind = event.type()
        if kind == qt.QEvent.KeyPress:
            return self._key(event.key())
        if kind == qt.QEvent.Resize:
            self._on_resized()
        elif kind in (qt.QEvent.FocusIn, qt.QEvent.FocusOut):
            self._draw()
        elif kind in (qt.QEvent.MouseButtonPress, qt.QEvent.MouseMove):
            place = event.position() if hasattr(event, "position") else event.pos()  # Qt 6, Qt 5
            index = self._layout().at(int(place.x()), int(place.y()))
            if index is not None and event.buttons() & qt.Qt.LeftButton:
                if index != self._shown or kind == qt.QEvent.MouseButtonPress:
                    self._on_slice(index)
                self.widget.setFocus()
                return True
            self.widget.setToolTip("" if index is None else self._describe(index))
        return False

    def _key(self, key: Any) -> bool:
        """Arrow keys go through the cells, Home and End to the first and the last one."""
        last, columns = len(self._cells) - 1, self._layout().columns
        steps = {qt.Qt.Key_Left: -1, qt.Qt.Key_Right: 1, qt.Qt.Key_Up: -columns, qt.Qt.Key_Down: columns}
        ends = {qt.Qt.Key_Home: 0, qt.Qt.Key_End: last}
        if last < 0 or (key not in steps and key not in ends):
            return False
        wanted = ends[key] if key in ends else (self._shown or 0) + steps[key]
        if 0 <= wanted <= last and wanted != self._shown:
            self._on_slice(wanted)
        return True


class _Events(qt.QObject):  # type: ignore[misc]  # Qt has no types
    """Asks a function whether it takes an event of the widget that it is installed on."""

    def __init__(self, happened: Callable[[Any], bool]) -> None:
        super().__init__()
        self._happened = happened

    def eventFilter(self, _watched: Any, event: Any) -> bool:  # noqa: N802
        """See QObject."""
        return self._happened(event)
