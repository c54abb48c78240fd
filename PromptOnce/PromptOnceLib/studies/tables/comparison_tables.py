"""Pairs of arms tested, and what agreement goes with. As table 5 and section 4.1.3 of Prompt Once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.statistics.comparison import PairedComparison, adjusted, paired
from PromptOnceLib.studies.statistics.correlation import Coefficient, correlation
from PromptOnceLib.studies.tables.arm_values import (
    DICE,
    Measure,
    group_title,
    groups_of,
    pairs_of,
    rows_of,
)
from PromptOnceLib.studies.tables.study_table import Cell, StudyTable, TableColumn

_LEVEL = 0.05
ArmPair = tuple[ArmRows, ArmRows]


@dataclass(frozen=True)
class TestedPair:
    """Two arms compared by one measure in one group; the comparison's `volumes` is that of the means of the cases."""

    first: str
    second: str
    group: str
    measure: Measure
    comparison: PairedComparison


def compared_pairs(pairs: Sequence[ArmPair], measures: Sequence[Measure]) -> tuple[TestedPair, ...]:
    """Every pair by every measure in every group in which the two arms share slices that have it."""
    found = []
    for first, second in pairs:
        for group in groups_of((first, second)):
            for measure in measures:
                try:
                    values = pairs_of(first, second, measure, group)
                except EmptyArmError:
                    continue
                comparison = paired(values.a, values.b, values.cases)
                found.append(TestedPair(first.name, second.name, group, measure, comparison))
    return tuple(found)


def paired_tests_table(tested: Sequence[TestedPair]) -> StudyTable:
    """Paired tests on the slices and on the means of the cases, with effects, intervals and Holm's correction."""
    holm = adjusted([one.comparison.t_p for one in tested])
    # Of cases as well: they are the tests that do not take slices of one volume for independent.
    holm_of_cases = adjusted([_volumes(one).t_p for one in tested])
    rows: list[tuple[Cell, ...]] = []
    for one, p, p_of_cases in zip(tested, holm, holm_of_cases, strict=True):
        names = (group_title(one.group), one.second, one.first, f"{one.measure.title} ({one.measure.difference_unit})")
        rows.append((*names, "slices", *_tests(one.comparison, p)))
        if one.comparison.volumes is not None:
            rows.append((*names, "cases", *_tests(one.comparison.volumes, p_of_cases)))
    return StudyTable(
        "paired_tests",
        "Paired comparisons",
        "Differences are those of the arm from the other one, on the slices that both have. Tests of slices take these "
        "for independent, as the papers do; slices of one volume are alike, so their p-values are too small. Tests of "
        "cases compare one mean for every case and do not have this fault. Holm: corrected for the number of tests of "
        "this kind. Rank: Wilcoxon's signed-rank test, which does not need normal differences. d: mean difference by "
        "its standard deviation. Normal: p of Shapiro and Wilk's test of the differences. Equality: whether it is "
        "rejected at 0.05 after Holm's correction of the t-test.",
        (
            TableColumn("group", "Group"),
            TableColumn("arm", "Arm"),
            TableColumn("other_arm", "against"),
            TableColumn("measure", "Measure"),
            TableColumn("counted", "Counted"),
            TableColumn("n", "n", "count"),
            TableColumn("difference", "Difference", "difference"),
            TableColumn("low", "95 % from", "difference"),
            TableColumn("high", "to", "difference"),
            TableColumn("t", "t", "value"),
            TableColumn("p", "p", "p"),
            TableColumn("p_holm", "p (Holm)", "p"),
            TableColumn("p_wilcoxon", "p (rank)", "p"),
            TableColumn("d", "d", "value"),
            TableColumn("p_normal", "p (normal)", "p"),
            TableColumn("equality", "Equality"),
        ),
        tuple(rows),
    )


def size_table(arms: Sequence[ArmRows], pairs: Sequence[ArmPair], measure: Measure = DICE) -> StudyTable:
    """Correlation of a measure, and of its differences between arms, with the size of the reference."""
    rows = []
    for arm in arms:
        for group in groups_of([arm]):
            there = [row for row in rows_of(arm, group) if measure.of(row) is not None]
            sizes = [row.reference_pixels for row in there]
            values = [measure.of(row) for row in there]
            rows.append((group_title(group), f"{measure.title} of {arm.name}", *_correlated(sizes, values)))
    for first, second in pairs:
        sizes_of = {(row.group, row.case, row.slice): row.reference_pixels for row in first.rows}
        for group in groups_of((first, second)):
            values_of_first = {(row.case, row.slice): measure.of(row) for row in rows_of(first, group)}
            known = []
            for row in rows_of(second, group):
                before, after = values_of_first.get((row.case, row.slice)), measure.of(row)
                if before is not None and after is not None:
                    known.append((sizes_of[group, row.case, row.slice], after - before))
            what = f"{measure.title}: {second.name} less {first.name}"
            rows.append(
                (group_title(group), what, *_correlated(*np.array(known, dtype=float).reshape(-1, 2).T.tolist()))
            )
    return StudyTable(
        "size",
        "Correlation with the size of the reference",
        "Pearson's coefficient is of sizes in pixels, Spearman's of ranks; intervals of 95 % and p take slices for "
        "independent.",
        (
            TableColumn("group", "Group"),
            TableColumn("value", "Value"),
            TableColumn("slices", "Slices", "count"),
            *_coefficient_columns("pearson", "Pearson"),
            *_coefficient_columns("spearman", "Spearman"),
        ),
        tuple(rows),
    )


def _volumes(one: TestedPair) -> PairedComparison:
    """The comparison of the cases; that of the slices where every case has one slice."""
    return one.comparison.volumes or one.comparison


def _tests(comparison: PairedComparison, holm: float | None) -> tuple[Cell, ...]:
    low, high = comparison.interval or (None, None)
    return (
        comparison.n,
        comparison.difference,
        low,
        high,
        comparison.t,
        comparison.t_p,
        holm,
        comparison.wilcoxon_p,
        comparison.cohens_dz,
        comparison.shapiro_p,
        "not tested" if holm is None else "rejected" if holm < _LEVEL else "not rejected",
    )


def _correlated(x: Sequence[float], y: Sequence[float | None]) -> tuple[Cell, ...]:
    found = correlation(x, y)
    return (found.n, *_cells(found.pearson), *_cells(found.spearman))


def _cells(coefficient: Coefficient | None) -> tuple[Cell, ...]:
    if coefficient is None:
        return (None,) * 4
    return (coefficient.value, *(coefficient.interval or (None, None)), coefficient.p)


def _coefficient_columns(key: str, title: str) -> tuple[TableColumn, ...]:
    return (
        TableColumn(key, title, "small"),
        TableColumn(f"{key}_low", "95 % from", "small"),
        TableColumn(f"{key}_high", "to", "small"),
        TableColumn(f"{key}_p", "p", "p"),
    )
