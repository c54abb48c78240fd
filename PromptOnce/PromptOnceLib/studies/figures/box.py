"""Boxes as the papers draw them: notched, the mean dashed, the median solid, without outliers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from PromptOnceLib.studies.arm_values import Values
from PromptOnceLib.studies.figures.style import TEXT, colour, hatch, light

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOW_TO_READ = (
    "Boxes hold the middle half of the slices, whiskers reach to the last slice within 1.5 times the box's height; "
    "outliers are left out. Solid line: median, with a notch for its 95 % interval; dashed line: mean."
)

_FEWEST_FOR_NOTCH = 8


def draw_boxes(
    axes: Axes, positions: Sequence[float], values: Sequence[Values], places: Sequence[int], width: float = 0.62
) -> None:
    """A box for every set of values, each (n,) with n > 0; places: of their arms, which give colour and hatching.

    A notch stands only where eight values or more support it. Its half height is 1.57 times the box's over the root of
    n (McGill, Tukey, Larsen 1978).
    """
    for notch in (True, False):
        chosen = [i for i, one in enumerate(values) if (one.size >= _FEWEST_FOR_NOTCH) == notch]
        if not chosen:
            continue
        parts = axes.boxplot(
            [values[i] for i in chosen],
            positions=[positions[i] for i in chosen],
            widths=width,
            notch=notch,
            showfliers=False,
            showmeans=True,
            meanline=True,
            patch_artist=True,
            manage_ticks=False,
            medianprops={"color": TEXT, "linewidth": 1.6, "solid_capstyle": "butt"},
            meanprops={"color": TEXT, "linewidth": 1.0, "linestyle": (0, (3, 2))},
            whiskerprops={"color": TEXT, "linewidth": 0.7},
            capprops={"color": TEXT, "linewidth": 0.7},
            boxprops={"linewidth": 0.8},
        )
        for box, i in zip(parts["boxes"], chosen, strict=True):
            box.set(facecolor=light(colour(places[i])), edgecolor=TEXT, hatch=hatch(places[i]))


def whiskers(values: Values) -> tuple[float, float]:
    """Where the whiskers of a box end: the last values within 1.5 times the box's height."""
    low, high = np.percentile(values, (25, 75))
    reach = 1.5 * (high - low)
    inside = values[(values >= low - reach) & (values <= high + reach)]
    return float(min(inside.min(), low)), float(max(inside.max(), high))


def span_of(values: Sequence[Values], also: Sequence[float] = ()) -> tuple[float, float]:
    """From the lowest to the highest of what is drawn of the boxes: whiskers, notches and means, and `also`."""
    ends = [end for one in values for end in (*whiskers(one), float(one.mean()))]
    for one in values:
        if one.size >= _FEWEST_FOR_NOTCH:
            low, middle, high = np.percentile(one, (25, 50, 75))
            half = 1.57 * (high - low) / one.size**0.5
            ends += [float(middle - half), float(middle + half)]
    ends += also
    return min(ends), max(ends)


def arm_keys(figure: Figure, names: Sequence[str]) -> None:
    """A legend below the drawings that names the arms by colour and hatching."""
    from matplotlib.patches import Patch

    keys = [
        Patch(facecolor=light(colour(place)), edgecolor=TEXT, hatch=hatch(place), linewidth=0.8, label=name)
        for place, name in enumerate(names)
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=min(4, len(keys)), handlelength=2.2)
