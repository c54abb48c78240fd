"""Batches from the seed library."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from worker.disks import disk_frames, disk_prompt

from batch.studies import quick_options, write_array, write_image
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import BatchPlan, PromptChoice, Selection
from PromptOnceLib.batch.run_folder.records import read_case_record, read_run_record
from PromptOnceLib.batch.running.case_prompts import PromptSources
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.errors import SeedError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.prompts.prompt import Box, Point
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.library import SeedLibrary

pytestmark = pytest.mark.usefixtures("_posix")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SeedLibrary:
    """A library with one seed, called disk."""
    monkeypatch.setenv("PROMPTONCE_LIBRARY", str(tmp_path / "library"))
    library = SeedLibrary()
    add_seed(library, tmp_path, "disk", dt.date(2026, 1, 1))
    return library


def add_seed(library: SeedLibrary, folder: Path, name: str, date: dt.date, flipped: bool = False) -> None:
    """flipped: the disk is where in the images it is not."""
    frames = disk_frames(slices=5, seed=9)
    volume = read_volume(write_array(folder / "seed.nii.gz", frames[:, :, ::-1] if flipped else frames))
    prompt = disk_prompt(2)
    if flipped:
        x = 95 - 47
        item = prompt.objects[0].model_copy(
            update={"box": Box(x0=x - 18, y0=22, x1=x + 18, y1=58), "points": (Point(x=x, y=40, positive=True),)}
        )
        prompt = prompt.model_copy(update={"objects": (item,)})
    case = prepare_case(volume, prompt, window="full")
    mask = volume.array[2] > 128
    library.save(make_seed(volume, case.stack, case.prompt, [mask], name=name, date=date, frame_confirmed=True))


def plan(folder: Path, prompt: PromptChoice) -> BatchPlan:
    for seed, name in enumerate("ab"):
        write_image(folder / "images" / f"{name}.nii.gz", seed)
    return make_plan(Selection(source=folder / "images", prompt=prompt), PromptSources().seed_problem)


@pytest.mark.parametrize("prompt", [PromptChoice(kind="seed", name="Disk"), PromptChoice(kind="auto")])
def test_a_seed_by_name_or_the_best_one_prompts_every_case(
    library: SeedLibrary, tmp_path: Path, prompt: PromptChoice
) -> None:
    out = tmp_path / "out"
    summary = run_batch(plan(tmp_path, prompt), quick_options(tmp_path), out)
    assert summary.succeeded, summary
    record = read_case_record(out / "cases" / "a")
    assert record.identity.seed is not None
    assert (record.identity.seed.name, record.identity.seed.id) == ("disk", library.get("disk").id)
    assert [seed.name for seed in read_run_record(out).seeds] == ["disk"]
    assert any("was taken" in notice for notice in record.notices) == (prompt.kind == "auto")


def test_a_seed_that_nobody_knows_is_refused_before_anything_runs(library: SeedLibrary, tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="dusk"):
        plan(tmp_path, PromptChoice(kind="seed", name="dusk"))


def test_an_image_that_no_seed_fits_is_a_failed_case(library: SeedLibrary, tmp_path: Path) -> None:
    planned = plan(tmp_path, PromptChoice(kind="auto"))
    write_array(tmp_path / "images" / "b.nii.gz", np.zeros((1, 80, 96), np.int16))
    summary = run_batch(planned, quick_options(tmp_path), tmp_path / "out")
    assert [(item.case, item.code) for item in summary.not_succeeded] == [("b", "bad_seed")]


@pytest.mark.slow
def test_finished_cases_keep_their_seed_when_another_comes_and_change_with_its_content(
    library: SeedLibrary, tmp_path: Path
) -> None:
    planned, options, out = plan(tmp_path, PromptChoice(kind="auto")), quick_options(tmp_path), tmp_path / "out"
    run_batch(planned, options, out)
    library.edit("disk", note="of another day")
    add_seed(library, tmp_path, "newer", dt.date(2026, 2, 2))
    assert run_batch(planned, options, out, resume=True).reused == 2
    library.delete("disk")
    assert run_batch(planned, options, out, resume=True).finished == 2
    assert read_case_record(out / "cases" / "a").identity.seed.name == "newer"


def test_auto_takes_the_seed_whose_frame_is_most_like_the_image(library: SeedLibrary, tmp_path: Path) -> None:
    # The newer seed would go first if nothing else told them apart.
    add_seed(library, tmp_path, "flipped", dt.date(2026, 3, 3), flipped=True)
    planned, options, out = plan(tmp_path, PromptChoice(kind="auto")), quick_options(tmp_path), tmp_path / "out"
    assert run_batch(planned, options, out).succeeded
    record = read_case_record(out / "cases" / "a")
    assert record.identity.seed is not None
    assert record.identity.seed.name == "disk"
    assert any("similarity of the frames" in notice for notice in record.notices)
    assert run_batch(planned, options, out, resume=True).reused == 2


def test_a_seed_starts_where_the_image_is_most_like_it_or_where_it_is_told_to(
    library: SeedLibrary, tmp_path: Path
) -> None:
    planned = plan(tmp_path, PromptChoice(kind="seed", name="disk"))
    first = planned.cases[0].model_copy(update={"slice": 4})
    planned = planned.model_copy(update={"cases": (first, planned.cases[1])})
    frames = np.stack([np.full((80, 96), 60, np.uint8)] * 5)
    frames[1] = disk_frames(slices=5, seed=9)[2]
    write_array(tmp_path / "images" / "b.nii.gz", frames)
    out = tmp_path / "out"
    assert run_batch(planned, quick_options(tmp_path, start="similar", by="mask"), out).succeeded
    assert read_case_record(out / "cases" / "a").seed_slice == 4
    record = read_case_record(out / "cases" / "b")
    assert record.seed_slice == 1
    assert any("most similar to the seed" in notice for notice in record.notices)
    assert run_batch(planned, quick_options(tmp_path, start="similar", by="prompt"), out, resume=True).finished == 2
    assert run_batch(planned, quick_options(tmp_path, start="confident"), out, resume=True).finished == 2
    record = read_case_record(out / "cases" / "b")
    assert any("most confidence" in notice or "No slice shows the object" in notice for notice in record.notices)


def test_a_round_trip_of_a_seed_is_recorded(library: SeedLibrary, tmp_path: Path) -> None:
    out = tmp_path / "out"
    planned = plan(tmp_path, PromptChoice(kind="seed", name="disk"))
    assert run_batch(planned, quick_options(tmp_path, round_trip=True), out).succeeded
    # The worker draws what is bright, so the way back finds the seed's own mask.
    assert read_case_record(out / "cases" / "a").identity.round_trip == 1
