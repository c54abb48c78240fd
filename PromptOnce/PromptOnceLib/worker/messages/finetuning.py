"""Training a mask decoder further: what the worker is asked, and what it tells of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from PromptOnceLib.models.model_card import Role, TrainingSettings
from PromptOnceLib.worker.messages.message import Answer, FileName, Message, Request

CheckpointName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}\.pt$")]
"""A checkpoint in the session folder."""


class CaseFiles(Message):
    """The slices of one case that are learned from or looked at.

    frames: uint8 (n, rows, columns). masks: one object on one slice each, as bits, uint8 (m, rows, columns / 8 rounded
    up), see `numpy.packbits`. slices: the frame of each mask.
    """

    frames: FileName
    masks: FileName
    slices: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    role: Role


class FineTune(Request):
    """Train the mask decoder of the loaded model, which has to be in float32, and write the best weights to `file`.

    The model stays as it was.
    """

    type: Literal["fine_tune"] = "fine_tune"
    cases: tuple[CaseFiles, ...]
    settings: TrainingSettings
    file: CheckpointName


class TrainingProgress(Answer):
    """Event of FineTune: so much of all the work is done, should no epoch be left out."""

    type: Literal["training_progress"] = "training_progress"
    done: int
    total: int


class EpochDone(Answer):
    """Event of FineTune. loss: mean of the epoch; dice: mean of the validation slices; best: of all epochs so far."""

    type: Literal["epoch_done"] = "epoch_done"
    epoch: int
    epochs: int
    loss: float
    dice: float
    best: bool


class FineTuned(Answer):
    """Reply to FineTune. After a cancel nothing is written and nothing else is said.

    best_epoch: whose weights were written, counted from 1; 0 where the model as it was is the best, and nothing is
    written. epochs: how many there were. before, after: Dice by case and mask, in the order of the request; of cases
    that are learned from nothing.
    """

    type: Literal["fine_tuned"] = "fine_tuned"
    cancelled: bool
    best_epoch: int = 0
    epochs: int = 0
    before: list[list[float]] = Field(default_factory=list)
    after: list[list[float]] = Field(default_factory=list)
