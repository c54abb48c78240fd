"""What the arms took: loading the model, encoding a slice, answering a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from PromptOnceLib.studies.rows import ArmRows


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
        """Whether anything of the slices is known."""
        return self.embed is not None or self.prompt is not None


def times_of(arm: ArmRows) -> ArmTimes:
    """The times of an arm. slices: the larger of the two counts."""
    embed = [row.embed_seconds for row in arm.rows if row.embed_seconds is not None]
    prompt = [row.prompt_seconds for row in arm.rows if row.prompt_seconds is not None]
    return ArmTimes(arm.name, arm.load_seconds, _mean(embed), _mean(prompt), max(len(embed), len(prompt)))


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
