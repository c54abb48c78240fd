"""What the worker does when its disk or its device has no room, in this process."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from PromptOnceLib.engine.devices import Placement, place
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.errors import OutOfMemoryError, WorkerError
from PromptOnceLib.worker import arrays, handlers, protocol
from PromptOnceLib.worker.handlers import Handlers
from worker.disks import disk_frames, disk_prompt
from worker.load_nano import load_nano

FRAMES = disk_frames(slices=3)


def load(handlers: Handlers, device: str) -> protocol.ModelLoaded:
    reply = handlers.answer(load_nano(device=device))
    assert isinstance(reply, protocol.ModelLoaded)
    return reply


@pytest.fixture
def ready(tmp_path: Path) -> Handlers:
    """With a model and a stack."""
    made = Handlers(tmp_path, lambda message: None, ())
    load(made, "cpu")
    np.save(tmp_path / "stack.npy", FRAMES)
    made.answer(protocol.SetStack(id=2, file="stack.npy"))
    return made


def predict(ready: Handlers) -> protocol.Answer:
    return ready.answer(protocol.Predict(id=3, prompt=disk_prompt(1), file="masks.npy"))


def propagate(ready: Handlers) -> protocol.Answer:
    return ready.answer(protocol.Propagate(id=4, prompt=disk_prompt(1), file="masks.npy", first=0, last=2))


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_where_one_slice_is_asked_for(ready: Handlers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "save", no_space)
    with pytest.raises(WorkerError, match="disk for temporary files is full"):
        predict(ready)


def test_where_the_disk_is_full_of_image_features_they_make_room(
    ready: Handlers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    propagate(ready)
    assert list(tmp_path.glob("features-*.npy"))
    new_file = arrays.new_mask_file

    def full(path: Path, shape: tuple[int, ...]) -> np.memmap:
        if list(tmp_path.glob("features-*.npy")):
            raise WorkerError("The disk for temporary files is full.")
        return new_file(path, shape)

    monkeypatch.setattr(arrays, "new_mask_file", full)
    reply = propagate(ready)
    assert isinstance(reply, protocol.Propagated)
    assert reply.slices == 3
    assert np.load(tmp_path / "masks.npy")[0, 1].any()


def test_a_model_that_could_not_be_moved_to_the_gpu_is_moved_back(
    ready: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Tracker.move

    def named(device: str, precision: str, compiled: bool) -> Placement:
        placement = place("cpu", precision, compiled)
        return replace(placement, device=torch.device("meta")) if device == "cuda" else placement

    def moved(tracker: Tracker, placement: Placement) -> None:
        tracker.placement = placement
        if placement.device.type == "meta":
            raise torch.OutOfMemoryError("CUDA out of memory")
        move(tracker, placement)

    monkeypatch.setattr(handlers, "place", named)
    monkeypatch.setattr(Tracker, "move", moved)
    with pytest.raises(OutOfMemoryError):
        load(ready, "cuda")
    assert load(ready, "cpu").device == "cpu"
    assert isinstance(predict(ready), protocol.Predicted)
