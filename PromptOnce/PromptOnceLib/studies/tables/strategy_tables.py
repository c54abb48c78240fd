"""Strategies of prompts, moved prompts, and what agreement goes with: tables 2, 3, 6 and 8 of Huang et al. (2024)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.statistics.correlation import correlation, partial_rank_correlation
from PromptOnceLib.studies.statistics.summary import summary
from PromptOnceLib.studies.tables.arm_findings import ATTRIBUTES, MovedPrompts, Shapes, attribute_columns
from PromptOnceLib.studies.tables.arm_values import (
    DICE,
    Measure,
    group_title,
    groups_of,
    values_of,
)
from PromptOnceLib.studies.tables.study_table import Cell, StudyTable, TableColumn


def strategies_table(arms: Sequence[ArmRows], measures: Sequence[Measure]) -> StudyTable:
    """Means of every strategy, a line for every group, model and measure; arms: those with unmoved prompts."""
    strategies = sorted({arm.strategy for arm in arms})
    models = list(dict.fromkeys(arm.model for arm in arms))
    rows: list[tuple[Cell, ...]] = []
    for group in groups_of(arms):
        for measure in measures:
            for model in models:
                of_model = {arm.strategy: arm for arm in arms if arm.model == model}
                means = [
                    summary(values_of(of_model[one], measure, group)).mean if one in of_model else None
                    for one in strategies
                ]
                rows.append((group_title(group), measure.axis_title, model, *means))
    return StudyTable(
        "strategies",
        "Averages by strategy of prompts",
        "S1: everything, with the best of all masks; S2: 1 point; S3: 5 points; S4: 5 positive and 5 negative "
        "points; S5: box; S6: box and 1 point; paper: box and points of Prompt Once.",
        (
            TableColumn("group", "Group"),
            TableColumn("measure", "Measure"),
            TableColumn("model", "Model"),
            *(TableColumn(one, one, "value") for one in strategies),
        ),
        tuple(rows),
    )


def moved_table(moved: Sequence[MovedPrompts], measure: Measure = DICE) -> StudyTable:
    """Mean loss by moved prompts, a line for every model and shift."""
    strategies = sorted({one.strategy for one in moved})
    losses = {(one.model, one.shift, one.strategy): float(np.mean(one.drops)) for one in moved}
    draws = {(one.model, one.shift): len(one.drops) for one in moved}
    return StudyTable(
        "moved_prompts",
        f"Loss of {measure.title} by moved prompts",
        f"By how many {measure.difference_unit} the average falls when points and boxes are moved at random by so many "
        "pixels; the mean of all draws.",
        (
            TableColumn("model", "Model"),
            TableColumn("shift", "Shift (pixels)"),
            TableColumn("draws", "Draws", "count"),
            *(TableColumn(one, one, "value") for one in strategies),
        ),
        tuple(
            (model, f"{low}-{high}", count, *(losses.get((model, (low, high), one)) for one in strategies))
            for (model, (low, high)), count in sorted(draws.items())
        ),
    )


def attributes_table(arms: Sequence[ArmRows], shapes: Shapes, measure: Measure = DICE) -> StudyTable:
    """Rank correlations with size, contrast, outline and aspect; a line for every arm with measured shapes."""
    rows: list[tuple[Cell, ...]] = []
    for arm in arms:
        columns, values = attribute_columns(arm, shapes, measure)
        if not values.size:
            continue
        cells: list[Cell] = [arm.name, int(values.size)]
        for one in ATTRIBUTES:
            others = [column for key, column in columns.items() if key != one.key]
            rank = correlation(columns[one.key], values).spearman
            partial = partial_rank_correlation(columns[one.key], values, others).spearman
            cells += [
                None if rank is None else rank.value,
                None if partial is None else partial.value,
                None if partial is None else partial.p,
            ]
        rows.append(tuple(cells))
    return StudyTable(
        "attributes",
        f"What {measure.title} goes with",
        "Spearman's correlation, and what is left of it without what the other three explain (partial), with its p, "
        "which takes slices for independent. Contrast: difference of the mean grey values on the object and around "
        "it. Outline: Fourier order, larger for a more complex one.",
        (
            TableColumn("arm", "Arm"),
            TableColumn("slices", "Slices", "count"),
            *(
                column
                for one in ATTRIBUTES
                for column in (
                    TableColumn(one.key, one.short, "small"),
                    TableColumn(f"{one.key}_partial", "partial", "small"),
                    TableColumn(f"{one.key}_p", "p", "p"),
                )
            ),
        ),
        tuple(rows),
    )
