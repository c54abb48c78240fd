"""Runs of a batch from beginning to end, with a worker that needs no model."""

from __future__ import annotations

import errno
import json
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from worker.disks import disk_frames
from worker.fake_process import KILLER
from worker.gate import Gate
from worker.processes import wait_until

from batch.studies import (
    SLICES,
    Heard,
    computed,
    file_prompt,
    quick_options,
    segmentation,
    steps_of,
    study,
    write_array,
    write_image,
)
from PromptOnceLib.batch.planning.make_plan import make_plan, plan_images
from PromptOnceLib.batch.planning.plan import PromptChoice, Selection
from PromptOnceLib.batch.run_folder.records import read_case_record, read_run_record
from PromptOnceLib.batch.running import lane
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.errors import DiskFullError, InputError, ModelError, RunFolderError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.worker.client import WorkerClient

pytestmark = pytest.mark.usefixtures("_posix")
FILES = ["record.json", "segmentation.seg.nrrd", "sheet.png", "slices.csv", "thumbnail-look.png", "thumbnail-seed.png"]


def test_every_case_gets_its_folder_and_the_run_its_record(tmp_path: Path) -> None:
    heard, out = Heard(), tmp_path / "out"
    summary = run_batch(study(tmp_path), quick_options(tmp_path), out, on_event=heard)
    assert summary.succeeded
    assert (summary.total, summary.finished) == (3, 3)
    for name in "abc":
        assert sorted(path.name for path in (out / "cases" / name).iterdir()) == FILES
    assert [case.case for case in read_run_record(out).cases] == ["a", "b", "c"]
    assert read_run_record(out).ended
    record = read_case_record(out / "cases" / "a")
    assert record.identity.versions["fake"] == "1"
    assert record.identity.precision == "float32"
    assert json.loads((out / "summary.json").read_text())["finished"] == 3
    assert {"joint_raw_data.csv", "joint_results.csv", "results.csv", "report.html"} <= {p.name for p in out.iterdir()}
    assert [event.case for event in heard.of("case_started")] == ["a", "b", "c"]
    assert len(heard.of("slice")) == 15
    assert heard.events[-1].event == "run_ended"
    voxels = read_volume(tmp_path / "images" / "a.nii.gz").array
    assert segmentation(out, "a").any()
    assert voxels[segmentation(out, "a") > 0].min() > voxels[segmentation(out, "a") == 0].min()


def test_broken_cases_are_reported_and_the_good_ones_beside_them_are_done(tmp_path: Path) -> None:
    images = tmp_path / "images"
    write_image(images / "good.nii.gz")
    (images / "empty.nii.gz").write_bytes(b"")
    (images / "unreadable.nii.gz").write_bytes(b"no image at all")
    write_array(images / "four.nii.gz", np.zeros((2, 5, 80, 96), np.int16))
    write_array(images / "vectors.mha", np.zeros((5, 80, 96, 2), np.float32), vector=True)
    write_array(images / "colour.png", np.zeros((80, 96, 3), np.uint8), vector=True)
    write_image(images / "one-slice.nii.gz", slices=1)
    write_array(images / "small.nii.gz", np.zeros((5, 20, 20), np.int16))
    write_image(images / "good-too.nii.gz", seed=1)
    plan = make_plan(Selection(source=images, prompt=file_prompt(tmp_path)))

    summary = run_batch(plan, quick_options(tmp_path), tmp_path / "out")

    assert summary.finished == 2
    codes = {item.case: item.code for item in summary.not_succeeded}
    assert codes == {
        "empty": "bad_volume",
        "unreadable": "bad_volume",
        "four": "bad_volume",
        "vectors": "bad_volume",
        "colour": "bad_prompt",
        "one-slice": "bad_prompt",
        "small": "bad_prompt",
    }
    assert all(item.message.endswith(".") for item in summary.not_succeeded)
    assert {failure.case for failure in read_run_record(tmp_path / "out").failures} == set(codes)


def test_a_reference_elsewhere_in_space_fails_its_case_alone(tmp_path: Path) -> None:
    plan = study(tmp_path, ("a", "b"))
    image = write_image(tmp_path / "far.nii.gz")
    far = sitk.ReadImage(str(image))
    far.SetOrigin((1e4, 0, 0))
    sitk.WriteImage(sitk.Cast(far > 128, sitk.sitkUInt8), str(image))
    first = plan.cases[0].model_copy(update={"reference": str(image)})
    plan = plan.model_copy(update={"cases": (first, plan.cases[1])})
    summary = run_batch(plan, quick_options(tmp_path), tmp_path / "out")
    assert [(item.case, item.code) for item in summary.not_succeeded] == [("a", "bad_geometry")]


