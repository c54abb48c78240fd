"""Batches from the seed library."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from worker.disks import disk_frames, disk_prompt

from batch.studies import quick_options, write_array, write_image
from PromptOnceLib.batch.plan import BatchPlan, PromptChoice, Selection
from PromptOnceLib.batch.planning import make_plan
from PromptOnceLib.batch.prompt_sources import PromptSources
from PromptOnceLib.batch.runner import run_batch
from PromptOnceLib.core.case import prepare_case
from PromptOnceLib.core.errors import SeedError
from PromptOnceLib.core.reading import read_volume
from PromptOnceLib.core.records import read_case_record, read_run_record
from PromptOnceLib.core.seeds.library import SeedLibrary
from PromptOnceLib.core.seeds.making import make_seed

pytestmark = pytest.mark.usefixtures("_posix")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SeedLibrary:
    """A library with one seed, called disk."""
    monkeypatch.setenv("PROMPTONCE_LIBRARY", str(tmp_path / "library"))
    library = SeedLibrary()
    add_seed(library, tmp_path, "disk", dt.date(2026, 1, 1))
    return library


def add_seed(library: SeedLibrary, folder: Path, name: str, date: dt.date) -> None:
    volume = read_volume(write_image(folder / "seed.nii.gz", seed=9))
    case = prepare_case(volume, disk_prompt(2), window="full")
    mask = disk_frames(slices=5, seed=9)[2] > 128
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
