"""Boxes as the papers draw them: notched, the mean dashed, the median solid, without outliers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PromptOnceLib.studies.figures.style import TEXT, colour, hatch, light
from PromptOnceLib.studies.statistics.summary import BoxStatistics, box_statistics
from PromptOnceLib.studies.tables.arm_values import Values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOW_TO_READ = (
    "Boxes hold the middle half of the slices, whiskers reach to the last slice within 1.5 times the box's height; "
    "outliers are left out. Solid line: median, with a notch for its 95 % interval where the box is large enough for "
    "it; dashed line: mean."
)

_FEWEST_FOR_NOTCH = 8


def boxes_of(values: Sequence[Values]) -> list[BoxStatistics]:
    """What is drawn of every set of values, each (n,) with n > 0."""
    return [box for box in map(box_statistics, values) if box is not None]


def draw_boxes(
    axes: Axes,
    positions: Sequence[float],
    boxes: Sequence[BoxStatistics],
    places: Sequence[int],
    width: float = 0.62,
) -> None:
    """The boxes at positions along x; places: of their arms, which give colour and hatching."""
    for notched in (True, False):
        chosen = [i for i, one in enumerate(boxes) if _has_notch(one) == notched]
        if not chosen:
            continue
        parts = axes.bxp(
            [_as_matplotlib(boxes[i]) for i in chosen],
            positions=[positions[i] for i in chosen],
            widths=width,
            shownotches=notched,
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


def span_of(boxes: Sequence[BoxStatistics], also: Sequence[float] = ()) -> tuple[float, float]:
    """From the lowest to the highest of what is drawn: whiskers, notches and means, and `also`."""
    ends = [end for box in boxes for end in (*box.whiskers, box.mean)]
    ends += also
    return min(ends), max(ends)


def _has_notch(box: BoxStatistics) -> bool:
    """Whether enough values support a notch, and the box is large enough for it: one beyond it would be folded back."""
    return box.n >= _FEWEST_FOR_NOTCH and box.q1 <= box.notch[0] and box.notch[1] <= box.q3


def _as_matplotlib(box: BoxStatistics) -> dict[str, float]:
    return {
        "med": box.median,
        "q1": box.q1,
        "q3": box.q3,
        "whislo": box.whiskers[0],
        "whishi": box.whiskers[1],
        "cilo": box.notch[0],
        "cihi": box.notch[1],
        "mean": box.mean,
    }


def arm_keys(figure: Figure, names: Sequence[str]) -> None:
    """A legend below the drawings that names the arms by colour and hatching."""
    from matplotlib.patches import Patch

    keys = [
        Patch(facecolor=light(colour(place)), edgecolor=TEXT, hatch=hatch(place), linewidth=0.8, label=name)
        for place, name in enumerate(names)
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=min(4, len(keys)), handlelength=2.2)
