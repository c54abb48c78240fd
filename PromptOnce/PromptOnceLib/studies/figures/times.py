"""What the arms took: loading the model, encoding a slice, answering a prompt. As figure 10 of Prompt Once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.studies.figures.style import (
    TEXT,
    StudyFigure,
    colour,
    hatch,
    in_house_style,
    light,
    panels,
    wrapped,
)
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.tables.arm_findings import times_of


@in_house_style
def times_figure(arms: Sequence[ArmRows], name: str = "times") -> StudyFigure:
    """Bars of the mean seconds of a slice, encoding and prompting one after the other; beside it those of loading.

    Raises EmptyArmError where no arm has times, and InputError where matplotlib is not installed.
    """
    times = [one for one in map(times_of, arms) if one.measured]
    if not times:
        raise EmptyArmError("No arm of the study has measured times: there is nothing to draw.")
    with_load = any(one.load is not None for one in times)
    figure, axes = panels(1, 1 + with_load, 0.42 * len(times) + 1.2)
    at = np.arange(len(times))[::-1]
    embed = np.array([one.embed or 0.0 for one in times])
    prompt = np.array([one.prompt or 0.0 for one in times])
    axes[0].barh(at, embed, 0.55, color=light(colour(0)), edgecolor=TEXT, linewidth=0.7, label="encoding the slice")
    axes[0].barh(
        at, prompt, 0.55, left=embed, color=light(colour(1)), edgecolor=TEXT, hatch=hatch(1), linewidth=0.7,
        label="answering the prompt",
    )  # fmt: skip
    for place, first, second in zip(at, embed, prompt, strict=True):
        axes[0].text(first + second, place, f"  {_short(first)} + {_short(second)}", va="center", fontsize=7)
    axes[0].set_xlim(0, 1.4 * float((embed + prompt).max() or 1))
    axes[0].set_xlabel("seconds for one slice")
    if with_load:
        loads = np.array([one.load or 0.0 for one in times])
        axes[1].barh(at, loads, 0.55, color=light(colour(6)), edgecolor=TEXT, linewidth=0.7)
        for place, one in zip(at, times, strict=True):
            label = "not measured" if one.load is None else _short(one.load)
            axes[1].text(one.load or 0.0, place, f"  {label}", va="center", fontsize=7)
        axes[1].set_xlim(0, 1.35 * float(loads.max() or 1))
        axes[1].set_xlabel("seconds for loading the model")
    for drawing in axes:
        drawing.grid(axis="y", visible=False)
        drawing.grid(axis="x")
        drawing.set_yticks(at, [wrapped(one.arm, 22) for one in times] if drawing is axes[0] else [""] * len(times))
        drawing.tick_params(axis="y", length=0)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return StudyFigure(
        name,
        "Times of loading, encoding and prompting",
        "Means over the slices that were measured, in the network alone: reading images and writing results are not in "
        "them. Only slices that are prompted by themselves are timed one by one, not those of a propagation.",
        figure,
    )


def _short(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 10 else f"{seconds:.1f}"
