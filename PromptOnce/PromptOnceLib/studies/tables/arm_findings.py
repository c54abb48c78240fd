"""What is made of the rows before it is written into tables or drawn: times, losses by moved prompts, attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from PromptOnceLib.errors import EmptyArmError
from PromptOnceLib.segmentation.shape.measures import SliceShape
from PromptOnceLib.studies.design import StudyDesign
from PromptOnceLib.studies.rows import ArmRows
from PromptOnceLib.studies.tables.arm_values import DICE, Measure, Values, pairs_of


@dataclass(frozen=True)
class Attribute:
    """Something of a slice's object that agreement may depend on; key: its field in SliceShape."""

    key: str
    short: str
    title: str
    logarithmic: bool


ATTRIBUTES = (
    Attribute("size", "Size", "size (pixels)", True),
    Attribute("intensity_difference", "Contrast", "contrast to the surroundings (grey values)", False),
    Attribute("fourier_order", "Outline", "complexity of the outline (Fourier order)", False),
    Attribute("aspect_ratio", "Aspect", "aspect (shorter by longer side)", False),
)

Shapes = Mapping[tuple[str, int], SliceShape]
"""By case and slice."""


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

    The loss is that of the mean over the slices that the arm shares with the one of the same settings whose prompts
    were not moved; several arms of one shift are several draws. Raises EmptyArmError where that arm is missing, and
    where arms of one shift are no draws of the same, as their method, position, window or precision differs.
    """
    unmoved = {_asked(design, arm): arm for arm in plain_arms(design, arms)}
    drops: dict[tuple[str, str, tuple[int, int]], list[float]] = {}
    settings: dict[tuple[str, str, tuple[int, int]], object] = {}
    for arm in arms:
        asked = design.arm(arm.name)
        if asked.jitter is None:
            continue
        same = _asked(design, arm)
        if same not in unmoved:
            raise EmptyArmError(
                f"The arm {arm.name} moves the prompts of {asked.strategy}, but no arm has them unmoved: add one to "
                "the study."
            )
        loss = -float(pairs_of(unmoved[same], arm, measure).differences.mean())
        key = arm.model, asked.strategy, asked.jitter
        if settings.setdefault(key, same) != same:
            raise EmptyArmError(
                f"Arms that move the prompts of {asked.strategy} by the same pixels differ in method, position, window "
                "or precision: their losses have no common mean, and moved prompts are left out."
            )
        drops.setdefault(key, []).append(loss)
    return tuple(MovedPrompts(*key, tuple(values)) for key, values in sorted(drops.items()))


def _asked(design: StudyDesign, arm: ArmRows) -> tuple[str, str, str, float, str, str]:
    """What arms have in common that differ in the shift of their prompts alone."""
    asked = design.arm(arm.name)
    return arm.model, asked.method, asked.strategy, asked.position, asked.window, asked.precision


@dataclass(frozen=True)
class ArmTimes:
    """Means of an arm in seconds; None where nobody measured them.

    load: of the model. embed, prompt: of a slice, over `slices` of them.
    """

    arm: str
    load: float | None
    embed: float | None
    prompt: float | None
    slices: int

    @property
    def measured(self) -> bool:
        return self.embed is not None or self.prompt is not None


def times_of(arm: ArmRows) -> ArmTimes:
    """The times of an arm. slices: the larger of the two counts."""
    embed = [row.embed_seconds for row in arm.rows if row.embed_seconds is not None]
    prompt = [row.prompt_seconds for row in arm.rows if row.prompt_seconds is not None]
    return ArmTimes(arm.name, arm.load_seconds, _mean(embed), _mean(prompt), max(len(embed), len(prompt)))


def attribute_columns(arm: ArmRows, shapes: Shapes, measure: Measure) -> tuple[dict[str, Values], Values]:
    """The attributes of the slices of an arm whose shape is known, by key, each (n,), NaN for missing; the measure."""
    known = []
    for row in arm.rows:
        value, shape = measure.of(row), shapes.get((row.case, row.slice))
        if value is not None and shape is not None:
            known.append((shape, value))
    columns = {
        one.key: np.array([_number(getattr(shape, one.key)) for shape, _ in known], dtype=np.float64)
        for one in ATTRIBUTES
    }
    return columns, np.array([value for _, value in known], dtype=np.float64)


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
