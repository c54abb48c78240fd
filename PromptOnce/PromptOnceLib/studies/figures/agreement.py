"""Box plots of the arms' results by group, with what lies between the arms and to the state of the art.

As figures 6, 12, 14 and 16 of Prompt Once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PromptOnceLib.batch.report.page import counted
from PromptOnceLib.studies.figures.box import HOW_TO_READ, arm_keys, boxes_of, draw_boxes, span_of
from PromptOnceLib.studies.figures.style import (
    BETTER,
    QUIET,
    REFERENCE,
    WORSE,
    StudyFigure,
    hide_from,
    in_house_style,
    panels,
)
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.statistics.summary import BoxStatistics
from PromptOnceLib.studies.tables.arm_values import (
    DICE,
    JACCARD,
    Measure,
    group_title,
    groups_of,
    needed_values_of,
    rows_of,
)
from PromptOnceLib.studies.tables.result_tables import StateOfTheArt
from PromptOnceLib.studies.tables.wording import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN = 0.005  # a smaller difference is printed as zero
_BOXES_IN_A_THIRD, _BOXES_IN_A_HALF = 4, 6  # of the figure's width


@in_house_style
def agreement_figure(
    arms: Sequence[ArmRows],
    measures: Sequence[Measure] = (JACCARD, DICE),
    state_of_the_art: StateOfTheArt | None = None,
    name: str = "agreement",
) -> StudyFigure:
    """A panel for every group, in it the arms side by side for every measure; the measures have the same unit.

    The differences are those of the later arms' means to the first one's. Raises EmptyArmError where an arm has no
    values in a group, and InputError where matplotlib is not installed.
    """
    groups, best = groups_of(arms), state_of_the_art or {}
    columns = min(len(groups), _columns(len(arms) * len(measures)))
    lines = -(-len(groups) // columns)
    figure, axes = panels(lines, columns, 2.9 * lines + 0.4, same_y=True)
    hide_from(axes, len(groups))
    drawn, levels = [], []
    for one, group in zip(axes, groups, strict=False):
        boxes = [boxes_of([needed_values_of(arm, measure, group) for arm in arms]) for measure in measures]
        aims = [best.get((group, measure.key)) for measure in measures]
        _panel(one, measures, boxes, aims)
        cases = {row.case for arm in arms for row in rows_of(arm, group)}
        one.set_title(f"{group_title(group)}\n{_sizes(boxes)} slices of {counted(len(cases), 'case')}")
        drawn += [box for cluster in boxes for box in cluster]
        levels += [aim[1] for aim in aims if aim]
    low, high = span_of(drawn, levels)
    room = 0.06 * (high - low)
    for place, one in enumerate(axes):
        one.set_ylim(low - room, high + 4 * room)
        one.set_yticks([tick for tick in one.get_yticks() if low - room <= tick <= 100])
        if place % columns == 0:
            one.set_ylabel(f"agreement with the reference ({measures[0].unit})")
    arm_keys(figure, [arm.name for arm in arms])
    named = ", ".join(dict.fromkeys(who for (group, _), (who, _) in best.items() if group in groups))
    return StudyFigure(
        name,
        " and ".join(measure.title for measure in measures) + " of every arm",
        f"{HOW_TO_READ} Numbers on top: difference of the means to {arms[0].name}, in "
        f"{measures[0].difference_unit}, marked by the dashed lines between the boxes."
        + (f" Horizontal lines: state of the art ({named}), with what the last arm lacks to it." if named else ""),
        figure,
    )


def _columns(boxes: int) -> int:
    return 3 if boxes <= _BOXES_IN_A_THIRD else 2 if boxes <= _BOXES_IN_A_HALF else 1


def _panel(
    axes: Axes,
    measures: Sequence[Measure],
    boxes: Sequence[Sequence[BoxStatistics]],
    aims: Sequence[tuple[str, float] | None],
) -> None:
    """boxes: by measure and arm."""
    arms = len(boxes[0])
    step = arms + 0.9
    for place, (cluster, aim) in enumerate(zip(boxes, aims, strict=True)):
        at = [place * step + number for number in range(arms)]
        draw_boxes(axes, at, cluster, range(arms))
        for number in range(1, arms):
            _difference(axes, at[number], cluster[0].mean, cluster[number].mean)
        if aim:
            _aim(axes, at, aim[1], cluster[-1].mean)
    axes.set_xticks([place * step + (arms - 1) / 2 for place in range(len(measures))], [m.title for m in measures])
    axes.set_xlim(-0.7, len(measures) * step - 0.9)
    axes.tick_params(axis="x", length=0)


def _difference(axes: Axes, at: float, first: float, mean: float) -> None:
    tone = QUIET if abs(mean - first) < _SHOWN else BETTER if mean > first else WORSE
    axes.plot([at - 0.5, at - 0.5], [first, mean], color=tone, linestyle=(0, (2, 1)), linewidth=1.4, marker="_")
    axes.text(
        at - 0.25,
        0.985,
        signed(mean - first),
        color=tone,
        ha="center",
        va="top",
        fontsize=7.5,
        transform=axes.get_xaxis_transform(),
    )


def _aim(axes: Axes, at: Sequence[float], level: float, mean: float) -> None:
    """The line of the state of the art over a cluster, and at its right what the last arm lacks to it."""
    right = at[-1] + 0.52
    axes.plot([at[0] - 0.45, right], [level, level], color=REFERENCE, linewidth=1.3)
    axes.plot([right, right], [mean, level], color=REFERENCE, linestyle=(0, (4, 2)), linewidth=1.0)
    axes.text(
        right + 0.06, (level + mean) / 2, signed(mean - level), color=REFERENCE, rotation=90, va="center", fontsize=7
    )


def _sizes(boxes: Sequence[Sequence[BoxStatistics]]) -> str:
    counts = sorted({box.n for cluster in boxes for box in cluster})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
