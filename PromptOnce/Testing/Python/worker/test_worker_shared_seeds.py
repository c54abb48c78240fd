"""Propagation from seeds of other images through a real worker, and comparing frames by embeddings."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.errors import CancelledError, InputError, PromptError, WorkerError
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.conditioning import ConditioningFrame, SharedSeed
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt
from PromptOnceLib.seeds.similarity import similarity
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.segmenter import Segmenter, Settings
from worker.disks import SLICES, disk_frames, disk_prompt, stack_of
from worker.seeds import disk_seed, other_frame


@cache
def tracker() -> Tracker:
    return Tracker(load_model(resolve_model("nano")), on_cpu())


def in_process(seed: SharedSeed, frames: np.ndarray) -> np.ndarray:
    task = Task(seed.objects, seed.slice, 0, len(frames) - 1, conditioning=seed.frames)
    masks = np.zeros((len(seed.objects), *frames.shape), np.uint8)
    for output in Propagation(tracker(), frames, pytest.fail).run(task):
        masks[:, output.slice] = output.masks
    return masks


def left(segmenter: Segmenter) -> list[str]:
    """Files in the session folder other than the stacks, which earlier tests have left too."""
    return [
        path.name for path in segmenter.client.folder.iterdir() if not path.name.startswith(("stack-", "features-"))
    ]


@pytest.mark.parametrize("seed", [disk_seed(), disk_seed(3, "mask"), disk_seed(5, frames=2)])
def test_a_seed_of_another_image_gives_what_the_engine_gives(shared_segmenter: Segmenter, seed: SharedSeed) -> None:
    events: list[protocol.SliceDone] = []
    result = shared_segmenter.propagate(seed, on_slice=events.append).result

    start = seed.slice
    assert [event.slice for event in events] == [*range(start, SLICES), *range(start - 1, -1, -1)]
    assert [(event.done, event.total) for event in events] == [(n, SLICES) for n in range(1, SLICES + 1)]
    assert result.names == ("disk",)
    assert result.computed.all()
    assert result.masks.any()
    np.testing.assert_array_equal(result.masks, in_process(seed, disk_frames()))
    assert left(shared_segmenter) == [], "the seed's frame is still there"


def test_range_and_direction_hold_for_seeds_too(shared_segmenter: Segmenter) -> None:
    settings = Settings(first=2, last=7, direction="backward")
    result = shared_segmenter.propagate(disk_seed(), settings).result
    assert set(np.flatnonzero(result.computed)) == {2, 3, 4, 5}
    with pytest.raises(InputError, match="range"):
        shared_segmenter.propagate(disk_seed(9), settings)


def test_a_cancelled_seed_run_keeps_what_is_done(shared_segmenter: Segmenter) -> None:
    shared_segmenter.use_stack(stack_of(disk_frames(slices=300)))
    job = shared_segmenter.propagate(disk_seed(), on_slice=lambda _: shared_segmenter.session.cancel())
    assert job.cancelled
    assert 1 <= job.result.computed.sum() < 250


BAD_SEEDS = {
    "a start outside the stack": disk_seed(SLICES),
    "another axis": SharedSeed(disk_seed().frames, 5, 1),
    "no frame": SharedSeed((), 5),
    "a box outside its frame": SharedSeed(
        (ConditioningFrame(other_frame(), (ObjectPrompt(box=Box(x0=0, y0=0, x1=400, y1=20)),)),), 5
    ),
    "other objects in the second frame": SharedSeed(
        (
            *disk_seed().frames,
            ConditioningFrame(other_frame(), (ObjectPrompt(name="x", box=Box(x0=1, y0=1, x1=9, y1=9)),)),
        ),
        5,
    ),
}


@pytest.mark.parametrize("name", BAD_SEEDS)
def test_a_seed_that_does_not_fit_is_refused_before_it_is_sent(shared_segmenter: Segmenter, name: str) -> None:
    with pytest.raises(PromptError):
        shared_segmenter.propagate(BAD_SEEDS[name])


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.float32), np.zeros((2, 4, 4), np.uint8), None])
def test_the_worker_refuses_a_seed_frame_of_a_wrong_form(shared_segmenter: Segmenter, array: np.ndarray | None) -> None:
    client = shared_segmenter.client
    if array is not None:
        np.save(client.folder / "bad.npy", array)
    shared = protocol.SharedPrompt(frames=(protocol.SeedFrame(file="bad.npy", objects=disk_prompt().objects),), slice=5)
    request = protocol.Propagate(id=client.new_id(), prompt=shared, file="masks-x.npy", first=0, last=9)
    with pytest.raises(WorkerError):
        client.wait(client.send(request), protocol.Propagated)
    (client.folder / "bad.npy").unlink(missing_ok=True)
    assert shared_segmenter.predict(disk_prompt()).masks.any()


def test_the_worker_checks_a_seeds_objects_itself(shared_segmenter: Segmenter) -> None:
    client = shared_segmenter.client
    np.save(client.folder / "small.npy", np.zeros((8, 8), np.uint8))
    shared = protocol.SharedPrompt(
        frames=(protocol.SeedFrame(file="small.npy", objects=disk_prompt().objects),), slice=5
    )
    request = protocol.Propagate(id=client.new_id(), prompt=shared, file="masks-y.npy", first=0, last=9)
    with pytest.raises(PromptError):
        client.wait(client.send(request), protocol.Propagated)
    (client.folder / "small.npy").unlink()


def test_frames_that_look_alike_have_similar_embeddings(shared_segmenter: Segmenter) -> None:
    steps: list[tuple[int, int]] = []
    mirrored = np.ascontiguousarray(disk_frames()[0, :, ::-1])
    found = shared_segmenter.embed(
        [0, 1], [mirrored, disk_frames()[0]], on_frame=lambda event: steps.append((event.done, event.total))
    )
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(found[0], found[3])
    assert similarity(found[0], found[1]) > similarity(found[0], found[2])
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert left(shared_segmenter) == []


def test_embedding_stops_between_frames_when_it_is_cancelled(shared_segmenter: Segmenter) -> None:
    shared_segmenter.use_stack(stack_of(disk_frames(slices=300)))
    seen: list[protocol.FrameDone] = []
    with pytest.raises(CancelledError):
        shared_segmenter.embed(range(300), on_frame=seen.append, should_cancel=lambda: bool(seen))
    assert len(seen) < 250
    assert left(shared_segmenter) == []


def test_a_slice_that_does_not_exist_cannot_be_embedded(shared_segmenter: Segmenter) -> None:
    with pytest.raises(WorkerError, match="no slice"):
        shared_segmenter.embed([SLICES])
