"""Grey TIFF files in which 0 is white, as film scanners write them: ITK hands their values on as they are stored."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from PromptOnceLib.imaging.volume import Array

NOTICE = "The image is stored with inverted grey values (white is 0): it was turned so that bone is bright."

_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0


def white_is_zero(path: Path) -> bool:
    """Whether a file is a TIFF whose values are to be shown inverted."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                tags = getattr(picture, "tag_v2", {})
                return bool(tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)
    except Exception:  # Pillow raises whatever a damaged or unusual picture brings about
        return False


def turned(array: Array) -> Array:
    """Values from 0 to the largest of their type, in the opposite order."""
    most = np.iinfo(array.dtype).max
    inverted: Array = most - array
    return inverted
