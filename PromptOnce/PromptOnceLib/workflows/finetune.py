"""A model trained further on a user's cases: handed to the worker, followed, and written with its card."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.cases.outputs import check_targets
from PromptOnceLib.errors import CancelledError, InputError, ModelError, NotImprovedError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.files.stamp import file_sha256
from PromptOnceLib.models.model_card import (
    NOT_TUNABLE,
    ROLES,
    BaseModelRecord,
    BeforeAndAfter,
    CaseContent,
    ModelCard,
    Role,
    TrainingSettings,
    card_path,
)
from PromptOnceLib.models.model_entry import SAM_CONFIG
from PromptOnceLib.models.registry import CHECKPOINT_SUFFIXES, ModelFiles, architecture_of, licence_of
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import save_array
from PromptOnceLib.worker.messages.finetuning import CaseFiles, EpochDone, FineTune, FineTuned, TrainingProgress
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.worker.session_job import OnNotice
from PromptOnceLib.workflows.training_split import compared, split_cases

CANCELLED = "Cancelled: no model was written."


@dataclass(frozen=True, eq=False)
class TrainingCase:
    """What is taken from one image. group: cases of one group, such as a patient, stay together in the split.

    frames: uint8 (n, rows, columns). masks: bool (m, rows, columns), one object on one slice each. slices: the frame of
    each mask. sha256: of the voxels and the reference.
    """

    group: str
    frames: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    slices: tuple[int, ...]
    sha256: str


@dataclass(frozen=True)
class Watching:
    """Who follows a training. on_progress: told how much of all the work is done, and how much there is."""

    on_progress: Callable[[int, int], object] = lambda done, total: None
    on_epoch: Callable[[EpochDone], object] = lambda epoch: None
    on_notice: OnNotice = lambda notice: None
    should_cancel: Callable[[], bool] = lambda: False


def check_before(base: ModelFiles, output: Path, overwrite: bool = False) -> None:
    """Find out before the work whether a model can be trained further, and whether the result can be written.

    Raises InputError and its children.
    """
    if base.config == SAM_CONFIG:
        raise ModelError(NOT_TUNABLE)
    if output.suffix.lower() not in CHECKPOINT_SUFFIXES:
        raise InputError(f"{output.name} does not end in {' or '.join(CHECKPOINT_SUFFIXES)}: choose such a name.")
    for other in (output.with_suffix(suffix) for suffix in CHECKPOINT_SUFFIXES if suffix != output.suffix.lower()):
        if other.is_file():
            raise InputError(f"The card of {output.name} would be taken for that of {other.name}: choose another name.")
    inputs = [base.checkpoint, *([base.config] if isinstance(base.config, Path) else [])]
    check_targets((output, card_path(output)), inputs, overwrite=overwrite)


def finetune(
    segmenter: Segmenter,
    base: ModelFiles,
    cases: Iterable[TrainingCase],
    settings: TrainingSettings,
    output: Path,
    watching: Watching = Watching(),
) -> ModelCard:
    """Train the mask decoder of a model on cases, and write it with its card to `output`.

    segmenter: with the model `base` in float32. cases: taken one after the other and not kept.

    Raises TrainingError where the cases do not suffice, NotImprovedError where no epoch is better than the model as it
    was, CancelledError, InputError where the result cannot be written, and what the worker reports; nothing is written
    then.
    """
    client = segmenter.prepared_client()
    number = client.new_id()
    handed, weights = _Handed(client.folder, number), client.folder / f"finetuned-{number}.pt"
    try:
        for case in cases:
            handed.add(case)
            if watching.should_cancel():
                raise CancelledError(CANCELLED)
        roles = split_cases(handed.groups, settings)

        def on_event(event: protocol.Event) -> None:
            if isinstance(event, TrainingProgress):
                watching.on_progress(event.done, event.total)
            elif isinstance(event, EpochDone):
                watching.on_epoch(event)
            elif isinstance(event, protocol.Notice):
                watching.on_notice(event.text)

        request = FineTune(id=number, cases=handed.as_files(roles), settings=settings, file=weights.name)
        reply = client.wait(client.send(request, on_event), FineTuned, watching.should_cancel)
        if reply.cancelled:
            raise CancelledError(CANCELLED)
        figures = _figures(reply, roles)
        if reply.best_epoch == 0:
            found = figures[0].before.mean
            raise NotImprovedError(
                f"No epoch was better than the model as it was (Dice {found:.4f} on the validation slices), so nothing "
                "was written. Give more cases, or try another learning rate."
            )
        card = ModelCard(
            name=output.stem,
            sha256=file_sha256(weights),
            settings=settings,
            split_by="group" if any(handed.groups) else "case",
            cases=handed.contents(roles),
            figures=figures,
            best_epoch=reply.best_epoch,
            epochs=reply.epochs,
            **_origin(segmenter, base),
        )
        _write(output, weights, card)
    finally:
        weights.unlink(missing_ok=True)
        handed.remove()
    return card


class _Handed:
    """The cases in files of the session folder; of the cases themselves only what the card says is kept."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder, self._number = folder, number
        self._paths: list[tuple[Path, Path]] = []
        self._slices: list[tuple[int, ...]] = []
        self._contents: list[tuple[str, int]] = []
        self.groups: list[str] = []

    def add(self, case: TrainingCase) -> None:
        """Write a case. Raises WorkerError where the disk is full."""
        place = len(self.groups)
        frames, masks = (self._folder / f"{kind}-{self._number}-{place}.npy" for kind in ("frames", "bits"))
        self._paths.append((frames, masks))
        save_array(frames, case.frames)
        save_array(masks, np.packbits(case.masks, axis=-1))
        self._slices.append(case.slices)
        self._contents.append((case.sha256, len(case.frames)))
        self.groups.append(case.group)

    def as_files(self, roles: Sequence[Role]) -> tuple[CaseFiles, ...]:
        """For the request."""
        return tuple(
            CaseFiles(frames=frames.name, masks=masks.name, slices=slices, role=role)
            for (frames, masks), slices, role in zip(self._paths, self._slices, roles, strict=True)
        )

    def contents(self, roles: Sequence[Role]) -> tuple[CaseContent, ...]:
        """For the card."""
        return tuple(
            CaseContent(sha256=sha256, role=role, slices=frames, masks=len(slices))
            for (sha256, frames), slices, role in zip(self._contents, self._slices, roles, strict=True)
        )

    def remove(self) -> None:
        """Remove the files."""
        for paths in self._paths:
            for path in paths:
                path.unlink(missing_ok=True)


def _figures(reply: FineTuned, roles: Sequence[Role]) -> tuple[BeforeAndAfter, ...]:
    """Of the validation cases, then of the test cases where there are any."""
    found = []
    for role in ROLES[1:]:
        places = [place for place, one in enumerate(roles) if one == role]
        if places:
            sides = ([side[place] for place in places] for side in (reply.before, reply.after))
            found.append(compared(role, *sides))
    return tuple(found)


def _origin(segmenter: Segmenter, base: ModelFiles) -> dict[str, Any]:
    """What the card says of the model as it was, and of where it was trained."""
    welcome, model = segmenter.client.welcome, segmenter.session.model
    assert welcome is not None
    assert model is not None
    return {
        "architecture": architecture_of(base),
        "base": BaseModelRecord(
            name=base.name, sha256=base.sha256 or file_sha256(base.checkpoint), licence=licence_of(base)
        ),
        "versions": welcome.versions,
        "device": model.device_name,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _write(output: Path, weights: Path, card: ModelCard) -> None:
    """Both files or, where one of them cannot be written, none that was not there."""
    with replacing(card_path(output)) as card_file:
        card_file.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        with replacing(output) as checkpoint:
            shutil.copyfile(weights, checkpoint)
