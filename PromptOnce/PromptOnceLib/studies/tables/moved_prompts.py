"""What it costs to move prompts, as hands do. As table 8 of Huang et al. (2024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.studies.design import StudyDesign
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.tables.arm_values import DICE, Measure, pairs_of


@dataclass(frozen=True)
class MovedPrompts:
    """What it costs to move the prompts of a strategy. shift: pixels, lowest and highest.

    drops: of the mean, in the measure's unit, one for every draw of the shifts.
    """

    model: str
    strategy: str
    shift: tuple[int, int]
    drops: tuple[float, ...]


def plain_arms(design: StudyDesign, arms: Sequence[ArmRows]) -> tuple[ArmRows, ...]:
    """The arms whose prompts were not moved."""
    return tuple(arm for arm in arms if design.arm(arm.name).jitter is None)


def moved_prompts(design: StudyDesign, arms: Sequence[ArmRows], measure: Measure = DICE) -> tuple[MovedPrompts, ...]:
    """What is lost where prompts are moved, by model, strategy and shift.

    The loss is that of the mean over the slices that the arm shares with the one of the same model and strategy whose
    prompts were not moved; several arms of one shift are several draws. Raises EmptyArmError where that arm is missing.
    """
    plain = {(arm.model, arm.method, arm.strategy): arm for arm in plain_arms(design, arms)}
    drops: dict[tuple[str, str, tuple[int, int]], list[float]] = {}
    for arm in arms:
        shift = design.arm(arm.name).jitter
        if shift is None:
            continue
        unmoved = plain.get((arm.model, arm.method, arm.strategy))
        if unmoved is None:
            raise EmptyArmError(
                f"The arm {arm.name} moves the prompts of {arm.strategy}, but no arm has them unmoved: add one to the "
                "study."
            )
        loss = -float(pairs_of(unmoved, arm, measure).differences.mean())
        drops.setdefault((arm.model, arm.strategy, shift), []).append(loss)
    return tuple(MovedPrompts(*key, tuple(values)) for key, values in sorted(drops.items()))
