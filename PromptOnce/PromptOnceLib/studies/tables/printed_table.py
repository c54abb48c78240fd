"""What the papers print, and beside it what the study found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from PromptOnceLib.studies.design import StudyDesign
from PromptOnceLib.studies.printed import PRINTED, PrintedValue
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.statistics.comparison import paired
from PromptOnceLib.studies.statistics.correlation import partial_rank_correlation
from PromptOnceLib.studies.statistics.summary import summary
from PromptOnceLib.studies.tables.arm_findings import MovedPrompts, Shapes, attribute_columns, times_of
from PromptOnceLib.studies.tables.arm_values import (
    BY_METRIC,
    DICE,
    Measure,
    groups_of,
    pairs_of,
    values_of,
)
from PromptOnceLib.studies.tables.study_table import Cell, StudyTable, TableColumn

_SHARE = re.compile(r"(jaccard|dice)(_\w+)?")
_STATISTICS = {"": "mean", "_min": "minimum", "_max": "maximum", "_median": "median", "_q1": "q1", "_q3": "q3"}
_CT_GROUPS = frozenset({"coronacases", "radiopaedia"})
_PAPERS_GROUPS = _CT_GROUPS | {"montgomery"}
_HUANG = "strategies"
_ALL, _WITH_XRAYS, _MEAN_OF_GROUPS = "all", "all, with Montgomery", "mean of groups"
_ATTRIBUTES = {"size": "size", "contrast": "intensity_difference", "fourier": "fourier_order", "aspect": "aspect_ratio"}
_WORDS = {  # in the order of the table
    "": "average",
    "_delta": "difference of averages",
    "_drop": "loss by moved prompts",
    "_t": "t of the paired test",
    "_p": "p of the paired test",
    "_min": "minimum",
    "_max": "maximum",
    "_q1": "1st quartile",
    "_median": "median",
    "_q3": "3rd quartile",
}

_NOTE = (
    "Percent and points for Jaccard and Dice, seconds for times, which depend on the computer. A negative t: the "
    "second arm is better."
)
_WITH_LOST_SLICES = ("single-prompt", "shared-seed")
_NOTE_OF_PROPAGATION = (
    " Prompt Once leaves out the slices in which SAM 2 found nothing: three of Coronacases, four of Radiopaedia. "
    "Here they count as 0."
)
_TIMES = {
    "seconds": "seconds for a slice",
    "embed_seconds": "seconds of encoding",
    "prompt_seconds": "seconds of prompting",
}


@dataclass(frozen=True)
class StudyValues:
    """What the printed values are compared with: the arms of a study and what was made of them."""

    design: StudyDesign
    arms: Sequence[ArmRows]
    moved: Sequence[MovedPrompts] = ()
    shapes: Shapes | None = None

    def of(self, printed: PrintedValue) -> float | None:
        """The study's own value: percent where the paper has a share, otherwise as printed; None where it has none."""
        arm = next((arm for arm in self.arms if arm.name == printed.arm), None)
        if arm is None:
            return None
        if printed.metric.endswith("_drop"):
            return self._drop(arm)
        share = _SHARE.fullmatch(printed.metric)
        if share is not None:
            return self._share(arm, BY_METRIC[share[1]], share[2] or "", printed.group)
        if printed.metric.endswith("_rho"):
            return self._rho(arm, printed.metric.removesuffix("_rho"), printed.group)
        part = self._part(arm, printed.group)
        if part is None or not printed.metric.endswith("seconds"):
            return None
        times = times_of(part)
        if printed.metric == "seconds":
            return None if times.embed is None or times.prompt is None else times.embed + times.prompt
        return {"embed_seconds": times.embed, "prompt_seconds": times.prompt}.get(printed.metric)

    def _share(self, arm: ArmRows, measure: Measure, ending: str, group: str) -> float | None:
        if group == _MEAN_OF_GROUPS:
            parts = [self._part(arm, one) for one in groups_of([arm]) if one.casefold() in _CT_GROUPS]
            means = [summary(values_of(part, measure)).mean for part in parts if part is not None]
            known = [mean for mean in means if mean is not None]
            return sum(known) / len(known) if len(known) == len(_CT_GROUPS) else None
        part = self._part(arm, group)
        if part is None:
            return None
        if ending in _STATISTICS:
            found: float | None = getattr(summary(values_of(part, measure)), _STATISTICS[ending])
            return found
        first = self._compared_with(arm.name)
        other = None if first is None else self._part(first, group)
        if other is None or not values_of(other, measure).size or not values_of(part, measure).size:
            return None
        pairs = pairs_of(other, part, measure)
        if ending == "_delta":
            return float(pairs.differences.mean())
        # As the papers do: slices for independent, and the first arm less the second.
        test = paired(pairs.b, pairs.a)
        return {"_t": test.t, "_p": test.t_p}.get(ending)

    def _rho(self, arm: ArmRows, attribute: str, group: str) -> float | None:
        part = self._part(arm, group)
        if part is None or self.shapes is None or attribute not in _ATTRIBUTES:
            return None
        columns, values = attribute_columns(part, self.shapes, DICE)
        chosen = columns.pop(_ATTRIBUTES[attribute])
        found = partial_rank_correlation(chosen, values, list(columns.values())).spearman
        return None if found is None else found.value

    def _drop(self, arm: ArmRows) -> float | None:
        asked = self.design.arm(arm.name)
        wanted = (arm.model, asked.strategy, asked.jitter)
        alike = [one for one in self.moved if (one.model, one.strategy, one.shift) == wanted]
        return fmean(alike[0].drops) if alike else None

    def _compared_with(self, name: str) -> ArmRows | None:
        """The arm that another one is first compared with."""
        first = next((pair.first for pair in self.design.comparisons if pair.second == name), None)
        return next((arm for arm in self.arms if arm.name == first), None)

    def _part(self, arm: ArmRows, group: str) -> ArmRows | None:
        """The arm's rows in a group as the papers call it; None where it has none.

        "all" are all slices in Huang et al.; in Prompt Once the CT volumes where the study has both groups of them.
        """
        groups = {one.casefold(): one for one in groups_of([arm])}
        papers_groups = groups.keys() & _PAPERS_GROUPS
        if group == _ALL and self.design.name == _HUANG:
            chosen = set(groups.values())
        elif group == _ALL and groups.keys() >= _CT_GROUPS:
            chosen = {groups[one] for one in _CT_GROUPS}
        elif (group == _ALL and not papers_groups) or (group == _WITH_XRAYS and papers_groups == _PAPERS_GROUPS):
            chosen = set(groups.values())
        else:
            chosen = {name for key, name in groups.items() if key == group.casefold()}
        rows = tuple(row for row in arm.rows if row.group in chosen)
        return replace(arm, rows=rows) if rows else None


