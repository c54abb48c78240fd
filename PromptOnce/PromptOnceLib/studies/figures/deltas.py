"""Differences between two arms, slice by slice: as boxes, and from the best to the worst.

As figures 7 and 8 of Prompt Once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from PromptOnceLib.studies.figures.box import HOW_TO_READ, boxes_of, draw_boxes, span_of
from PromptOnceLib.studies.figures.style import (
    BETTER,
    QUIET,
    WORSE,
    StudyFigure,
    in_house_style,
    light,
    panels,
)
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.statistics.summary import BoxStatistics
from PromptOnceLib.studies.tables.arm_values import (
    DICE,
    JACCARD,
    Measure,
    PairedValues,
    group_title,
    groups_of,
    pairs_of,
)
from PromptOnceLib.studies.tables.wording import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SAME = 1e-6  # arms that differ by less are drawn as equal


@in_house_style
def deltas_figure(
    a: ArmRows, b: ArmRows, measures: Sequence[Measure] = (JACCARD, DICE), name: str = "deltas"
) -> StudyFigure:
    """Boxes of B minus A, a panel for every measure, a box for every group.

    Raises EmptyArmError where the arms share no slice in a group, and InputError where matplotlib is not installed.
    """
    groups = groups_of((a, b))
    figure, axes = panels(1, len(measures), 2.9)
    for one, measure in zip(axes, measures, strict=True):
        pairs = [pairs_of(a, b, measure, group) for group in groups]
        _boxes(one, measure, groups, boxes_of([pair.differences for pair in pairs]))
    return StudyFigure(
        name,
        f"{b.name} minus {a.name}, slice by slice",
        f"{HOW_TO_READ} Above zero {b.name} is better. In small print: the mean of all differences, outliers included, "
        "and the share of slices that lie beyond the whiskers.",
        figure,
    )


@in_house_style
def sorted_deltas_figure(
    a: ArmRows, b: ArmRows, measures: Sequence[Measure] = (JACCARD, DICE), name: str = "deltas_sorted"
) -> StudyFigure:
    """All differences B minus A from the best to the worst, outliers included; a panel for every measure and group.

    Errors as for deltas_figure.
    """
    groups = groups_of((a, b))
    figure, axes = panels(len(measures), len(groups), 1.75 * len(measures) + 0.3, same_x=True)
    for row, measure in enumerate(measures):
        for column, group in enumerate(groups):
            one = axes[row * len(groups) + column]
            _descending(one, pairs_of(a, b, measure, group), measure)
            if row == 0:
                one.set_title(group_title(group))
            if column == 0:
                one.set_ylabel(f"{measure.title}\n(difference, {measure.difference_unit})")
            if row == len(measures) - 1:
                one.set_xlabel("slices, best to worst (%)")
    return StudyFigure(
        name,
        f"Every difference {b.name} minus {a.name}, in descending order",
        f"Slices from the largest gain of {b.name} to its largest loss, as a share of all. Dark with hatching: slices "
        "that became worse.",
        figure,
    )


def _boxes(axes: Axes, measure: Measure, groups: Sequence[str], boxes: Sequence[BoxStatistics]) -> None:
    axes.axhline(0, color=QUIET, linewidth=0.9)
    draw_boxes(axes, range(len(groups)), boxes, [1] * len(groups), width=0.5)
    low, high = span_of(boxes, (0.0,))
    if high - low < _SAME:
        low, high = -0.5, 0.5
    room = 0.08 * (high - low)
    axes.set_ylim(low - room, high + 2.5 * room)
    for place, box in enumerate(boxes):
        words = f"mean {signed(box.mean)}\n{100 * len(box.outliers) / box.n:.0f} % beyond"
        at = axes.get_xaxis_transform()
        axes.text(place, 0.985, words, ha="center", va="top", fontsize=6.5, transform=at)
    labels = [f"{group_title(group)}\nn = {box.n}" for group, box in zip(groups, boxes, strict=True)]
    axes.set_xticks(range(len(groups)), labels)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_title(measure.title)
    axes.set_ylabel(f"difference ({measure.difference_unit})")


def _descending(axes: Axes, pairs: PairedValues, measure: Measure) -> None:
    sign = 1 if measure.higher_is_better else -1
    values = np.sort(sign * pairs.differences)[::-1]
    share = np.arange(values.size + 1) * 100 / values.size
    gained = 100 * float(np.mean(values > 0))
    heights = np.append(values, values[-1])
    axes.fill_between(share, 0, np.maximum(heights, 0), step="post", color=light(BETTER, 0.3), linewidth=0)
    axes.fill_between(
        share, 0, np.minimum(heights, 0), step="post", facecolor=light(WORSE, 0.2), hatch="////", linewidth=0
    )
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.set_xlim(0, 100)
    axes.text(
        0.97, 0.95, f"{gained:.0f} % better", ha="right", va="top", fontsize=7, transform=axes.transAxes, color=BETTER
    )
