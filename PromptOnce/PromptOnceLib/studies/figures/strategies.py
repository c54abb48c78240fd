"""Strategies of prompts beside each other, and what it costs to move a prompt.

As figures 6 to 8 and table 8 of Huang et al. (2024).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.studies.figures.box import HOW_TO_READ, arm_keys, boxes_of, draw_boxes, span_of
from PromptOnceLib.studies.figures.style import (
    DASHES,
    MARKERS,
    QUIET,
    StudyFigure,
    colour,
    in_house_style,
    panels,
)
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.tables.arm_findings import MovedPrompts
from PromptOnceLib.studies.tables.arm_values import (
    DICE,
    MEASURES,
    Measure,
    needed_values_of,
    values_of,
)

WORDS = {
    "paper": "papers' box\nand points",
    "S1": "S1\neverything",
    "S2": "S2\n1 point",
    "S3": "S3\n5 points",
    "S4": "S4\n5 + 5\npoints",
    "S5": "S5\nbox",
    "S6": "S6\nbox +\n1 point",
}


@in_house_style
def strategies_figure(
    arms: Sequence[ArmRows], group: str | None = None, measures: Sequence[Measure] = MEASURES, name: str = "strategies"
) -> StudyFigure:
    """A line for every measure: boxes of every strategy, the models side by side.

    Raises EmptyArmError where an arm has no values, and InputError where matplotlib is not installed.
    """
    models = list(dict.fromkeys(arm.model for arm in arms))
    strategies = sorted(dict.fromkeys(arm.strategy for arm in arms))
    figure, axes = panels(len(measures), 1, 1.75 * len(measures) + 0.7, same_x=True)
    step = len(models) + 0.7
    for one, measure in zip(axes, measures, strict=True):
        boxes = boxes_of([needed_values_of(arm, measure, group) for arm in arms])
        places = [models.index(arm.model) for arm in arms]
        at = [strategies.index(arm.strategy) * step + place for arm, place in zip(arms, places, strict=True)]
        draw_boxes(one, at, boxes, places)
        low, high = span_of(boxes)
        one.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
        one.set_ylabel(measure.axis_title)
        one.tick_params(axis="x", length=0)
    middle = (len(models) - 1) / 2
    axes[-1].set_xticks(
        [place * step + middle for place in range(len(strategies))], [WORDS.get(one, one) for one in strategies]
    )
    axes[-1].set_xlim(-0.8, (len(strategies) - 1) * step + len(models) - 0.2)
    counts = sorted(values_of(arm, measures[0], group).size for arm in arms)
    count = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    axes[0].set_title(f"n = {count} slices" + (f", {group}" if group else ""))
    arm_keys(figure, models)
    return StudyFigure(
        name,
        "Strategies of prompts" + (f", {group}" if group else ""),
        f"{HOW_TO_READ} S1 takes the best of all masks that the model finds without a prompt, so it is no result "
        "that a user could have.",
        figure,
    )


@in_house_style
def jitter_figure(moved: Sequence[MovedPrompts], measure: Measure = DICE, name: str = "moved_prompts") -> StudyFigure:
    """Loss by moved prompts: a panel for every model, a curve for every strategy.

    Raises EmptyArmError where nothing was moved, and InputError where matplotlib is not installed.
    """
    if not moved:
        raise EmptyArmError("No arm of the study moves its prompts: there is no loss to draw.")
    models = list(dict.fromkeys(one.model for one in moved))
    strategies = sorted({one.strategy for one in moved})
    shifts = sorted({one.shift for one in moved})
    figure, axes = panels(1, len(models), 2.9, same_y=True)
    for one, model in zip(axes, models, strict=True):
        for place, strategy in enumerate(strategies):
            drops = {item.shift: item.drops for item in moved if (item.model, item.strategy) == (model, strategy)}
            at = [0, *(1 + shifts.index(shift) for shift in drops)]
            means = [0.0, *(float(np.mean(values)) for values in drops.values())]
            tone = colour(place)
            one.plot(
                at,
                means,
                color=tone,
                linestyle=DASHES[place % len(DASHES)],
                marker=MARKERS[place],
                markersize=4,
                label=WORDS.get(strategy, strategy).replace("\n", " "),
            )
            for shift, values in drops.items():
                one.plot([1 + shifts.index(shift)] * len(values), values, ".", color=tone, markersize=3, alpha=0.7)
        one.axhline(0, color=QUIET, linewidth=0.7)
        one.set_xticks(range(len(shifts) + 1), ["none", *(f"{low}\N{EN DASH}{high}" for low, high in shifts)])
        one.set_xlabel("shift of points and box (pixels)")
        one.set_title(model)
    axes[0].set_ylabel(f"loss of {measure.title} ({measure.difference_unit})")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(3, len(strategies)))
    return StudyFigure(
        name,
        f"Loss of {measure.title} by moved prompts",
        "How much the mean falls when points and boxes are moved at random by the pixels below, as an imprecise hand "
        "would. Dots: single draws; lines: their mean.",
        figure,
    )
