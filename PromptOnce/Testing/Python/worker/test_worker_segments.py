"""What a caller gets from a worker: seed masks, whole volumes, cancel, several volumes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.errors import ModelError, PromptError, WorkerError
from PromptOnceLib.models.registry import ModelFiles, resolve_model
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import FixedSlice, PromptedObject, PromptSet
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import Segmenter, Settings
from worker.conftest import Start
from worker.disks import COLUMNS, ROWS, SLICES, disk_frames, disk_prompt, stack_of


@cache
def tracker() -> Tracker:
    return Tracker(load_model(resolve_model("nano")), on_cpu())


def in_process(prompt: Prompt, frames: np.ndarray) -> np.ndarray:
    masks = np.zeros((len(prompt.objects), *frames.shape), np.uint8)
    for output in Propagation(tracker(), frames, pytest.fail).run(
        Task(prompt.objects, prompt.slice, 0, len(frames) - 1)
    ):
        masks[:, output.slice] = output.masks
    return masks


def test_the_greeting_names_versions_devices_and_memory(shared_client: WorkerClient) -> None:
    welcome = shared_client.start()
    assert welcome.protocol == protocol.PROTOCOL_VERSION
    assert {"promptonce", "python", "torch", "sam2"} <= welcome.versions.keys()
    assert welcome.devices[-1] == "cpu"
    assert shared_client.folder.stat().st_mode & 0o077 == 0, "others can read the session folder"


def test_a_changed_prompt_gives_another_mask(shared_segmenter: Segmenter) -> None:
    shared_segmenter.session.prepare(resolve_model("nano"), "cpu", "float32", shared_segmenter.stack, 5)
    shared_segmenter.make_ready()
    first = shared_segmenter.predict(disk_prompt())
    other_object = ObjectPrompt(name="corner", box=Box(x0=2, y0=2, x1=20, y1=20))
    second = shared_segmenter.predict(Prompt(axis=0, slice=5, objects=(other_object,)))
    again = shared_segmenter.predict(disk_prompt())

    assert first.masks.shape == (1, ROWS, COLUMNS)
    assert first.masks.any()
    assert (first.masks != second.masks).any()
    np.testing.assert_array_equal(first.masks, again.masks)  # an answer depends on the prompt, not on what came before
    assert 0 <= first.predicted_iou[0] <= 1
    assert 0 <= first.presence[0] <= 1


def test_a_volume_comes_slice_by_slice_and_equals_the_engine(shared_segmenter: Segmenter) -> None:
    seen: list[int] = []
    result = shared_segmenter.propagate(disk_prompt(), on_slice=lambda event: seen.append(event.slice)).result

    assert seen == [5, 6, 7, 8, 9, 10, 4, 3, 2, 1, 0]
    assert result.computed.all()
    np.testing.assert_array_equal(result.masks, in_process(disk_prompt(), disk_frames()))
    assert np.isfinite(result.presence).all()
    assert np.isfinite(result.predicted_iou).all()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(first=3, last=7), {3, 4, 5, 6, 7}),
        (Settings(direction="forward"), {5, 6, 7, 8, 9, 10}),
        (Settings(direction="backward", first=2), {2, 3, 4, 5}),
        (Settings(first=5, last=5), {5}),
    ],
)
def test_slices_outside_the_range_are_not_computed(
    shared_segmenter: Segmenter, settings: Settings, expected: set[int]
) -> None:
    result = shared_segmenter.propagate(disk_prompt(), settings).result
    assert set(np.flatnonzero(result.computed)) == expected
    assert not result.masks[:, ~result.computed].any()
    assert np.isnan(result.presence[:, ~result.computed]).all()


def test_cancel_keeps_what_is_done_and_the_worker_lives(shared_segmenter: Segmenter) -> None:
    shared_segmenter.use_stack(stack_of(disk_frames(slices=300)))
    seen: list[int] = []
    job = shared_segmenter.propagate(
        disk_prompt(), on_slice=lambda event: seen.append(event.slice), should_cancel=lambda: len(seen) >= 5
    )

    assert 5 <= job.result.computed.sum() < 250
    assert job.result.masks[0, 5].any()
    assert job.cancelled
    assert shared_segmenter.predict(disk_prompt()).masks.any()


def test_a_callback_that_raises_ends_its_run_and_is_not_called_in_the_next_one(shared_segmenter: Segmenter) -> None:
    calls: list[int] = []

    def broken(event: protocol.SliceDone) -> None:
        calls.append(event.slice)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shared_segmenter.propagate(disk_prompt(), on_slice=broken)
    assert shared_segmenter.propagate(disk_prompt()).result.computed.all()
    assert len(calls) == 1


def test_a_request_cancelled_before_it_began_does_nothing(shared_segmenter: Segmenter) -> None:
    client = shared_segmenter.client
    number = client.new_id()
    request = protocol.Propagate(id=number, prompt=disk_prompt(), file=f"masks-{number}.npy", first=0, last=10)
    first, second = client.send(request), client.send(request.model_copy(update={"id": client.new_id()}))
    client.cancel(second)
    client.cancel(first)
    reply = client.wait(second, protocol.Propagated)
    assert (reply.cancelled, reply.slices) == (True, 0)


def test_two_volumes_one_after_the_other(segmenter: Segmenter) -> None:
    segmenter.propagate(disk_prompt())
    other = disk_frames(slices=4, rows=70, columns=120, seed=1)
    segmenter.use_stack(stack_of(other))
    result = segmenter.propagate(disk_prompt(2)).result
    np.testing.assert_array_equal(result.masks, in_process(disk_prompt(2), other))
    kept = sorted(path.name.partition("-")[0] for path in segmenter.client.folder.iterdir())
    assert kept.count("stack") == 1, "only the current volume is kept on disk"
    assert set(kept) == {"features", "run", "stack"}
    assert kept.count("features") == kept.count("run") == 4, "only what was found in the current volume is kept"


def test_several_objects_share_a_run(shared_segmenter: Segmenter) -> None:
    box = ObjectPrompt(name="box alone", box=Box(x0=30, y0=20, x1=68, y1=60))
    prompt = Prompt(axis=0, slice=5, objects=(*disk_prompt().objects, box))
    result = shared_segmenter.propagate(prompt).result
    assert result.names == ("disk", "box alone")
    np.testing.assert_array_equal(result.masks, in_process(prompt, disk_frames()))


def test_a_prompt_that_does_not_fit_is_refused_before_it_is_sent(shared_segmenter: Segmenter) -> None:
    with pytest.raises(PromptError):
        shared_segmenter.predict(disk_prompt(index=SLICES))
    with pytest.raises(PromptError, match="axis"):
        shared_segmenter.predict(disk_prompt().model_copy(update={"axis": 1}))


@pytest.mark.parametrize(
    "settings",
    [Settings(last=2, direction="forward"), Settings(first=9, direction="backward"), Settings(last=2, alone=True)],
)
def test_a_run_without_any_slice_to_compute_says_so_and_not_that_it_was_cancelled(
    shared_segmenter: Segmenter, settings: Settings
) -> None:
    (item,) = disk_prompt().objects
    prompts = PromptSet(objects=(PromptedObject(slices=(FixedSlice.of(4, item), FixedSlice.of(6, item))),))
    with pytest.raises(PromptError, match="no slice to compute"):
        shared_segmenter.propagate(prompts, settings)


def test_beyond_several_prompted_slices_an_early_stop_leaves_slices_out(shared_segmenter: Segmenter) -> None:
    frames = np.full((24, ROWS, COLUMNS), 60, np.uint8)
    frames[:SLICES] = disk_frames()
    shared_segmenter.use_stack(stack_of(frames))
    marks = [FixedSlice.of(index, disk_prompt(index).objects[0]) for index in (3, 6)]
    prompts = PromptSet(objects=(PromptedObject(name="disk", slices=tuple(marks)),))

    job = shared_segmenter.propagate(prompts, Settings(stop_when_absent=True))
    assert job.result.computed[:SLICES].all()
    assert not job.result.computed[-1]
    assert any("were not computed" in notice for notice in job.notices)
    assert shared_segmenter.propagate(prompts).result.computed.all()


def test_a_checkpoint_that_is_none_is_refused_and_the_worker_lives(shared_segmenter: Segmenter, tmp_path) -> None:
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"not a checkpoint")
    nano = resolve_model("nano")
    with pytest.raises(ModelError, match="cannot be read"):
        shared_segmenter.use_model(ModelFiles(name="bad", checkpoint=bad, config=nano.config, sha256=None))
    shared_segmenter.use_model(nano)
    assert shared_segmenter.predict(disk_prompt()).masks.any()


def test_requests_in_the_wrong_order_are_refused(start_worker: Start) -> None:
    with WorkerClient(start_worker) as client:
        job = client.send(protocol.Prefetch(id=client.new_id(), slice=0))
        with pytest.raises(WorkerError, match="model"):
            client.wait(job, protocol.Done)
        with pytest.raises(WorkerError, match="first"):
            Segmenter(client).predict(disk_prompt())
