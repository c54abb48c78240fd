"""What the arms reached: their distributions, what they lack to the state of the art, and their times.

As tables 2, 3, 4 and 6 of Prompt Once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.statistics.summary import summary
from PromptOnceLib.studies.tables.arm_findings import times_of
from PromptOnceLib.studies.tables.arm_values import (
    Measure,
    group_title,
    groups_of,
    rows_of,
    values_of,
)
from PromptOnceLib.studies.tables.study_table import Cell, StudyTable, TableColumn

StateOfTheArt = Mapping[tuple[str, str], tuple[str, float]]
"""By group and key of the measure who reached how much, in the measure's unit."""

_OWAIS, _CHEN, _HE, _GU = "Owais et al.", "Chen et al.", "He et al.", "Gu et al."
STATE_OF_THE_ART: StateOfTheArt = {
    ("Coronacases", "jaccard"): (_OWAIS, 97.38),
    ("Coronacases", "dice"): (_OWAIS, 98.66),
    ("Radiopaedia", "jaccard"): (_OWAIS, 97.38),
    ("Radiopaedia", "dice"): (_OWAIS, 98.66),
    ("Montgomery", "jaccard"): (_CHEN, 97.82),
    ("Montgomery", "dice"): (_CHEN, 98.88),
    ("MR", "jaccard"): (_HE, 94.0),
    ("MR", "dice"): (_GU, 97.7),
}
"""Models trained for the task, as Prompt Once quotes them in table 3 and section 4.3."""

_STATISTICS = (("minimum", "Minimum"), ("maximum", "Maximum"), ("mean", "Average"), ("sd", "Std Dev"))


def results_table(arms: Sequence[ArmRows], measures: Sequence[Measure]) -> StudyTable:
    """A line for every group, arm and measure; of several groups also lines of all slices together."""
    rows = tuple(
        row for group in _groups(arms) for measure in measures for arm in arms for row in _result(arm, measure, group)
    )
    return StudyTable(
        "results",
        "Results of all arms",
        "Statistics over the slices that hold the reference: percent, or mm for distances. The interval of the mean "
        "takes slices for independent, which slices of one volume are not: it is too narrow.",
        (
            TableColumn("group", "Group"),
            TableColumn("arm", "Arm"),
            TableColumn("measure", "Measure"),
            TableColumn("cases", "Cases", "count"),
            TableColumn("slices", "Slices", "count"),
            TableColumn("min", "Minimum", "value"),
            TableColumn("q1", "1st quartile", "value"),
            TableColumn("median", "Median", "value"),
            TableColumn("q3", "3rd quartile", "value"),
            TableColumn("max", "Maximum", "value"),
            TableColumn("avg", "Average", "value"),
            TableColumn("low", "95 % from", "value"),
            TableColumn("high", "to", "value"),
            TableColumn("std", "Std Dev", "value"),
        ),
        rows,
    )


def against_table(first: ArmRows, second: ArmRows, measures: Sequence[Measure]) -> StudyTable:
    """Minimum, maximum, average and deviation of the second arm, each with its difference from the first one's.

    In the form of tables 2 and 6 of Prompt Once: two columns for every group and measure.
    """
    columns, cells = [TableColumn("statistic", "")], [[title] for _, title in _STATISTICS]
    lines: list[list[Cell]] = [list(line) for line in cells]
    for group in groups_of((first, second)):
        for measure in measures:
            one, other = summary(values_of(first, measure, group)), summary(values_of(second, measure, group))
            key = f"{group_title(group)}_{measure.key}".replace(" ", "_").lower()
            title = f"{group_title(group)}, {measure.title}"
            columns += [
                TableColumn(key, f"{title} ({measure.unit})", "value"),
                TableColumn(f"{key}_delta", "difference", "difference"),
            ]
            for line, (name, _) in zip(lines, _STATISTICS, strict=True):
                before, after = getattr(one, name), getattr(other, name)
                line += [after, None if before is None or after is None else after - before]
    return StudyTable(
        f"results_{second.name}_against_{first.name}",
        f"Results of {second.name}, and their difference from those of {first.name}",
        f"Over all slices with reference that each arm has. A positive difference of the average: {second.name} is "
        "larger.",
        tuple(columns),
        tuple(map(tuple, lines)),
    )


def state_of_the_art_table(arms: Sequence[ArmRows], measures: Sequence[Measure], best: StateOfTheArt) -> StudyTable:
    """Means of the arms beside those of models trained for the task; no lines where nothing is known of a group."""
    rows: list[tuple[Cell, ...]] = []
    for group in groups_of(arms):
        for measure in measures:
            aim = best.get((group, measure.key))
            for arm in arms if aim else ():
                mean = summary(values_of(arm, measure, group)).mean
                if aim and mean is not None:
                    rows.append((group, measure.title, aim[0], aim[1], arm.name, mean, mean - aim[1]))
    return StudyTable(
        "state_of_the_art",
        "Beside models that were trained for the task",
        "Averages over slices in percent; those of the trained models as Prompt Once quotes them.",
        (
            TableColumn("group", "Group"),
            TableColumn("measure", "Measure"),
            TableColumn("trained", "Trained model"),
            TableColumn("trained_avg", "its average", "value"),
            TableColumn("arm", "Arm"),
            TableColumn("avg", "Average", "value"),
            TableColumn("delta", "Difference", "difference"),
        ),
        tuple(rows),
    )


def times_table(arms: Sequence[ArmRows]) -> StudyTable:
    """Mean seconds of loading, encoding and prompting; arms without any measured time are left out."""
    rows = []
    for arm in arms:
        times = times_of(arm)
        if times.measured:
            parts = [part for part in (times.embed, times.prompt) if part is not None]
            rows.append((arm.name, arm.model, times.slices, times.load, times.embed, times.prompt, sum(parts)))
    return StudyTable(
        "times",
        "Times",
        "Seconds: loading the model once, and means over the slices that were measured. Reading images and writing "
        "results are not in them.",
        (
            TableColumn("arm", "Arm"),
            TableColumn("model", "Model"),
            TableColumn("slices", "Slices", "count"),
            TableColumn("load_seconds", "Loading", "seconds"),
            TableColumn("embed_seconds", "Encoding a slice", "seconds"),
            TableColumn("prompt_seconds", "Answering a prompt", "seconds"),
            TableColumn("seconds", "A slice in all", "seconds"),
        ),
        tuple(rows),
    )


def _groups(arms: Sequence[ArmRows]) -> tuple[str | None, ...]:
    groups = groups_of(arms)
    return (*groups, None) if len(groups) > 1 else groups


def _result(arm: ArmRows, measure: Measure, group: str | None) -> Iterator[tuple[Cell, ...]]:
    found = summary(values_of(arm, measure, group))
    if found.n == 0:
        return
    cases = len({row.case for row in rows_of(arm, group) if measure.of(row) is not None})
    low, high = found.interval or (None, None)
    yield (
        "all groups" if group is None else group_title(group),
        arm.name,
        measure.axis_title,
        cases,
        found.n,
        found.minimum,
        found.q1,
        found.median,
        found.q3,
        found.maximum,
        found.mean,
        low,
        high,
        found.sd,
    )
