"""Which range of intensities matters in an image: full range, percentiles of the foreground, Hounsfield units or not.

All functions return the same figures for the same values whatever their type, and ignore NaN and infinities.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.imaging.volume import Array

Values = NDArray[np.float64]

# CT scanners fill what they did not measure with values no tissue has (-2000, -2048, -3024, ...).
CT_PADDING = -2000.0

# Voxels converted to float64 at a time (32 MB), and looked at for statistics that need no exact extremes.
SLAB_VOXELS = 4_000_000

_BINS = 256

# HU; most blood with contrast and spongy bone lies below.
_DENSE = 500.0

# When values count as isolated: how many times the span of the others they are away, up to which share of all they are
# few; an image of a handful of levels, such as a drawing, has none.
_FAR, _FEW, _FEWEST_LEVELS = 2.0, 0.005, 16


def slabs(array: Array) -> Iterator[tuple[slice, Values]]:
    """Slabs of an array along its first axis as float64 copies, few voxels at a time, with where they lie."""
    step = max(1, SLAB_VOXELS // max(1, array[0].size))
    for start in range(0, len(array), step):
        part = slice(start, start + step)
        yield part, array[part].astype(np.float64)


@dataclass(frozen=True)
class Ignored:
    """Values that do not count. floor: those up to it. ranges: those from the lower to the upper end of one."""

    floor: float = -math.inf
    ranges: tuple[tuple[float, float], ...] = ()

    def left(self, values: Values) -> Values:
        """The finite values that do count, flat."""
        counts = np.isfinite(values) & (values > self.floor)
        single = [low for low, high in self.ranges if low == high]
        if single:
            counts &= ~np.isin(values, single)
        for low, high in self.ranges:
            if low < high:
                counts &= (values < low) | (values > high)
        return values[counts]


NOTHING = Ignored()


def sample(array: Array, ignored: Ignored = NOTHING) -> Values:
    """Values that count as a flat float64 array, from a regular sub-grid where the image is large."""
    step = max(1, math.ceil((array.size / SLAB_VOXELS) ** (1 / array.ndim)))
    return ignored.left(array[(slice(None, None, step),) * array.ndim].astype(np.float64).ravel())


def full_range(array: Array, ignored: Ignored = NOTHING) -> tuple[float, float]:
    """Exact minimum and maximum of the values that count; (0, 0) where there are none."""
    lower, upper = math.inf, -math.inf
    for _, values in slabs(array):
        kept = ignored.left(values)
        if kept.size:
            lower, upper = min(lower, float(kept.min())), max(upper, float(kept.max()))
    return (lower, upper) if lower <= upper else (0.0, 0.0)


def foreground_percentiles(values: Values) -> tuple[float, float]:
    """Range for images without a physical scale (MR): from dark to the 99.5th percentile of the foreground.

    The foreground is what lies above Otsu's threshold, so that the amount of air around the patient does not change
    the upper end and a few very bright voxels do not darken the rest. The lower end is the 0.5th percentile of all
    values: fluid, cortical bone and air lie below the threshold and must stay distinguishable.
    Values that lie far off from all others, such as padding that no header names, do not count.
    values: flat, finite. (0, 0) where there are none.
    """
    if values.size == 0:
        return 0.0, 0.0
    values = _without_isolated(values)
    foreground = values[values >= otsu_threshold(values)]
    lower, upper = float(np.percentile(values, 0.5)), float(np.percentile(foreground, 99.5))
    return (lower, upper) if lower < upper else (float(values.min()), float(values.max()))


def _without_isolated(values: Values) -> Values:
    """Leaves out values at either end that lie farther from the others than these span, several times.

    Either very few, or one value alone that stands for what was not measured: the end of a range of integers, or
    anything below zero. A bright object before a dark background is neither.
    """
    for _ in range(2):  # once for each end
        levels = np.unique(values)
        if len(levels) < _FEWEST_LEVELS:
            return values
        widest = int(np.argmax(np.diff(levels)))
        below = values <= levels[widest]
        rest, apart = (levels[widest + 1 :], levels[: widest + 1])
        if np.count_nonzero(below) * 2 > len(values):
            below, rest, apart = ~below, apart, rest
        few = np.count_nonzero(below) <= _FEW * len(values)
        stands_for_nothing = len(apart) == 1 and (apart[0] < min(0.0, rest[0]) or _ends_a_range(float(apart[0])))
        others = values[~below]
        span = np.ptp(np.percentile(others, (0.5, 99.5)))  # whatever lies far off at the other end
        if not (few or stands_for_nothing) or levels[widest + 1] - levels[widest] <= _FAR * span:
            return values
        values = others
    return values


def _ends_a_range(value: float) -> bool:
    """Whether it is the largest integer of some number of bits, 10 or more, such as 4095, 32767 or 65535."""
    return value > 1000 and value.is_integer() and (int(value) + 1) & int(value) == 0


def otsu_threshold(values: Values) -> float:
    """Threshold that separates dark from bright values best (Otsu 1979), from a histogram of 256 bins.

    The histogram leaves out 0.1 percent at either end, so that single extreme voxels do not take up the bins.
    """
    lowest, highest = (float(end) for end in np.percentile(values, (0.1, 99.9)))
    if lowest == highest:
        return lowest
    counts, edges = np.histogram(values, bins=_BINS, range=(lowest, highest))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sum_below = np.cumsum(counts * centres)[:-1]
    sum_above = (counts * centres).sum() - sum_below
    mean_distance = sum_below / np.maximum(below, 1) - sum_above / np.maximum(above, 1)
    return float(edges[1 + int(np.argmax(below * above.astype(np.float64) * mean_distance**2))])


def looks_like_hounsfield(values: Values) -> bool:
    """Whether values of an image of unknown modality look like a CT: air near -1000, the rest within the HU scale.

    A crop without any air or lung does not show this and counts as unknown. values: flat, finite, without padding.
    """
    if values.size == 0:
        return False
    lowest, highest = np.percentile(values, (0.5, 99.5))
    return bool(-1200 <= lowest <= -600 and -200 <= highest <= 3100)


def cannot_be_hounsfield(values: Values) -> bool:
    """Whether values of a CT are on another scale, such as stored values whose rescaling was lost, or a micro-CT's.

    None is below 0, where air and fat are, and a quarter of those above is as dense as little but bone and metal.
    values: flat, finite, without padding.
    """
    dense = values[values > 0]
    return bool(dense.size and values.min() >= 0 and np.percentile(dense, 75) > _DENSE)
