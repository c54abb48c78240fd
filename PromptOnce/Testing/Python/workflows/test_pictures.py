"""Radiographs of different sizes from one seed: each mask in its picture's own grid, broken ones left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from worker.disks import disk_frames, disk_prompt, stack_of
from worker.seeds import disk_mask, other_frame

from PromptOnceLib.engine.devices import on_cpu
from PromptOnceLib.engine.network import load_model
from PromptOnceLib.engine.propagation import Propagation, Task
from PromptOnceLib.engine.tracker import Tracker
from PromptOnceLib.errors import InputError, VolumeError, WorkerError
from PromptOnceLib.imaging.stack import make_stack
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.models.registry import resolve_model
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.apply import SeedSource, shared_seed
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.worker.segmenter import Segmenter
from PromptOnceLib.workflows.pictures import PictureResult, segment_pictures

SIZES = ((80, 96), (86, 92), (84, 100))


def source() -> SeedSource:
    volume = Volume(other_frame()[None], Geometry((92, 84, 1)), modality="DX")
    stack = make_stack(volume, 0, stack_of(volume.array).window)
    prompt = Prompt(axis=0, slice=0, objects=disk_prompt(5).objects)
    return SeedSource((make_seed(volume, stack, prompt, [disk_mask()], name="disk"),))


def frames() -> list[np.ndarray]:
    """Of full range, so that the seed's window, "full", leaves them as they are."""
    made = [disk_frames(1 + i, *size, seed=i)[i] for i, size in enumerate(SIZES)]
    for frame in made:
        frame[0, 0], frame[0, 1] = 0, 255
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i, frame in enumerate(frames()):
        Image.fromarray(frame).save(pictures / f"{i}.png")
    return pictures


def in_process(seed: SharedSeed, alone: bool) -> list[np.ndarray]:
    task = Task(seed.objects, 0, 0, len(SIZES) - 1, "forward", conditioning=seed.frames, alone=alone)
    propagation = Propagation(Tracker(load_model(resolve_model("nano")), on_cpu()), frames(), pytest.fail)
    return [output.masks for output in propagation.run(task)]


@pytest.mark.parametrize("order", ["sequence", "alone"])
def test_every_picture_gets_a_mask_in_its_own_grid(shared_segmenter: Segmenter, folder: Path, order: str) -> None:
    results: list[PictureResult] = []
    paths = sorted(folder.iterdir())
    outcome = segment_pictures(shared_segmenter, paths, source(), results.append, order)

    assert (outcome.done, outcome.cancelled, outcome.skipped, outcome.objects) == (3, False, [], ("disk",))
    assert [result.picture.path for result in results] == paths
    assert [(result.done, result.total) for result in results] == [(1, 3), (2, 3), (3, 3)]
    expected = in_process(shared_seed(source(), Geometry((96, 80, 1)), 0), order == "alone")
    for result, masks, size in zip(results, expected, SIZES, strict=True):
        assert masks.any()
        np.testing.assert_array_equal(result.masks, masks)
        assert result.in_volume_order(0).shape == (1, *size) == result.picture.geometry.shape
    left = [path for path in shared_segmenter.client.folder.iterdir() if not path.name.startswith("stack-")]
    assert left == []


def test_the_segmenter_goes_on_with_its_stack_afterwards(shared_segmenter: Segmenter, folder: Path) -> None:
    before = shared_segmenter.predict(disk_prompt()).masks
    segment_pictures(shared_segmenter, sorted(folder.iterdir()), source(), lambda _: None)
    np.testing.assert_array_equal(shared_segmenter.predict(disk_prompt()).masks, before)


def test_broken_pictures_are_told_and_the_rest_is_segmented(shared_segmenter: Segmenter, folder: Path) -> None:
    (folder / "0a.png").write_bytes(b"no picture")
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 8, 8), np.uint8)), folder / "0b.nii.gz")
    results: list[PictureResult] = []
    outcome = segment_pictures(
        shared_segmenter, [*sorted(folder.iterdir()), folder / "none.png"], source(), results.append
    )
    assert [path.name for path, _ in outcome.skipped] == ["0a.png", "0b.nii.gz", "none.png"]
    assert all(isinstance(error, VolumeError) for _, error in outcome.skipped)
    assert [result.picture.path.name for result in results] == ["0.png", "1.png", "2.png"]


def test_nothing_readable_is_an_error(shared_segmenter: Segmenter, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="None of the images"):
        segment_pictures(shared_segmenter, [tmp_path / "none.png"], source(), lambda _: None)


def test_a_cancelled_set_keeps_what_is_done(shared_segmenter: Segmenter, folder: Path) -> None:
    paths, results = sorted(folder.iterdir()) * 30, []
    outcome = segment_pictures(shared_segmenter, paths, source(), results.append, should_cancel=lambda: bool(results))
    assert outcome.cancelled
    assert 1 <= outcome.done == len(results) < 80


def test_a_set_needs_a_model(start_worker) -> None:
    from PromptOnceLib.worker.client import WorkerClient

    with pytest.raises(WorkerError, match="model"):
        segment_pictures(Segmenter(WorkerClient(start_worker)), [], source(), lambda _: None)
