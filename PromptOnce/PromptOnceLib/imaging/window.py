"""One mapping from intensities to 8-bit grey values for a whole volume, and the windows to choose from."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.intensity_range import (
    CT_PADDING,
    Ignored,
    cannot_be_hounsfield,
    foreground_percentiles,
    full_range,
    looks_like_hounsfield,
    sample,
    slabs,
)
from PromptOnceLib.imaging.scanner import XRAY_MODALITIES
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.resources import resource

# Prompted tissue darker than this is lung (HU); fat, the darkest solid tissue, lies near -100.
_LUNG_BELOW = -400.0

_SCALED_MODALITIES = frozenset({"CT", "MR", "PT", "NM"})

T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """Intensities lower..upper (HU for CT) become grey 0..255; what lies outside is clipped.

    name: what the user chose or what was chosen for them. per_slice: the papers' scaling, which stretches every slice
    by itself after clipping. Raises InputError for ends that are not finite or in the wrong order.
    """

    lower: float
    upper: float
    name: str
    per_slice: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lower) and math.isfinite(self.upper) and self.lower <= self.upper):
            raise InputError(f"A window from {self.lower} to {self.upper} is not possible. Give a level and a width.")


@cache
def window_presets() -> dict[str, tuple[float, float]]:
    """CT presets by name: level and width in HU."""
    entries = json.loads(resource("window_presets.json").read_text(encoding="utf-8"))["presets"]
    return {name: (float(entry["level"]), float(entry["width"])) for name, entry in entries.items()}


def window_from_text(text: str, volume: Volume, region: Array | None = None) -> Window:
    """Window for a volume from what the user wrote.

    "auto"; the name of a CT preset; "LEVEL/WIDTH"; "file" (the window that the file states, which is also the automatic
    one of an X-ray); "full" (minimum to maximum); "percentile" (see foreground_percentiles); "paper" or "paper:WINDOW"
    (clip to the preset or LEVEL/WIDTH, then min-max per slice, as in Prompt Once, section 3). Padding does not count,
    except under "paper", which is the papers' own. region: values of the prompted voxels, any shape; "auto" looks at
    them to tell lung from soft tissue. Raises InputError for any other text, and for "file" where the file states none.
    """
    name = _words(text)
    if name == "auto":
        return _automatic_window(volume, region)
    if name == "file":
        if volume.file_window is None:
            raise InputError("The image states no window of its own. Use auto, or another window.")
        return Window(*volume.file_window, "file")
    if name == "full":
        return Window(*full_range(volume.array, _ignored(volume)), "full")
    if name == "percentile":
        return Window(*_percentiles(volume), "percentile")
    if name == "paper":
        return Window(*full_range(volume.array), "paper", per_slice=True)
    if name.startswith("paper:"):
        clipped = _level_and_width(text.split(":", 1)[1])
        return Window(clipped.lower, clipped.upper, f"paper:{clipped.name}", per_slice=True)
    return _level_and_width(text)


def to_uint8(array: Array, window: Window) -> NDArray[np.uint8]:
    """Grey values of slices (n, rows, columns) under a window: uint8 of the same shape, C-contiguous.

    Rounded to the nearest grey value; under a per-slice window truncated, as the papers do. NaN becomes 0, infinities
    are clipped, and a window or slice without any extent becomes 0. The result depends on the values only, not on
    their type. Converted slab by slab, so that a large volume needs no float copy of its own.
    """
    frames = np.zeros(array.shape, dtype=np.uint8)
    if window.lower == window.upper:
        return frames
    for part, values in slabs(array):
        clipped = np.clip(values, window.lower, window.upper, out=values)
        if window.per_slice:
            for frame, slice_values in zip(frames[part], clipped, strict=True):
                frame[...] = _stretched(slice_values)
        else:
            clipped -= window.lower
            clipped *= 255.0
            clipped /= window.upper - window.lower
            frames[part] = np.rint(np.nan_to_num(clipped, copy=False, nan=0.0), out=clipped)
    return frames


def _stretched(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Min-max of one slice to 0..255, truncated; the order of the operations is the papers' (it decides ties)."""
    known = values[~np.isnan(values)]
    if known.size == 0 or known.min() == known.max():
        return np.zeros(values.shape, dtype=np.uint8)
    scaled: NDArray[np.float64] = (values - known.min()) / (known.max() - known.min()) * 255
    scaled[np.isnan(scaled)] = 0
    return scaled.astype(np.uint8)


def _automatic_window(volume: Volume, region: Array | None) -> Window:
    if _is_ct(volume):
        values = np.empty(0) if region is None else sample(np.ravel(region), Ignored(CT_PADDING, volume.padding))
        lung = values.size > 0 and np.median(values) < _LUNG_BELOW
        return _level_and_width("lung" if lung else "soft tissue")
    if _is_xray(volume):
        return window_from_text("full" if volume.file_window is None else "file", volume)
    return window_from_text("percentile", volume)


def _once(look: Callable[[Volume], T]) -> Callable[[Volume], T]:
    """Looks at the voxels of a volume once: the automatic window is asked for with every click."""
    known: WeakKeyDictionary[Volume, T] = WeakKeyDictionary()

    @wraps(look)
    def remembered(volume: Volume) -> T:
        if volume not in known:
            known[volume] = look(volume)
        return known[volume]

    return remembered


@_once
def _percentiles(volume: Volume) -> tuple[float, float]:
    return foreground_percentiles(sample(volume.array, _ignored(volume)))


@_once
def _is_ct(volume: Volume) -> bool:
    """Whether its values are Hounsfield units."""
    if volume.modality not in ("", "CT"):
        return False
    values = sample(volume.array, Ignored(CT_PADDING, volume.padding))
    return not cannot_be_hounsfield(values) if volume.modality else looks_like_hounsfield(values)


def _is_xray(volume: Volume) -> bool:
    """By modality; or a single 8-bit or 16-bit slice of no modality that has a scale of its own."""
    if volume.modality in XRAY_MODALITIES:
        return True
    pixels = volume.array.dtype
    picture = 1 in volume.array.shape and pixels.kind in "iu" and pixels.itemsize <= 2
    return picture and volume.modality not in _SCALED_MODALITIES


def _ignored(volume: Volume) -> Ignored:
    return Ignored(CT_PADDING if _is_ct(volume) else -math.inf, volume.padding)


def _words(text: str) -> str:
    """Name as in the presets, so that soft-tissue and Soft_Tissue are understood."""
    return " ".join(text.lower().replace("_", " ").replace("-", " ").split())


def _level_and_width(text: str) -> Window:
    """Window of a preset or of "LEVEL/WIDTH"."""
    name = _words(text)
    if name in window_presets():
        level, width = window_presets()[name]
        return Window(level - width / 2, level + width / 2, name)
    try:
        level, width = (float(part) for part in text.split("/"))
    except ValueError:
        known = ", ".join(window_presets())
        raise InputError(
            f'"{text}" is not a window. Use auto, file, full, percentile, paper, LEVEL/WIDTH such as -650/1500, '
            f"or one of: {known}."
        ) from None
    if not (math.isfinite(level) and math.isfinite(width) and width > 0):
        raise InputError(f'The window "{text}" needs a level and a width greater than 0, for example -650/1500.')
    return Window(level - width / 2, level + width / 2, f"{_in_full(level)}/{_in_full(width)}")


def _in_full(number: float) -> str:
    """As few digits as give the same number again: a result finds its window by its name."""
    return f"{number:g}" if float(f"{number:g}") == number else repr(number)
