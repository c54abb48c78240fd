"""Seeds and prompt files of version 0.1.0 are read, applied and written as they were."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from seeds.sample_seeds import same

from compatibility.old_files import BLUE, DATA, LIVER, MODEL_OF_THEN, RECORDED, RED, sha256
from PromptOnceLib.batch.running.case_prompts import seed_fingerprint
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.imaging.orientation import FrameOrientation
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Point, Prompt, read_prompt
from PromptOnceLib.seeds.apply import SeedSource, shared_seed
from PromptOnceLib.seeds.archive import export_seeds, import_seeds
from PromptOnceLib.seeds.fit import fit_seed
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.matching import rank
from PromptOnceLib.seeds.similarity import Comparison, read_features

CORNER = ObjectPrompt(name="corner", color=BLUE, box=Box(x0=2, y0=3, x1=12, y1=14))


# Seeds


@pytest.fixture
def library(old: Path) -> SeedLibrary:
    return SeedLibrary(old / "library")


def test_all_seeds_are_in_the_library_with_everything_that_was_known(library: SeedLibrary) -> None:
    listing = library.list()
    assert listing.notices == ()
    assert [seed.name for seed in listing.seeds] == list(RECORDED["seeds"])
    for seed in listing.seeds:
        record, expected = seed.record, RECORDED["seeds"][seed.name]
        assert (seed.id, record.plane, record.mean_of) == (expected["id"], expected["plane"], expected["mean_of"])
        scanner = None if record.scanner is None else record.scanner.model_dump(mode="json")
        trip = None if record.round_trip is None else record.round_trip.model_dump(mode="json")
        assert (scanner, trip) == (expected["scanner"], expected["round_trip"])
        assert seed_fingerprint(seed) == expected["fingerprint"]
    trip = library.get("disk CT 1").record.round_trip
    assert trip is not None
    assert (round(trip.worst, 3), trip.trust, trip.model) == (0.933, "good", "nano")
    knee = library.get("knee MR").record
    assert (knee.author, knee.licence, knee.note) == ("the developers", "Apache-2.0", "Generated.\nTwo lines.")
    assert (knee.objects[0].terminology, knee.window.name) == (LIVER, "120/240")


def test_a_seed_is_written_as_it_was(library: SeedLibrary) -> None:
    for seed in library.list().seeds:
        written = (library.folder / seed.id / "seed.json").read_text(encoding="utf-8")
        assert seed.record.to_json() + "\n" == written


def test_a_deleted_seed_comes_back_from_the_trash(library: SeedLibrary) -> None:
    assert [seed.name for seed in library.trashed().seeds] == ["disk CT 0"]
    library.restore("disk CT 0")
    assert len(library.list().seeds) == 5
    assert library.trashed().seeds == ()


@pytest.mark.parametrize("name", RECORDED["seeds"])
def test_a_seed_prompts_another_volume_with_what_it_did(library: SeedLibrary, old: Path, name: str) -> None:
    seed, expected = library.get(name), RECORDED["seeds"][name]
    geometry, axis = read_volume(old / "study" / "a.nii.gz").geometry, expected["axis"]
    assert FrameOrientation.of(geometry, axis).plane == expected["plane"]
    applied = shared_seed(SeedSource((seed,)), geometry, axis)
    assert (applied.slice, sha256(applied.frames[0].frame)) == (expected["start"], expected["frame"])
    assert [item.model_dump(mode="json") for item in applied.objects] == expected["objects"]
    masks = fit_seed(seed, geometry, axis, by="mask").objects
    for item, accepted in zip(applied.objects, masks, strict=True):
        mask = accepted.mask_array()
        assert mask.any()
        assert all(mask[round(p.y), round(p.x)] for p in item.points if p.positive)
        if item.box is not None:
            rows, columns = np.nonzero(mask)
            assert item.box.x0 < columns.mean() < item.box.x1
            assert item.box.y0 < rows.mean() < item.box.y1


def test_seeds_are_ranked_as_they_were(library: SeedLibrary, old: Path) -> None:
    matches = rank(library.list().seeds, read_volume(old / "study" / "a.nii.gz"), 0)
    found = [{"seed": m.seed.name, "score": m.score, "usable": m.usable, "reasons": list(m.reasons)} for m in matches]
    assert found == RECORDED["ranked"]


def test_features_of_a_frame_are_not_computed_again(library: SeedLibrary, old: Path) -> None:
    model = MODEL_OF_THEN
    seeds = [seed for seed in library.list().seeds if seed.record.plane == "axial"]
    comparison = Comparison.of(library, seeds, read_volume(old / "study" / "a.nii.gz"), 0, model)
    assert comparison.missing == tuple(seed.id for seed in seeds if seed.name != "disk CT 1")
    assert len(comparison.frames) == 3
    kept = read_features(library, library.get("disk CT 1").id, f"likeness-{model}")
    assert kept is not None
    alike = comparison.take(np.stack([-kept, kept, kept]))
    assert [round(alike[seed.id], 4) for seed in seeds] == [1, -1, 1]


def test_an_archive_fills_an_empty_library_with_the_same_seeds(library: SeedLibrary, old: Path) -> None:
    empty = SeedLibrary(old / "empty")
    saved = import_seeds(old / "seeds.zip", empty)
    assert [seed.name for seed in saved.added] == list(RECORDED["seeds"])
    for mine, theirs in zip(library.list().seeds, empty.list().seeds, strict=True):
        assert same(mine, theirs)


def test_an_archive_is_written_as_it_was(library: SeedLibrary, old: Path) -> None:
    export_seeds(library.list().seeds, old / "again.zip")
    with zipfile.ZipFile(old / "seeds.zip") as before, zipfile.ZipFile(old / "again.zip") as now:
        assert now.namelist() == before.namelist()
        for name in now.namelist():
            assert now.getinfo(name).date_time == before.getinfo(name).date_time
            # The pictures are compressed by Pillow, whose next version may do it otherwise.
            assert not name.endswith(".json") or now.read(name) == before.read(name)


# Prompt files


def test_prompt_files_of_every_form_say_what_they_said() -> None:
    points = (Point(x=35, y=31, positive=True), Point(x=5, y=5.5, positive=False))
    drawn = ObjectPrompt(
        name="Scheibe, groß", color=RED, terminology=LIVER, box=Box(x0=18.5, y0=14.5, x1=51.5, y1=47.5), points=points
    )
    assert read_prompt(DATA / "prompts" / "written.json") == Prompt(axis=0, slice=2, objects=(drawn, CORNER))
    by_hand = (
        ObjectPrompt(box=Box(x0=18, y0=15, x1=52, y1=47)),
        ObjectPrompt(name="point", points=(Point(x=35, y=31, positive=True),)),
    )
    assert read_prompt(DATA / "prompts" / "by-hand.json") == Prompt(axis=None, slice=2, objects=by_hand)
    masked = read_prompt(DATA / "prompts" / "mask.json")
    assert (masked.axis, masked.slice, masked.objects[1]) == (None, 3, CORNER)
    y, x = np.mgrid[:64, :72]
    assert np.array_equal(masked.objects[0].mask_array(), np.hypot(x - 36, y - 31) < 15)


@pytest.mark.parametrize("name", ["written.json", "mask.json"])
def test_a_prompt_file_is_written_as_it_was(name: str) -> None:
    path = DATA / "prompts" / name
    assert read_prompt(path).to_json() + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["written.json", "mask.json", "by-hand.json"])
def test_an_old_prompt_file_prompts_its_image(name: str) -> None:
    prompt = read_prompt(DATA / "prompts" / name)
    case = prepare_case(read_volume(DATA / "study" / "a.nii.gz"), prompt)
    assert isinstance(case.prompt, Prompt)
    assert (case.axis.axis, case.prompt.slice, case.prompt.objects) == (0, prompt.slice, prompt.objects)
