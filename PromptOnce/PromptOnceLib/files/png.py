"""PNG pictures of 8-bit grey values or of one bit, and masks as text: a 1-bit PNG in base64, small enough for JSON."""

from __future__ import annotations

import base64
import binascii
import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.errors import PromptError

_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
_GREY = 0  # PNG colour type
_MODES = {1: "1", 8: "L"}


@dataclass(frozen=True)
class PngHeader:
    """What a PNG says of itself before any pixel is unpacked. depth: bits a value; grey: not colour, not a palette."""

    rows: int
    columns: int
    depth: int
    grey: bool


def png_header(content: bytes) -> PngHeader | None:
    """The header of a PNG; None for anything else.

    To be compared with what is expected before `decode_png`, so that a few bytes cannot claim the memory of a huge
    image.
    """
    start = len(_START)
    if not content.startswith(_START) or len(content) < start + 10:
        return None
    columns, rows, depth, kind = struct.unpack(">IIBB", content[start : start + 10])
    return PngHeader(rows, columns, depth, kind == _GREY)


def decode_png(content: bytes, header: PngHeader) -> NDArray[np.uint8]:
    """Pixels (rows, columns) of a grey PNG of 1 or 8 bits, with the header that png_header gave.

    Raises ValueError for one that is damaged.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            # Again as Pillow understood it: another header may follow the first.
            if image.size != (header.columns, header.rows) or image.mode != _MODES.get(header.depth):
                raise ValueError("the picture contradicts its header")
            return np.array(image, dtype=np.uint8)
    except (OSError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        # Pillow's PNG reader reports damage with any of these.
        raise ValueError(repr(error)) from error


def encode_png(pixels: NDArray[Any]) -> bytes:
    """A PNG of bool or uint8 (rows, columns): pixels and no text of any kind."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()


def encode_mask(mask: NDArray[Any]) -> str:
    """Base64 text of a 1-bit PNG.

    mask: (rows, columns), bool or numbers; every value other than 0 is object. Raises PromptError when it is not a 2D
    array with at least one pixel.
    """
    if mask.ndim != 2 or mask.size == 0:
        raise PromptError(f"A mask prompt is one slice of rows and columns; this mask has the shape {mask.shape}.")
    return base64.b64encode(encode_png(mask != 0)).decode("ascii")


def decode_mask(text: str, shape: tuple[int, int] | None = None) -> NDArray[np.bool_]:
    """Mask, bool (rows, columns), from the text that encode_mask makes.

    shape: (rows, columns) that the mask must have; it is compared with the PNG's header before any pixel is unpacked,
    so that a few bytes cannot claim the memory of a huge image. Raises PromptError for another size and for what is not
    a 1-bit PNG.
    """
    try:
        content = base64.b64decode(text, validate=True)
        header = png_header(content)
        if header is None:
            raise ValueError("no PNG")
        if not header.grey or header.depth != 1:
            raise PromptError("The mask prompt is not a 1-bit PNG image; save the prompt again.", repr(header))
        found = (header.rows, header.columns)
        if shape is not None and found != shape:
            raise PromptError(
                f"The mask prompt has {found[0]} rows and {found[1]} columns, the slice has {shape[0]} and "
                f"{shape[1]}. Choose the image for which the mask was drawn."
            )
        return decode_png(content, header).astype(bool)
    except (binascii.Error, ValueError) as error:
        raise PromptError("The mask prompt is damaged and cannot be read; draw it again.", repr(error)) from error
