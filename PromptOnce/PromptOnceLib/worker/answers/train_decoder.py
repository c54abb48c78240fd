"""The answer to FineTune: the files of the cases read, the training followed, and a cancel heeded."""

from __future__ import annotations

from collections.abc import Callable, Container
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.engine.devices import EXACT
from PromptOnceLib.engine.finetune.training import FineTuning
from PromptOnceLib.engine.finetune.training_set import CaseSlices, SampleSet
from PromptOnceLib.engine.stores.feature_store import DEFAULT_LIMIT, FeatureStore, feature_limit
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.errors import ModelError, WrongOrderError
from PromptOnceLib.files.disk import free_bytes
from PromptOnceLib.models.model_card import NOT_TUNABLE
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_frames
from PromptOnceLib.worker.messages.finetuning import CaseFiles, EpochDone, FineTune, FineTuned, TrainingProgress
from PromptOnceLib.worker.messages.message import Message

_NO_ROOM = (
    "The image features of {missing} of {frames} slices found no room on the disk for temporary files: they are "
    "computed in every epoch again, which takes long. Free some space, or set TMPDIR to another folder."
)


def train_decoder(
    request: FineTune,
    model: object,
    folder: Path,
    send: Callable[[Message], None],
    cancelled: Container[int],
) -> FineTuned:
    """Train the decoder of what is loaded, whose weights are afterwards what they were.

    folder: of the session; the features lie there meanwhile, in up to half of the free space. A cancel takes effect at
    the next slice or batch.
    Raises WrongOrderError for no model or one in another precision, ModelError for SAM (version 1), TrainingError,
    NotImprovedError, DiskFullError.
    """
    if model is None:
        raise WrongOrderError("A model has to be loaded first.")
    if not isinstance(model, Tracker):
        raise ModelError(NOT_TUNABLE)
    tracker, placement = model, model.placement
    if placement.precision != EXACT or placement.rearranged:
        raise WrongOrderError("Fine-tuning needs the model in float32.")
    limit = feature_limit(max(DEFAULT_LIMIT, free_bytes(folder) // 2))
    store = FeatureStore(folder, limit, lossless=True)
    samples = SampleSet(tracker, [_read(case, folder) for case in request.cases], store)
    training, frames, done = FineTuning(tracker, samples, request.settings), len(samples.frames), 0
    try:
        with closing(training.run(folder / request.file)) as pieces:
            for epoch in pieces:
                if request.id in cancelled:
                    return FineTuned(id=request.id, cancelled=True)
                if epoch is None:
                    done += 1
                    if done == frames > samples.kept:
                        text = _NO_ROOM.format(missing=frames - samples.kept, frames=frames)
                        send(protocol.Notice(id=request.id, text=text))
                    send(TrainingProgress(id=request.id, done=done, total=training.total))
                else:
                    send(
                        EpochDone(
                            id=request.id,
                            epoch=epoch.number,
                            epochs=request.settings.epochs,
                            loss=epoch.loss,
                            dice=epoch.dice,
                            best=epoch.best,
                        )
                    )
    finally:
        store.clear()
    outcome = training.outcome
    return FineTuned(
        id=request.id,
        cancelled=False,
        best_epoch=outcome.best_epoch,
        epochs=outcome.epochs,
        before=outcome.before,
        after=outcome.after,
    )


def _read(case: CaseFiles, folder: Path) -> CaseSlices:
    frames: NDArray[np.uint8] = load_frames(folder / case.frames, 3)
    return CaseSlices(frames, load_frames(folder / case.masks, 3), case.slices, case.role)
