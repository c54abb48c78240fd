"""A mask as text: a 1-bit PNG in base64, small enough for a JSON file or a message."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from PromptOnceLib.errors import PromptError


def encode_mask(mask: NDArray[Any]) -> str:
    """Base64 text of a 1-bit PNG.

    mask: (rows, columns), bool or numbers; every value other than 0 is object. Raises PromptError when it is not a 2D
    array with at least one pixel.
    """
    if mask.ndim != 2 or mask.size == 0:
        raise PromptError(f"A mask prompt is one slice of rows and columns; this mask has the shape {mask.shape}.")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(mask != 0)).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def decode_mask(text: str, shape: tuple[int, int] | None = None) -> NDArray[np.bool_]:
    """Mask, bool (rows, columns), from the text that encode_mask makes.

    shape: (rows, columns) that the mask must have; it is compared with the PNG's header before any pixel is unpacked,
    so that a few bytes cannot claim the memory of a huge image. Raises PromptError for another size and for what is not
    a 1-bit PNG.
    """
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as image:
            found = (image.height, image.width)
            if image.mode != "1":
                raise PromptError("The mask prompt is not a 1-bit PNG image; save the prompt again.", image.mode)
            if shape is not None and found != shape:
                raise PromptError(
                    f"The mask prompt has {found[0]} rows and {found[1]} columns, the slice has {shape[0]} and "
                    f"{shape[1]}. Choose the image for which the mask was drawn."
                )
            return np.array(image, dtype=bool)
    except (binascii.Error, ValueError, OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        # Pillow's PNG reader reports damage with any of these.
        raise PromptError("The mask prompt is damaged and cannot be read; draw it again.", repr(error)) from error
