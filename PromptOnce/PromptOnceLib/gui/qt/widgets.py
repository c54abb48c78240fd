"""Small helpers around Qt that all panels need."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import qt
from PIL import Image

from PromptOnceLib.resources import resource


def connect(sender: Any, signal: str, function: Callable[..., object]) -> None:
    """Connect a signal, named by its C++ signature; PythonQt only returns False where there is no such signal."""
    if not sender.connect(signal, function):
        raise RuntimeError(f"{sender.className()} has no signal {signal}")


def process_environment(variables: Mapping[str, str]) -> Any:
    """Exactly these variables, for a QProcess."""
    environment = qt.QProcessEnvironment()
    for name, value in variables.items():
        environment.insert(name, value)
    return environment


def icon(name: str) -> Any:
    """An icon of the module, by its name without .svg."""
    return qt.QIcon(str(resource("Icons", f"{name}.svg")))


_NARROWEST = 290  # pixels that a sentence gets in the narrowest panel, two folds deep


def line_label() -> Any:
    """A label for a sentence to the user: wraps, can be selected, and is hidden while it is empty.

    See `show_text`.
    """
    label = qt.QLabel()
    label.wordWrap = True
    label.textInteractionFlags = qt.Qt.TextSelectableByMouse
    # A wrapping label must not force the width of the panel, and it must not be squeezed: Slicer's scroll area gives
    # a panel that is too high its least height, not the height for its width.
    policy = qt.QSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Minimum)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
    label.hide()
    return label


def show_text(label: Any, text: str, lines: int = 0, width: int = _NARROWEST) -> None:
    """Show a sentence; an empty one takes no room but that of so many lines, which is kept for it.

    width: pixels that the label has at least.
    """
    kept = lines * label.fontMetrics().lineSpacing()
    label.setText(text)
    label.setMinimumHeight(max(kept, label.heightForWidth(width) if text else 0))
    label.setVisible(bool(text) or lines > 0)


def elided(widget: Any, text: str, width: int) -> str:
    """A name or a list, cut with "..." where a widget that cannot wrap would need more pixels for it."""
    return str(widget.fontMetrics().elidedText(text, qt.Qt.ElideRight, width))


def scroll_to(widget: Any) -> None:
    """Have the scroll area around a widget show it; of one that is too high, its top."""
    area = widget.parentWidget()
    while area is not None and not area.inherits("QScrollArea"):
        area = area.parentWidget()
    if area is None:
        return
    if widget.height > area.viewport().height:
        area.verticalScrollBar().setValue(widget.mapTo(area.widget(), qt.QPoint(0, 0)).y())
    else:
        area.ensureWidgetVisible(widget, 0, 0)


def row(*widgets: Any) -> Any:
    """A layout with widgets side by side; None is a stretch."""
    layout = qt.QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)
    return layout


def pixmap(picture: Image.Image) -> Any:
    """A picture for a label or an icon; as a PNG file, the way of pixels into Qt that is the same in every binding."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    made = qt.QPixmap()
    made.loadFromData(qt.QByteArray(buffer.getvalue()))
    return made
