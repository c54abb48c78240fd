"""Seeds and batches from Slicer's Python console, with the embedded model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import slicer
from batch.studies import quick_options

from mrml.conftest import Application
from mrml.segmentations import add_segment
from mrml.volumes import add_volume, ijk_to_ras
from PromptOnceLib.batch.background import BatchRequest, background_command, background_environment
from PromptOnceLib.batch.client import BatchJob, hand_over
from PromptOnceLib.batch.run_folder.records import read_case_record, read_run_record
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.errors import CancelledError, InputError, RunFolderError, SeedError
from PromptOnceLib.mrml.logic.console import Console
from PromptOnceLib.mrml.seeds import scanner_name
from PromptOnceLib.mrml.volumes import read_volume_node
from PromptOnceLib.processes.transport import SubprocessTransport, Transport, worker_command, worker_environment
from PromptOnceLib.prompts.prompt import write_prompt
from PromptOnceLib.segmentation.io import read_segmentation
from PromptOnceLib.segmentation.metrics import dice

SLICES, ROWS, COLUMNS = 3, 64, 80
NOT_ON_WINDOWS = pytest.mark.skipif(sys.platform == "win32", reason="the fake worker is a shell script")


def disk(slices: int = SLICES) -> np.ndarray:
    y, x = np.mgrid[:ROWS, :COLUMNS]
    return np.repeat((np.hypot(x - 40, y - 30) < 14)[None], slices, axis=0)


def load_disk(slices: int = SLICES, seed: int = 0):
    noise = np.random.default_rng(seed).normal(0, 6, (slices, ROWS, COLUMNS))
    array = (np.where(disk(slices), 120, -60) + noise).astype(np.int16)
    return add_volume(array, ijk_to_ras(np.eye(3), (1.0, 1.0, 3.0)))


@pytest.fixture(scope="module")
def logic(application: Application, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("logic")
    begun: list[BatchJob] = []

    def start() -> SubprocessTransport:
        return SubprocessTransport(worker_command(), worker_environment())

    def start_batch(request: BatchRequest) -> Transport:
        options = request.options.model_copy(update={"python": quick_options(folder).python})
        variables = {**os.environ, "PROMPTONCE_LIBRARY": str(folder / "lib")}
        transport = SubprocessTransport(background_command(), background_environment(variables))
        hand_over(transport, request.model_copy(update={"options": options}))
        return transport

    logic = Console(
        start,
        application.process_events,
        application.keep_pumping,
        start_batch,
        begun.append,
        lambda: str(folder / "lib"),
    )
    logic.begun = begun
    yield logic
    logic.close()


def box(logic, volume, index: int = 1):
    return logic.promptFromIJK(volume, box=((24, 14, index), (56, 46, index)), name="disk")


@pytest.fixture
def saved(scene, logic):
    """A seed of a disk in the library, made once."""
    if not logic.seeds():
        logic.saveSeed(load_disk(), box(logic, load_disk()), "disk", frameConfirmed=True, target="disk", device="cpu")
    (seed,) = logic.seeds()
    return seed


def test_a_seed_is_saved_with_mask_and_round_trip_and_not_without_the_users_word(scene, logic, saved) -> None:
    assert saved.record.target == "disk"
    assert dice(saved.masks[0], disk()[1]) > 0.8
    assert saved.record.round_trip is not None
    volume = load_disk()
    with pytest.raises(SeedError, match="already"):
        logic.saveSeed(volume, box(logic, volume), "Disk", frameConfirmed=True, device="cpu")
    with pytest.raises(SeedError, match="confirm"):
        logic.saveSeed(volume, box(logic, volume), "another", frameConfirmed=False, device="cpu")
    with pytest.raises(SeedError, match="be made of a seed"):
        logic.saveSeed(volume, logic.promptFromSeed("disk"), "another", frameConfirmed=True, device="cpu")


def test_the_segments_of_a_segmentation_are_the_accepted_masks_and_one_for_each_object(
    scene, logic, saved, tmp_path
) -> None:
    volume = load_disk()
    accepted = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    accepted.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    mine = np.zeros((SLICES, ROWS, COLUMNS), np.uint8)
    mine[:, 20:40, 30:50] = 1
    words = {"frameConfirmed": True, "device": "cpu", "roundTrip": False, "library": tmp_path}
    with pytest.raises(SeedError, match="0 masks for 1 object"):
        logic.saveSeed(volume, box(logic, volume), "mine", segmentationNode=accepted, **words)
    add_segment(accepted, volume, "disk", mine)
    seed = logic.saveSeed(volume, box(logic, volume), "mine", segmentationNode=accepted, **words)
    np.testing.assert_array_equal(seed.masks[0] > 0, mine[1] > 0)


def test_the_best_seed_is_found_and_segments_another_volume(scene, logic, saved) -> None:
    volume = load_disk(4, seed=3)
    (match,) = logic.matchSeeds(volume, scannerName="CT 2")
    assert match.usable
    assert "same spacing" in match.reasons
    assert scanner_name(volume) == "CT 2"
    run = logic.segmentVolume(volume, logic.promptFromSeed("auto", volume), device="cpu")
    assert run.case.prompt.label == "disk"
    assert run.case.prompt.slice == 2
    assert dice(run.job.result.to_volume_order(0), disk(4)) > 0.6
    figures = logic.seedRoundTrip(volume, "disk", device="cpu")
    assert 0 <= figures.dice[0] <= 1


def test_a_seed_can_start_on_the_slice_most_like_its_own(scene, logic, saved) -> None:
    volume = load_disk()
    assert logic.promptFromSeed("disk", volume, start="similar", device="cpu").start == 1
    assert logic.promptFromSeed("disk", start=2, by="mask").start == 2
    assert logic.promptFromSeed("disk", start=np.int64(2)).start == 2
    with pytest.raises(SeedError, match="Name the volume"):
        logic.promptFromSeed("Auto")
    with pytest.raises(SeedError, match="Name the volume"):
        logic.promptFromSeed("disk", start="confident")
    with pytest.raises(SeedError, match="no seed that fits"):
        logic.promptFromSeed("auto", volume, target="liver")


def test_a_seed_can_start_on_the_most_confident_slice_and_a_search_keeps_to_the_range(scene, logic, saved) -> None:
    array = np.random.default_rng(5).normal(-60, 6, (7, ROWS, COLUMNS)).astype(np.int16)
    array[5, disk()[1]] += 180
    volume = add_volume(array, ijk_to_ras(np.eye(3), (1.0, 1.0, 3.0)))
    assert logic.promptFromSeed("disk", volume, start="confident", device="cpu").start == 5
    found = {
        start: logic.promptFromSeed("disk", volume, start=start, device="cpu", firstSlice=1, lastSlice=2).start
        for start in ("confident", "similar")
    }
    assert set(found.values()) <= {1, 2}, found
    with pytest.raises(InputError, match="does not lie in the slices 0 to 6"):
        logic.promptFromSeed("disk", volume, start="confident", device="cpu", lastSlice=7)


@NOT_ON_WINDOWS
def test_a_batch_of_nodes_and_files_waits_and_leaves_results(scene, logic, application, saved, tmp_path: Path) -> None:
    events = application.events
    out = tmp_path / "out"
    job = logic.runBatch([load_disk(seed=1), load_disk(seed=2)], out, seed="auto", earlyStop=True)
    assert job.summary.succeeded, job.summary
    assert logic.begun[-1] is job
    assert application.events > events
    assert sorted(job.ended) == ["volume-1", "volume-2"]
    assert read_run_record(out).options["early_stop"] is True
    found = read_segmentation(out / "cases" / "volume-2" / "segmentation.seg.nrrd")
    assert found.geometry.shape == (SLICES, ROWS, COLUMNS)
    with pytest.raises(RunFolderError, match="holds a run already"):
        logic.runBatch([load_disk(seed=1)], out, seed="disk")
    again = logic.runBatch([load_disk(seed=1), load_disk(seed=2)], out, seed="auto", earlyStop=True, resume=True)
    assert again.summary.reused == 2


@NOT_ON_WINDOWS
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_a_node_is_seen_as_segment_volume_sees_it(scene, logic, saved, tmp_path: Path, modality: str) -> None:
    """A CT without air, and an MR with values as of a CT: what the scene knows of them decides."""
    volume = load_disk()
    if modality == "MR":
        slicer.util.arrayFromVolume(volume)[:, :6] = -1000
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(volume) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), volume)
    name = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
    hierarchy.SetItemAttribute(item, name, modality)
    prompt, out = box(logic, volume), tmp_path / "out"
    write_prompt(tmp_path / "prompt.json", prompt)
    assert logic.runBatch([volume], out, prompt=tmp_path / "prompt.json").summary.succeeded
    shown = prepare_case(read_volume_node(volume), prompt).stack.window.name
    assert read_case_record(out / "cases" / "volume-1").window == shown


@NOT_ON_WINDOWS
def test_a_batch_that_does_not_wait_calls_back_and_can_be_cancelled(
    scene, logic, application, saved, tmp_path: Path
) -> None:
    seen, ended = [], []
    job = logic.runBatch(
        load_disk(), tmp_path / "out", seed="disk", wait=False, onProgress=seen.append, onFinished=ended.append
    )
    assert not job.finished
    application.run_until_idle()
    assert ended == [job]
    assert job.total == 1
    assert seen

    prompt = tmp_path / "prompt.json"
    volume = load_disk()
    write_prompt(prompt, box(logic, volume))
    job = logic.runBatch([volume] * 4, tmp_path / "other", prompt=prompt, wait=False)
    job.cancel()
    application.run_until_idle()
    assert job.summary.cancelled
    job = logic.runBatch([volume] * 4, tmp_path / "third", prompt=prompt, wait=False)
    job.close()
    assert job.finished
    assert isinstance(job.error, CancelledError)


def test_what_cannot_be_run_is_refused_with_a_sentence(scene, logic, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not several"):
        logic.runBatch(tmp_path, tmp_path / "out", seed="disk", promptFromReference=True)
    with pytest.raises(InputError, match="strategy goes with prompts from references"):
        logic.runBatch(tmp_path, tmp_path / "out", seed="disk", strategy="S5")
    with pytest.raises(InputError, match="S8 is no prompt strategy"):
        logic.runBatch(tmp_path, tmp_path / "out", promptFromReference=True, strategy="S8")
    with pytest.raises(InputError, match="does not exist"):
        logic.runBatch(tmp_path / "nothing", tmp_path / "out", seed="auto")
    with pytest.raises(InputError, match="need a seed or a prompt file"):
        logic.runBatch([load_disk()], tmp_path / "out")
    with pytest.raises(InputError, match="Names go with a list"):
        logic.runBatch(tmp_path, tmp_path / "out", seed="disk", names=["a"])
    for words, options in (
        ("no seed called", {"seed": "dsik"}),
        ("references in a folder", {"seed": "disk", "reference": "{case}_seg.nrrd"}),
        ("2 names", {"seed": "disk", "names": ["a", "b"]}),
        ("workers", {"seed": "disk", "workers": 0}),
        ("zoom", {"seed": "disk", "zoom": "on"}),
    ):
        with pytest.raises(InputError, match=words):
            logic.runBatch([load_disk()], tmp_path / "out", **options)
    assert not (tmp_path / "out").exists(), "no voxels of a patient are left by a run that never was"
