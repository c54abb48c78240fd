"""Slices that are segmented each by itself: what comes back, with a fake worker and with the embedded model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from engine.images.test_sam_images_equal_upstream import upstream_sam

from PromptOnceLib.errors import CancelledError, InputError, ModelError, PromptError
from PromptOnceLib.models.registry import ModelFiles, resolve_model
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask
from PromptOnceLib.segmentation.result import slice_results
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import Segmenter
from worker.conftest import Start, ready_segmenter
from worker.disks import ROWS, SLICES, disk_frames, disk_prompt, stack_of
from worker.fake_engine import EMBED_SECONDS, LIMIT, PROMPT_SECONDS
from worker.fake_process import INSTEAD, fake_python


def prompts(*slices: int) -> dict[int, ObjectPrompt]:
    return {index: disk_prompt(index).objects[0] for index in slices}


@pytest.fixture
def fake_segmenter(_fake_worker: None) -> Iterator[Segmenter]:
    with WorkerClient(lambda: SubprocessTransport(worker_command(), worker_environment())) as client:
        yield ready_segmenter(client)


def test_the_prompted_slices_alone_are_computed_with_their_times(fake_segmenter: Segmenter) -> None:
    seen: list[int] = []
    job = fake_segmenter.prompt_slices(prompts(7, 2, 4), lambda event: seen.append(event.slice))

    assert seen == [2, 4, 7]
    assert list(np.flatnonzero(job.result.computed)) == [2, 4, 7]
    assert job.result.names == ("disk",)
    expected = np.zeros((1, *disk_frames().shape), np.uint8)
    expected[0, [2, 4, 7]] = disk_frames()[[2, 4, 7]] > LIMIT
    np.testing.assert_array_equal(job.result.masks, expected)  # with the single pixels that a clean-up takes out
    assert job.embed_seconds == dict.fromkeys((2, 4, 7), EMBED_SECONDS)
    assert job.prompt_seconds == dict.fromkeys((2, 4, 7), PROMPT_SECONDS)
    assert not job.removed


def test_all_proposals_are_objects_of_their_own(fake_segmenter: Segmenter) -> None:
    result = fake_segmenter.prompt_slices(prompts(3), proposals="all").result
    assert result.names == ("disk 1", "disk 2", "disk 3")
    assert result.masks[:, 3].any(axis=(1, 2)).all()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({}, "No slice is prompted"),
        (prompts(SLICES), "slices 0 to 10"),
        ({3: ObjectPrompt(name="disk", mask=encode_mask(np.ones((ROWS, 96), bool)))}, "boxes and points"),
    ],
)
def test_prompts_that_cannot_be_used_are_refused(
    fake_segmenter: Segmenter, wrong: dict[int, ObjectPrompt], sentence: str
) -> None:
    with pytest.raises(PromptError, match=sentence):
        fake_segmenter.prompt_slices(wrong)


def test_a_real_worker_finds_the_disk_on_each_slice(shared_segmenter: Segmenter) -> None:
    job = shared_segmenter.prompt_slices(prompts(1, 8))
    y, x = np.mgrid[:ROWS, :96]
    for index in (1, 8):
        disk, found = np.hypot(x - 45 - index, y - 40) < 16, job.result.masks[0, index] != 0
        assert 2 * (disk & found).sum() / (disk.sum() + found.sum()) > 0.9
        assert 0 < job.result.predicted_iou[0, index] <= 1
        assert job.embed_seconds[index] > 0
        assert job.prompt_seconds[index] > 0


def test_a_slice_looks_the_same_whatever_else_is_prompted(shared_segmenter: Segmenter) -> None:
    alone = shared_segmenter.prompt_slices(prompts(6)).result.masks[0, 6]
    together = shared_segmenter.prompt_slices(prompts(2, 5, 6)).result.masks[0, 6]
    assert alone.any()
    np.testing.assert_array_equal(alone, together)


def test_a_cancel_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INSTEAD, str(fake_python(tmp_path, slices=2)))  # then waits for its cancel
    done: list[int] = []
    with WorkerClient(lambda: SubprocessTransport(worker_command(), worker_environment())) as client:
        job = ready_segmenter(client).prompt_slices(
            prompts(*range(SLICES)), lambda event: done.append(event.slice), should_cancel=lambda: len(done) == 2
        )
    assert job.cancelled
    assert list(np.flatnonzero(job.result.computed)) == [0, 1]


def test_a_model_that_knows_single_slices_alone(start_worker: Start, tmp_path_factory: pytest.TempPathFactory) -> None:
    checkpoint = tmp_path_factory.mktemp("sam") / "sam.pth"
    torch.save(upstream_sam().state_dict(), checkpoint)
    with WorkerClient(start_worker, threads=1) as client:
        segmenter = Segmenter(client)
        loaded = segmenter.use_model(ModelFiles("sam_small", checkpoint, "sam", None), "cpu", "float32")
        assert (loaded.image_size, loaded.name) == (128, "sam_small")
        segmenter.use_stack(stack_of(disk_frames()))
        job = segmenter.prompt_slices(prompts(2, 3))
        assert job.result.masks[0, 2].any()
        assert np.isfinite(job.result.predicted_iou[0, [2, 3]]).all()
        assert np.isnan(job.result.presence).all()
        assert [row.presence for row in slice_results(job.result)] == [None] * SLICES
        assert segmenter.everything(1, 2).masks.shape[1:] == disk_frames().shape[1:]

        for ask in (
            lambda: segmenter.propagate(disk_prompt()),
            lambda: segmenter.predict(disk_prompt()),
            lambda: segmenter.embed([1]),
        ):
            with pytest.raises(ModelError, match=r"sam_small is SAM \(version 1\), which segments single slices"):
                ask()
        # Another model takes its place.
        segmenter.use_model(resolve_model("nano"), device="cpu", precision="float32")
        assert segmenter.predict(disk_prompt()).masks.any()


def test_everything_on_a_slice(fake_segmenter: Segmenter) -> None:
    told: list[tuple[int, int]] = []
    found = fake_segmenter.everything(4, 3, lambda event: told.append((event.done, event.total)))
    bright = disk_frames()[4] > LIMIT
    np.testing.assert_array_equal(found.masks, [bright, ~bright])
    np.testing.assert_array_equal(found.predicted_iou, np.float32([0.9, 0.8]))
    assert (found.embed_seconds, found.prompt_seconds) == (EMBED_SECONDS, PROMPT_SECONDS)
    assert told == [(9, 9)]


@pytest.mark.parametrize(("index", "points"), [(SLICES, 3), (-1, 3), (0, 0), (0, 257)])
def test_no_such_slice_or_grid(fake_segmenter: Segmenter, index: int, points: int) -> None:
    with pytest.raises(InputError, match=r"There is no slice|A grid has"):
        fake_segmenter.everything(index, points)


def test_a_real_worker_looks_for_everything_until_it_is_told_to_stop(shared_segmenter: Segmenter) -> None:
    told: list[int] = []
    with pytest.raises(CancelledError, match="not everything"):
        shared_segmenter.everything(5, 256, lambda event: told.append(event.done), should_cancel=lambda: bool(told))
    assert 0 < told[-1] < 256**2

    found = shared_segmenter.everything(5, 4)
    assert found.masks.shape == (len(found.predicted_iou), *disk_frames().shape[1:])
