"""Agreement against what may explain it: the size of the mask, contrast, outline; with the correlations in print.

As figure 13 of Huang et al. (2024), and the correlation with mask size in section 4.1.3 of Prompt Once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.studies.figures.style import TEXT, StudyFigure, colour, hide_from, in_house_style, panels
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.statistics.correlation import (
    Coefficient,
    correlation,
    partial_rank_correlation,
)
from PromptOnceLib.studies.tables.arm_findings import ATTRIBUTES, Shapes, attribute_columns
from PromptOnceLib.studies.tables.arm_values import (
    DICE,
    Measure,
    Values,
    group_title,
    groups_of,
    needed_values_of,
    rows_of,
)
from PromptOnceLib.studies.tables.wording import RHO, decimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_AS_SHAPES = 3000  # more points are drawn as pixels in the SVG, which would grow too large
_BINS = 8


@in_house_style
def size_figure(arm: ArmRows, measure: Measure = DICE, name: str = "size") -> StudyFigure:
    """A measure against the size of the reference, a panel for every group, a point for every slice.

    Raises EmptyArmError where a group has no values, and InputError where matplotlib or scipy is not
    installed.
    """
    groups = groups_of([arm])
    columns = min(3, len(groups))
    figure, axes = panels(-(-len(groups) // columns), columns, 2.6 * -(-len(groups) // columns), same_y=True)
    hide_from(axes, len(groups))
    for place, (one, group) in enumerate(zip(axes, groups, strict=False)):
        y = needed_values_of(arm, measure, group)
        x = np.array([row.reference_pixels for row in rows_of(arm, group) if measure.of(row) is not None], dtype=float)
        found = correlation(x, y)
        _points(one, x, y, logarithmic=True)
        words = [f"Pearson r {_words(found.pearson)}", f"Spearman {RHO} {_words(found.spearman)}"]
        one.set_title("\n".join([f"{group_title(group)}, n = {found.n}", *([found.note] if found.note else words)]))
        one.set_xlabel("size of the reference (pixels)")
        if place % columns == 0:
            one.set_ylabel(measure.axis_title)
    return StudyFigure(
        name,
        f"{measure.title} against the size of the reference, {arm.name}",
        "A point for every slice that holds the reference; black line: medians of eight parts of equal number. In "
        "brackets: 95 % intervals, which take slices for independent. The axis of sizes is logarithmic; Pearson's r is "
        "that of the sizes themselves.",
        figure,
    )


@in_house_style
def attributes_figure(arm: ArmRows, shapes: Shapes, measure: Measure = DICE, name: str = "attributes") -> StudyFigure:
    """A measure against size, contrast, outline and aspect of the object, over all groups.

    Raises EmptyArmError where no slice of the arm has a shape, and InputError where matplotlib or scipy is not
    installed.
    """
    columns, y = attribute_columns(arm, shapes, measure)
    if not y.size:
        raise EmptyArmError(
            f"The arm {arm.name} has no slice whose shape was measured: there is nothing to compare with."
        )
    figure, axes = panels(2, 2, 5.2, same_y=True)
    for place, (one, attribute) in enumerate(zip(axes, ATTRIBUTES, strict=True)):
        x = columns[attribute.key]
        rank = correlation(x, y)
        others = [column for key, column in columns.items() if key != attribute.key]
        partial = partial_rank_correlation(x, y, others)
        _points(one, x[np.isfinite(x)], y[np.isfinite(x)], logarithmic=attribute.logarithmic)
        one.set_title(
            f"Spearman {RHO} {_words(rank.spearman)}, n = {rank.n}\n"
            f"partial {RHO} {_words(partial.spearman)}, n = {partial.n}"
        )
        one.set_xlabel(attribute.title)
        if place % 2 == 0:
            one.set_ylabel(measure.axis_title)
    return StudyFigure(
        name,
        f"What {measure.title} goes with, {arm.name}",
        "A point for every slice; black line: medians of eight parts of equal number. Partial: what is left without "
        "what the other three explain, as Huang et al. report it. In brackets: 95 % intervals, which take slices for "
        "independent.",
        figure,
    )


def _points(axes: Axes, x: Values, y: Values, *, logarithmic: bool) -> None:
    """The points, and the medians of parts of equal number along x."""
    from matplotlib.ticker import LogLocator, NullLocator

    as_pixels = x.size > _MOST_AS_SHAPES
    axes.plot(x, y, "o", color=colour(0), alpha=0.35, markersize=2.5, markeredgewidth=0, rasterized=as_pixels)
    if logarithmic and x.size and x.min() > 0:
        axes.set_xscale("log")
        narrow = x.max() < 200 * x.min()  # more numbers than these would run into each other
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    parts = [part for part in np.array_split(np.argsort(x, kind="stable"), _BINS) if part.size]
    if len(parts) == _BINS:
        middle = [(float(np.median(x[part])), float(np.median(y[part]))) for part in parts]
        axes.plot(*np.array(middle).T, color=TEXT, linewidth=1.5, marker="s", markersize=3)


def _words(coefficient: Coefficient | None) -> str:
    """Such as "= 0.20 (0.16 to 0.24)"."""
    if coefficient is None:
        return "not defined"
    text = f"= {decimal(coefficient.value)}"
    if coefficient.interval is not None:
        text += f" ({decimal(coefficient.interval[0])} to {decimal(coefficient.interval[1])})"
    return text