def printed_table(values: StudyValues) -> StudyTable:
    """A line for every printed value that the study has one of its own for."""
    rows: list[tuple[Cell, ...]] = []
    for printed in sorted(PRINTED, key=_order):
        own = values.of(printed) if printed.study == values.design.name else None
        if own is None:
            continue
        share = _SHARE.fullmatch(printed.metric)
        scale = 100.0 if share is not None and share[2] not in ("_t", "_p") else 1.0
        shown = printed.value * scale
        # A difference of two p-values says nothing.
        change = None if printed.metric.endswith("_p") else own - shown
        # The paper's name and table; the journal stands in the documentation.
        source = re.sub(r"(, Segment Everything)? \(.*?\)|github.com/i3uex/", "", printed.source)
        rows.append((printed.group, printed.arm, _words(printed.metric), shown, own, change, source))
    return StudyTable(
        "printed",
        "What the papers print, and this study",
        _NOTE + (_NOTE_OF_PROPAGATION if values.design.name in _WITH_LOST_SLICES else ""),
        (
            TableColumn("group", "Group"),
            TableColumn("arm", "Arm"),
            TableColumn("value", "Value"),
            TableColumn("printed", "Printed", "printed"),
            TableColumn("here", "Here", "printed"),
            TableColumn("difference", "Difference", "change"),
            TableColumn("source", "Source"),
        ),
        tuple(rows),
    )


def _order(printed: PrintedValue) -> tuple[int, bool]:
    """Averages first, then differences and tests, times, and last what the distributions look like."""
    share = _SHARE.fullmatch(printed.metric)
    place = list(_WORDS)
    if share is None:
        return place.index("_p"), True
    return place.index(share[2] or ""), share[1] != "jaccard"


def _words(metric: str) -> str:
    share = _SHARE.fullmatch(metric)
    if share is not None:
        return f"{BY_METRIC[share[1]].title}, {_WORDS[share[2] or '']}"
    if metric.endswith("_rho"):
        return f"partial rank correlation with {metric.removesuffix('_rho').replace('fourier', 'the outline')}"
    return _TIMES.get(metric, metric)
