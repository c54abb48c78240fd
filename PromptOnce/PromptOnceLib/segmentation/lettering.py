"""Letters on pictures: the font that comes with Pillow, and texts cut to the room there is."""

from __future__ import annotations

import unicodedata

from PIL import ImageDraw, ImageFont

_KEPT = "\u00b7\u00d7"
"""Characters outside ASCII that the font has."""


def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font in a size in pixels."""
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found


def drawable(text: str) -> str:
    """The text in characters that the font has: accents dropped, others as question marks."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part))
    return "".join(part if part.isascii() or part in _KEPT else "?" for part in plain)


def fitting(draw: ImageDraw.ImageDraw, text: str, letters: ImageFont.FreeTypeFont, room: float) -> str:
    """The text in drawable characters, cut at the end where it is wider than the room in pixels."""
    text = drawable(text)
    if draw.textlength(text, letters) <= room:
        return text
    while text and draw.textlength(text + "...", letters) > room:
        text = text[:-1]
    return text + "..."
