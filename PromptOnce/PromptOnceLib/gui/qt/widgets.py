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


def line_label() -> Any:
    """A label for a sentence to the user: wraps, can be selected, and is hidden while it is empty."""
    label = qt.QLabel()
    label.wordWrap = True
    label.textInteractionFlags = qt.Qt.TextSelectableByMouse
    # A wrapping label must not force the width of the panel.
    label.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
    # Its size hint is that of a narrower label: what is too much must be taken from it, not from the rows around it.
    label.setMinimumHeight(1)
    label.hide()
    return label


def show_text(label: Any, text: str) -> None:
    """Show a sentence; an empty one takes no room."""
    label.setText(text)
    label.setVisible(bool(text))


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
