"""Pictures of the core in Qt."""

from __future__ import annotations

import io
from typing import Any

import qt
from PIL import Image


def pixmap(picture: Image.Image) -> Any:
    """A picture for a label or an icon; as a PNG file, the way of pixels into Qt that is the same in every binding."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    made = qt.QPixmap()
    made.loadFromData(qt.QByteArray(buffer.getvalue()))
    return made
