"""The worker's answer to FineTune, in this process: a cancel between two batches, and room for features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.stores.feature_store import LIMIT_VARIABLE
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.errors import ModelError, WrongOrderError
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.answers.train_decoder import train_decoder
from PromptOnceLib.worker.messages.finetuning import CaseFiles, FineTune, FineTuned, TrainingProgress
from PromptOnceLib.worker.messages.message import Message
from worker.margins import QUICK, margin_slices

FRAMES = 6


@pytest.fixture(scope="module")
def tracker() -> Tracker:
    return Tracker(load_model(resolve_model("nano")), on_cpu())


@pytest.fixture
def request_(tmp_path: Path) -> FineTune:
    """Two cases of three slices."""
    files = []
    for seed, role in enumerate(("training", "validation")):
        frames, masks = margin_slices(3, seed)
        np.save(tmp_path / f"frames{seed}.npy", frames)
        np.save(tmp_path / f"bits{seed}.npy", np.packbits(masks, axis=-1))
        files.append(CaseFiles(frames=f"frames{seed}.npy", masks=f"bits{seed}.npy", slices=(0, 1, 2), role=role))
    settings = QUICK.model_copy(update={"epochs": 1, "batch_size": 1})
    return FineTune(id=7, cases=tuple(files), settings=settings, file="tuned.pt")


class CancelledAfter(set[int]):
    """Holds the request from the n-th time on that it is asked."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.left = pieces

    def __contains__(self, request: object) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("pieces", [0, FRAMES + 3 + 1])
def test_a_cancel_takes_effect_at_the_next_slice_or_batch(
    tracker: Tracker, request_: FineTune, tmp_path: Path, pieces: int
) -> None:
    before = {name: weights.clone() for name, weights in tracker.model.network.state_dict().items()}
    sent: list[Message] = []
    reply = train_decoder(request_, tracker, tmp_path, sent.append, CancelledAfter(pieces))
    assert reply == FineTuned(id=7, cancelled=True)
    assert len(sent) == pieces  # of which the last one is the first of three batches
    assert all(torch.equal(before[name], weights) for name, weights in tracker.model.network.state_dict().items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bits0.npy", "bits1.npy", "frames0.npy", "frames1.npy"]


def test_only_a_sam_2_model_that_is_loaded_can_be_trained(request_: FineTune, tmp_path: Path) -> None:
    with pytest.raises(WrongOrderError):
        train_decoder(request_, None, tmp_path, pytest.fail, ())
    with pytest.raises(ModelError, match="version 1"):
        train_decoder(request_, object(), tmp_path, pytest.fail, ())


def test_where_features_find_no_room_it_is_said_and_goes_on(
    tracker: Tracker, request_: FineTune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "0")
    sent: list[Message] = []
    reply = train_decoder(request_, tracker, tmp_path, sent.append, ())
    (notice,) = (message for message in sent if isinstance(message, protocol.Notice))
    assert f"{FRAMES} of {FRAMES} slices found no room" in notice.text
    assert reply.epochs == 1
    progress = [(message.done, message.total) for message in sent if isinstance(message, TrainingProgress)]
    assert progress == [(done, 15) for done in range(1, 16)]
