"""Which tables and figures a study has: those that its arms have values for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from PromptOnceLib.batch.planning.case_names import distinct_names
from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.studies.design import StudyDesign
from PromptOnceLib.studies.figures.agreement import agreement_figure
from PromptOnceLib.studies.figures.along_volume import along_volume_figure, seed_choice_figure, seed_effect_figure
from PromptOnceLib.studies.figures.deltas import deltas_figure, sorted_deltas_figure
from PromptOnceLib.studies.figures.paired_test import paired_test_figure
from PromptOnceLib.studies.figures.scatter import attributes_figure, size_figure
from PromptOnceLib.studies.figures.strategies import jitter_figure, strategies_figure
from PromptOnceLib.studies.figures.style import StudyFigure
from PromptOnceLib.studies.figures.times import times_figure
from PromptOnceLib.studies.presets import PRESETS
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.tables.arm_findings import MovedPrompts, Shapes, moved_prompts, plain_arms, times_of
from PromptOnceLib.studies.tables.arm_values import (
    BY_METRIC,
    DICE,
    HAUSDORFF,
    Measure,
    group_title,
    groups_of,
    values_of,
)
from PromptOnceLib.studies.tables.comparison_tables import ArmPair, compared_pairs, paired_tests_table, size_table
from PromptOnceLib.studies.tables.printed_table import StudyValues, printed_table
from PromptOnceLib.studies.tables.result_tables import (
    STATE_OF_THE_ART,
    StateOfTheArt,
    against_table,
    results_table,
    state_of_the_art_table,
    times_table,
)
from PromptOnceLib.studies.tables.strategy_tables import attributes_table, moved_table, strategies_table
from PromptOnceLib.studies.tables.study_table import StudyTable

_T = TypeVar("_T")

_MOST_PAIRS_DRAWN = 6
_MOST_ARMS_DRAWN = 6


@dataclass
class StudyContents:
    """What the page shows. left_out: sentences about what could not be made."""

    tables: list[StudyTable] = field(default_factory=list)
    figures: list[StudyFigure] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def table(self, make: Callable[[], StudyTable]) -> None:
        """Add a table that has rows."""
        made = self._made(make)
        if made is not None and made.rows:
            self.tables.append(made)

    def figure(self, make: Callable[[], StudyFigure]) -> None:
        """Add a figure."""
        made = self._made(make)
        if made is not None:
            self.figures.append(made)

    def _made(self, make: Callable[[], _T]) -> _T | None:
        try:
            return make()
        except EmptyArmError as error:
            if str(error) not in self.left_out:
                self.left_out.append(str(error))
            return None


def study_contents(design: StudyDesign, arms: Sequence[ArmRows], shapes: Shapes | None = None) -> StudyContents:
    """The tables and figures of a study.

    arms: those that have rows, in the design's order. shapes: of the references, where they were measured. What an arm
    has no values for is left out and said. Raises InputError where matplotlib or scipy is not installed.
    """
    contents = StudyContents()
    arms = _with_values(arms, contents)
    if not arms:
        return contents
    measures = [BY_METRIC[name] for name in design.metrics]
    plain = plain_arms(design, arms)
    moved: Sequence[MovedPrompts] = ()
    if len(plain) < len(arms):
        try:
            moved = moved_prompts(design, arms)
        except EmptyArmError as error:
            contents.left_out.append(str(error))
    pairs = _pairs(design, arms)
    by_strategy = _by_strategy(plain)
    best = _state_of_the_art(design)

    contents.table(lambda: printed_table(StudyValues(design, arms, moved, shapes)))
    if by_strategy:
        contents.table(lambda: strategies_table(plain, measures))
    contents.table(lambda: results_table(plain, measures))
    if moved:
        contents.table(lambda: moved_table(moved))
    if not by_strategy:
        for first, second in pairs:
            contents.table(partial(against_table, first, second, _shares(measures)))
        contents.table(lambda: state_of_the_art_table(plain, _shares(measures), best))
    if pairs:
        contents.table(lambda: paired_tests_table(compared_pairs(pairs, measures)))
    contents.table(lambda: size_table(plain, [] if by_strategy else pairs))
    if shapes is not None:
        contents.table(partial(attributes_table, plain, shapes))
    contents.table(lambda: times_table(plain))
    _draw(contents, design, plain, pairs, moved, measures, shapes, best if not by_strategy else {})
    return contents


def _draw(
    contents: StudyContents,
    design: StudyDesign,
    plain: Sequence[ArmRows],
    pairs: Sequence[ArmPair],
    moved: Sequence[MovedPrompts],
    measures: Sequence[Measure],
    shapes: Shapes | None,
    best: StateOfTheArt,
) -> None:
    by_strategy = _by_strategy(plain)
    drawn = plain[:_MOST_ARMS_DRAWN]
    if by_strategy:
        for group, name in distinct_names(groups_of(plain), "").items():
            name = f"strategies_{name}" if group else "strategies"
            known = [measure for measure in measures if all(values_of(arm, measure, group).size for arm in plain)]
            contents.figure(partial(strategies_figure, plain, group, known or measures, name))
    else:
        contents.figure(partial(agreement_figure, plain, _shares(measures), best))
        _draw_pairs(contents, pairs[:_MOST_PAIRS_DRAWN], _shares(measures))
    if moved:
        contents.figure(partial(jitter_figure, moved))
    if not by_strategy:
        _draw_positions(contents, design, plain)
    for arm in drawn:
        contents.figure(partial(size_figure, arm, name=f"size_{arm.name}"))
        if shapes is not None:
            contents.figure(partial(attributes_figure, arm, shapes, name=f"attributes_{arm.name}"))
    if any(times_of(arm).measured for arm in plain):
        contents.figure(partial(times_figure, plain))


def _draw_pairs(contents: StudyContents, pairs: Sequence[ArmPair], measures: Sequence[Measure]) -> None:
    for first, second in pairs:
        name = f"{second.name}_against_{first.name}"
        contents.figure(partial(deltas_figure, first, second, measures, f"deltas_{name}"))
        contents.figure(partial(sorted_deltas_figure, first, second, measures, f"deltas_sorted_{name}"))
        contents.figure(partial(paired_test_figure, first, second, measures, f"paired_test_{name}"))


def _draw_positions(contents: StudyContents, design: StudyDesign, plain: Sequence[ArmRows]) -> None:
    """What the place in the volume has to do with agreement, for arms whose cases have several slices."""
    arms = [arm for arm in plain if any(row.slices > 1 for row in arm.rows)]
    propagated = [arm for arm in arms if arm.method == "propagate"]
    for arm in arms[:_MOST_ARMS_DRAWN]:
        if arm in propagated:
            contents.figure(partial(along_volume_figure, arm, name=f"along_volume_{arm.name}"))
        else:
            contents.figure(partial(seed_choice_figure, arm, name=f"seed_choice_{arm.name}"))
    own = [arm for arm in propagated if not design.arm(arm.name).shared_seed]
    if len({design.arm(arm.name).position for arm in own}) > 1:
        contents.figure(partial(seed_effect_figure, own))


def _with_values(arms: Sequence[ArmRows], contents: StudyContents) -> tuple[ArmRows, ...]:
    """The arms that have values at all, in the groups in which all of them do."""
    found = []
    for arm in arms:
        if values_of(arm, DICE).size:
            found.append(arm)
        else:
            contents.left_out.append(f"{arm.name} has no slice that could be compared with a reference.")
    shared = []
    for group in groups_of(found):
        without = [arm.name for arm in found if not values_of(arm, DICE, group).size]
        if without:
            names = ", ".join(without)
            contents.left_out.append(f"The group {group_title(group)} is left out: {names} has no results in it.")
        else:
            shared.append(group)
    return tuple(replace(arm, rows=tuple(row for row in arm.rows if row.group in shared)) for arm in found if shared)


def _pairs(design: StudyDesign, arms: Sequence[ArmRows]) -> list[ArmPair]:
    """The design's comparisons whose arms both have rows."""
    by_name = {arm.name: arm for arm in arms}
    return [
        (by_name[pair.first], by_name[pair.second])
        for pair in design.comparisons
        if pair.first in by_name and pair.second in by_name
    ]


def _by_strategy(plain: Sequence[ArmRows]) -> bool:
    """Whether the arms are ways to prompt, of one method, with an arm for each model and strategy."""
    ways = {(arm.model, arm.strategy) for arm in plain}
    methods = {arm.method for arm in plain}
    return len(ways) == len(plain) and len(methods) == 1 and len({arm.strategy for arm in plain}) > 1


def _shares(measures: Sequence[Measure]) -> list[Measure]:
    """The measures in percent, which can share an axis."""
    return [measure for measure in measures if measure is not HAUSDORFF] or [DICE]


def _state_of_the_art(design: StudyDesign) -> StateOfTheArt:
    """What is known of the papers' data, in a study of the papers on them."""
    return STATE_OF_THE_ART if design.name in PRESETS else {}