def test_the_prompt_can_come_from_the_reference_of_each_case(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        write_image(tmp_path / "images" / f"{name}.nii.gz", seed)
        write_array(
            tmp_path / "images" / f"{name}_disk.nii.gz", (disk_frames(slices=5, seed=seed) > 128).astype(np.uint8)
        )
    selection = Selection(
        source=tmp_path / "images", prompt=PromptChoice(kind="reference"), references="{case}_disk.nii.gz:1"
    )
    options, out = quick_options(tmp_path), tmp_path / "out"
    assert run_batch(make_plan(selection), options, out).finished == 2
    record = read_case_record(out / "cases" / "b")
    assert record.figures.dice == pytest.approx(1, abs=0.05)
    assert record.identity.prompt == "reference"
    # Another strategy is another prompt, and the same one again is none.
    for prompt in (PromptChoice(kind="reference", strategy="S5"),) * 2:
        run_batch(make_plan(selection.model_copy(update={"prompt": prompt})), options, out, resume=True)
        assert computed(out) == ["a", "b"] * 2
    assert read_case_record(out / "cases" / "b").identity.prompt == "reference, S5"


def test_a_case_that_kills_the_worker_twice_is_set_aside(tmp_path: Path) -> None:
    plan = study(tmp_path)
    killer = disk_frames(slices=5)
    killer[:] = np.clip(killer, KILLER, 255)
    killer[0, 0, 0], killer[0, 0, 1], killer[0, 0, 2] = KILLER, 0, 255
    write_array(tmp_path / "images" / "b.nii.gz", killer)
    plan = plan.model_copy(update={"cases": tuple(c.model_copy(update={"window": "full"}) for c in plan.cases)})
    summary = run_batch(plan, quick_options(tmp_path), tmp_path / "out")
    assert [(item.case, item.status) for item in summary.not_succeeded] == [("b", "set_aside")]
    assert summary.finished == 2
    events = [step.event for step in steps_of(tmp_path / "out") if step.case == "b"]
    assert events == ["reading", "read", "started", "worker_died", "started", "worker_died", "set_aside"]


def test_a_full_disk_stops_the_run_and_a_later_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, options, out = study(tmp_path), quick_options(tmp_path), tmp_path / "out"
    write, calls = lane.write_results, []

    def full_on_the_second(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*arguments)

    monkeypatch.setattr(lane, "write_results", full_on_the_second)
    summary = run_batch(plan, options, out)
    assert summary.stopped_code == "disk_full"
    assert "disk is full" in summary.stopped
    assert summary.finished >= 1
    assert not summary.succeeded
    assert not (out / "cases" / "b").exists()
    monkeypatch.undo()
    assert run_batch(plan, options, out, resume=True).succeeded
    assert computed(out).count("a") == 1


def test_a_full_disk_is_found_before_the_first_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, options, out = study(tmp_path), quick_options(tmp_path), tmp_path / "out"
    room = [3 << 19]
    monkeypatch.setattr("PromptOnceLib.batch.running.control.free_bytes", lambda folder: room[0])
    with pytest.raises(DiskFullError, match=r"need about \d MB"):
        run_batch(plan, options, out)
    assert not list((out / "cases").iterdir())
    room[0] = 1 << 30
    assert run_batch(plan, options, out, resume=True).succeeded
    room[0] = 3 << 19  # enough for a run in which all is finished
    assert run_batch(plan, options, out, resume=True).reused == 3


def test_cancel_gives_up_the_case_under_way_and_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, options, out, heard = study(tmp_path), quick_options(tmp_path), tmp_path / "out", Heard()
    with Gate(slices=SLICES + 2) as gate:  # the second case has two slices
        monkeypatch.setenv(*gate.variable)
        summary = run_batch(plan, options, out, on_event=heard, should_cancel=gate.stopped)
    assert summary.cancelled
    assert [event.case for event in heard.of("slice")] == ["a"] * SLICES + ["b"] * 2
    assert (summary.finished, summary.not_done) == (1, 2)
    assert {item.case: item.status for item in summary.not_succeeded} == {"b": "cancelled", "c": "not_started"}
    assert run_batch(plan, options, out, resume=True).succeeded
    assert computed(out) == ["a", "b", "b", "c"]


def test_an_exception_of_the_caller_ends_the_run_at_once_and_its_workers(tmp_path: Path) -> None:
    def stop() -> bool:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        run_batch(study(tmp_path), quick_options(tmp_path), tmp_path / "out", should_cancel=stop)
    # Readers of images may still be busy.
    assert wait_until(lambda: threading.active_count() <= before), "threads of the run are left"


def test_two_runs_on_one_folder_at_once_are_refused(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path), quick_options(tmp_path), tmp_path / "out"
    refused: list[str] = []

    def second(event: object) -> None:
        if not refused:
            with pytest.raises(RunFolderError) as error:
                run_batch(plan, options, out, resume=True)
            refused.append(error.value.message)

    assert run_batch(plan, options, out, on_event=second).succeeded
    assert "Another batch is running" in refused[0]


def test_several_workers_share_the_cases(tmp_path: Path) -> None:
    plan = study(tmp_path, "abcdef")
    summary = run_batch(plan, quick_options(tmp_path, workers=3), tmp_path / "out")
    assert summary.finished == 6
    assert sorted(computed(tmp_path / "out")) == list("abcdef")


def test_volumes_in_memory_are_cases_too(tmp_path: Path) -> None:
    volume = read_volume(write_image(tmp_path / "a.nii.gz"))
    plan, volumes = plan_images([volume, tmp_path / "a.nii.gz"], Selection(prompt=file_prompt(tmp_path)))
    assert [case.name for case in plan.cases] == ["volume-1", "a"]
    out, options = tmp_path / "out", quick_options(tmp_path)
    assert run_batch(plan, options, out, volumes=volumes).finished == 2
    assert np.array_equal(segmentation(out, "volume-1"), segmentation(out, "a"))
    assert run_batch(plan, options, out, volumes=volumes, resume=True).reused == 2


@pytest.mark.parametrize(
    ("names", "sentence"), [(["p", "P"], "names several cases"), (["p/1", "b"], '"p-1" could'), (["p"], "1 names")]
)
def test_names_of_volumes_are_taken_as_they_are_or_refused(names: list[str], sentence: str, tmp_path: Path) -> None:
    volume = read_volume(write_image(tmp_path / "a.nii.gz"))
    selection = Selection(prompt=file_prompt(tmp_path))
    plan, _ = plan_images([volume, volume], selection, ["p.1", "q"])
    assert [case.name for case in plan.cases] == ["p.1", "q"]
    with pytest.raises(InputError, match=sentence):
        plan_images([volume, volume], selection, names)


def test_nothing_is_made_where_the_model_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        run_batch(study(tmp_path), quick_options(tmp_path, model="giant"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_worker_that_cannot_start_stops_the_run_and_blames_no_case(tmp_path: Path) -> None:
    script = tmp_path / "broken.sh"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o700)
    options = quick_options(tmp_path, python=script)
    summary = run_batch(study(tmp_path), options, tmp_path / "out")
    assert summary.stopped_code == "worker_failed"
    assert (summary.failed, summary.not_done) == (0, 3)


def test_a_round_trip_is_made_where_it_is_asked_for(tmp_path: Path) -> None:
    plan, out = study(tmp_path, "ab"), tmp_path / "out"
    write_array(tmp_path / "images" / "b.nii.gz", np.full((5, 80, 96), 60, np.uint8))  # nothing to come back to
    run_batch(plan, quick_options(tmp_path), out)
    assert read_case_record(out / "cases" / "a").identity.round_trip is None
    summary = run_batch(plan, quick_options(tmp_path, round_trip=True), out, resume=True)
    assert (summary.finished, summary.succeeded) == (2, True)
    assert read_case_record(out / "cases" / "a").identity.round_trip == 1
    assert read_case_record(out / "cases" / "b").identity.round_trip is None


def test_a_worker_that_hangs_counts_as_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("PromptOnceLib.batch.running.prepare.WorkerClient", partial(WorkerClient, clock=lambda: now[0]))
    heard = Heard()
    with Gate(slices=0) as gate:
        monkeypatch.setenv(*gate.variable)
        stood = []

        def waiting() -> bool:
            """Asked all the time: an hour passes whenever another worker stands at the gate."""
            if gate.stopped() and (not stood or stood[-1] != len(heard.of("case_started"))):
                stood.append(len(heard.of("case_started")))
                now[0] += 3600
            return False

        summary = run_batch(
            study(tmp_path, "a"), quick_options(tmp_path), tmp_path / "out", on_event=heard, should_cancel=waiting
        )
    assert [(item.case, item.status) for item in summary.not_succeeded] == [("a", "set_aside")]
    events = [step.event for step in steps_of(tmp_path / "out")]
    assert events == ["reading", "read", "started", "worker_died", "started", "worker_died", "set_aside"]
