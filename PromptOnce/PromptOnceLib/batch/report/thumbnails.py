"""Thumbnails of a case as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from PromptOnceLib.batch.report.html import void

_LONGEST = 200
_QUALITY = 72


def thumbnail(path: Path, described: str, css_class: str) -> str:
    """An img element with the picture as JPEG inside; "" where the file is missing or damaged."""
    try:
        with Image.open(path, formats=["PNG"]) as opened:
            picture = opened.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError):  # SyntaxError: of Pillow's reader for PNG
        return ""
    picture.thumbnail((_LONGEST, _LONGEST))
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=_QUALITY, optimize=True)
    return void(
        "img",
        class_=css_class,
        src="data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii"),
        width=picture.width,
        height=picture.height,
        alt=described,
        loading="lazy",
        decoding="async",
    )
