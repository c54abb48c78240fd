"""Seeds saved from one image and used on the next, as a person types it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from worker.disks import disk_frames, disk_prompt

from cli.conftest import Run
from cli.seed_files import disk_seed, library_with
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.stack import make_stack
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.prompts.prompt import Prompt
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.library import SeedLibrary

BOX = ("--box", "32,22,68,58", "--positive", "50,40")
CONFIRMED = ("--frame-confirmed", "--window", "full", "--library", "library")


@pytest.fixture(scope="session")
def next_patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another volume with a disk, mirrored as stored but lying like the first; its reference is disk_reference."""
    frames = disk_frames(seed=3)[:, :, ::-1]
    image = sitk.GetImageFromArray(np.ascontiguousarray(frames).astype(np.int16))
    image.SetSpacing((0.8, 0.9, 3.0))
    image.SetDirection((0, -1, 0, -1, 0, 0, 0, 0, 1))
    path = tmp_path_factory.mktemp("next") / "next.nii.gz"
    sitk.WriteImage(image, str(path))
    y, x = np.mgrid[: frames.shape[1], : frames.shape[2]]
    labels = np.stack([np.hypot(x - 45 - k, y - 40) < 16 for k in range(len(frames))])[:, :, ::-1].astype(np.uint8)
    reference = sitk.GetImageFromArray(np.ascontiguousarray(labels))
    reference.CopyInformation(image)
    sitk.WriteImage(reference, str(path.with_name("next_reference.nii.gz")))
    return path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return library_with(tmp_path / "library", disk_seed("disk one", "CT 2", 0.95), disk_seed("disk two", "CT 3", 0.6))


@pytest.mark.slow
def test_a_seed_is_saved_and_serves_the_next_patient(
    run: Run, disk_volume: Path, next_patient: Path, tmp_path: Path
) -> None:
    saved = run(
        "seeds", "save", "the disk", disk_volume, *BOX, "--name", "disk", "--scanner", "name=CT 2",
        "manufacturer=MAKER", "--target", "disk", "--preview", "frame.png", "--json", *CONFIRMED,
    )  # fmt: skip
    assert saved.status == 0, saved.err
    assert "demonstration model" in saved.err
    record = saved.json
    assert (record["name"], record["target"], record["scanner_name"]) == ("the disk", "disk", "CT 2")
    assert record["scanner"]["manufacturer"] == "MAKER"
    assert (record["slice"], record["slices"], record["plane"]) == (5, 11, "axial")
    assert record["model"]["name"] == "nano"
    assert record["model"]["sha256"]
    assert 0.8 < record["worst_dice"] <= 1
    assert max(Image.open(tmp_path / "frame.png").size) == 1000
    stored = SeedLibrary(tmp_path / "library").get("the disk")
    y, x = np.mgrid[:80, :96]
    assert np.mean(stored.masks[0] == (np.hypot(x - 50, y - 40) < 16)) > 0.97

    reference = next_patient.with_name("next_reference.nii.gz")
    used = run(
        "segment", next_patient, "-o", "next.seg.nrrd", "--seed", "the disk", "--library", "library",
        "--reference", reference, "--sheet", "next.png", "--json",
    )  # fmt: skip
    assert used.status == 0, used.err
    report = used.json
    assert (report["seed"], report["seed_slice"], report["slices"], report["axis"]) == ("the disk", 5, 11, "k")
    assert report["dice"] > 0.9, "the seed was not turned as the image lies"
    assert report["round_trip"]["trust"] in ("good", "fair")
    assert "the disk" in used.err
    assert (tmp_path / "next.png").exists()
    header = sitk.ReadImage(str(tmp_path / "next.seg.nrrd"))
    assert header.GetMetaData("Segment0_Name") == "disk"


def test_auto_takes_the_seed_of_the_scanner_and_starts_where_it_is_told(
    run: Run, library: Path, next_patient: Path
) -> None:
    used = run(
        "segment", next_patient, "-o", "o.nii.gz", "--seed", "auto", "--scanner", "name=ct 3", "--start", "7", "--by",
        "mask", "--range", "6:8", "--library", library, "--json",
    )  # fmt: skip
    assert used.status == 0, used.err
    assert (used.json["seed"], used.json["seed_slice"], used.json["slices"]) == ("disk two", 7, 3)
    (reason,) = [notice for notice in used.json["notices"] if "was taken" in notice]
    assert "same scanner (CT 3)" in reason
    assert "similarity of the frames" in reason
    assert "poor round trip" in reason
    assert list((library / "features").rglob("*.npy")), "the seeds' descriptors are kept"


def test_several_seeds_and_the_slice_most_like_the_first(run: Run, library: Path, next_patient: Path) -> None:
    used = run(
        "segment", next_patient, "-o", "o.nii.gz", "--seed", "disk one", "--seed", "disk two", "--start", "similar",
        "--library", library, "--json",
    )  # fmt: skip
    assert used.status == 0, used.err
    assert used.json["seed"] == "disk one, disk two"
    assert any(f"Slice {used.json['seed_slice']} is most similar" in notice for notice in used.json["notices"])


def test_the_most_confident_slice(run: Run, library: Path, next_patient: Path) -> None:
    used = run(
        "segment", next_patient, "-o", "o.nii.gz", "--seed", "disk one", "--start", "confident", "--library", library,
        "--json",
    )  # fmt: skip
    assert used.status == 0, used.err
    assert used.json["slices"] == 11
    assert any(f"Slice {used.json['seed_slice']} is the one where" in notice for notice in used.json["notices"])


@pytest.mark.parametrize(("start", "words"), [("similar", "is most similar"), ("confident", "is the one where")])
def test_what_is_searched_for_is_searched_in_the_range(
    run: Run, library: Path, next_patient: Path, start: str, words: str
) -> None:
    used = run(
        "segment", next_patient, "-o", "o.nii.gz", "--seed", "disk one", "--start", start, "--range", "8:10",
        "--library", library, "--json",
    )  # fmt: skip
    assert used.status == 0, used.err
    assert used.json["seed_slice"] in (8, 9, 10)
    assert used.json["slices"] == 3
    assert any(f"Slice {used.json['seed_slice']} {words}" in notice for notice in used.json["notices"])


def test_match_ranks_the_seeds_and_says_why(run: Run, library: Path, next_patient: Path) -> None:
    ended = run("seeds", "match", next_patient, "--scanner", "name=CT 2", "--library", library)
    assert ended.status == 0, ended.err
    first, second = ended.out.splitlines()
    assert "disk one: same scanner (CT 2), same spacing" in first
    assert "disk two: other scanner (CT 3)" in second
    assert "similarity of the frames" in first


def test_a_round_trip_through_another_image_is_shown_and_kept(run: Run, library: Path, next_patient: Path) -> None:
    ended = run("seeds", "round-trip", "disk two", next_patient, "--store", "--library", library, "--json")
    assert ended.status == 0, ended.err
    assert ended.json["worst"] > 0.8
    shown = run("seeds", "show", "disk two", "--library", library, "--json").json
    assert shown["worst_dice"] == pytest.approx(ended.json["worst"])


def test_a_seed_that_does_not_suit_the_image_is_told_aloud(run: Run, library: Path, tmp_path: Path) -> None:
    empty = sitk.GetImageFromArray(np.random.default_rng(0).normal(60, 8, (3, 80, 96)).astype(np.int16))
    empty.SetSpacing((0.8, 0.9, 3.0))
    sitk.WriteImage(empty, str(tmp_path / "empty.nii.gz"))
    ended = run("segment", "empty.nii.gz", "-o", "o.nii.gz", "--seed", "disk one", "--library", library, "--json")
    assert ended.status == 0, ended.err
    assert ended.json["round_trip"]["trust"] == "poor"
    assert "does not suit" in ended.err
    assert any("does not suit" in notice for notice in ended.json["notices"])


@pytest.mark.parametrize("each", [False, True])
def test_a_folder_of_pictures_is_segmented_each_in_its_own_grid(run: Run, tmp_path: Path, each: bool) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, (rows, columns) in enumerate(((80, 96), (86, 92))):
        Image.fromarray(disk_frames(1 + number, rows, columns, seed=number)[number]).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    volume = read_volume(folder / "0.png")
    frames = make_stack(volume, 0, Window(0, 255, "full"))
    y, x = np.mgrid[:80, :96]
    prompt = Prompt(axis=0, slice=0, objects=disk_prompt(0).objects)
    seed = make_seed(volume, frames, prompt, [np.hypot(x - 45, y - 40) < 16], name="xray disk", frame_confirmed=True)
    library_with(tmp_path / "library", seed)

    ended = run(
        "segment-pictures", "pictures", "--seed", "xray disk", "-o", "masks", "--format", "nii.gz", "--library",
        "library", "--json", *(["--each"] if each else []),
    )  # fmt: skip

    assert ended.status == 1, "one picture has no result"
    assert [Path(one["output"]).name for one in ended.json["pictures"]] == ["0.nii.gz", "1.nii.gz"]
    assert [Path(one["image"]).name for one in ended.json["skipped"]] == ["broken.png"]
    for number, size in enumerate(((96, 80, 1), (92, 86, 1))):
        mask = sitk.ReadImage(str(tmp_path / "masks" / f"{number}.nii.gz"))
        assert mask.GetSize() == size
        found = sitk.GetArrayFromImage(mask)[0] > 0
        y, x = np.mgrid[: size[1], : size[0]]
        assert np.mean(found == (np.hypot(x - 45 - number, y - 40) < 16)) > 0.95
    assert "broken.png" in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["seeds", "save", "x", "VOLUME", *BOX], "--frame-confirmed"),
        (["seeds", "save", "x", "VOLUME"], "one prompt"),
        (["seeds", "save", "disk one", "VOLUME", *BOX, "--frame-confirmed"], "already"),
        (["seeds", "save", "x", "VOLUME", *BOX, "--scanner", "patient=ANNA"], "patient"),
        (["seeds", "save", "x", "VOLUME", *BOX, "--scanner", "slice_thickness=thin"], "slice_thickness"),
        (["seeds", "save", "x", "VOLUME", *BOX, "--slice", "11", "--frame-confirmed"], "slice 11"),
        (["seeds", "match", "nothing.nii.gz"], "nothing.nii.gz"),
        (["segment", "VOLUME", "-o", "o.nii.gz", "--seed", "disk three"], "disk one"),
        (["segment", "VOLUME", "-o", "o.nii.gz", "--seed", "disk one", *BOX], "one prompt"),
        (["segment", "VOLUME", "-o", "o.nii.gz", "--seed", "auto", "--seed", "disk one"], "auto"),
        (["segment", "VOLUME", "-o", "o.nii.gz", "--seed", "disk one", "--target", "x"], "--target"),
        (["segment", "VOLUME", "-o", "o.nii.gz", "--seed", "auto", "--target", "liver"], "other target"),
        (["segment", "VOLUME", "-o", "o.nii.gz", "--start", "similar", *BOX], "--seed"),
        (["segment", "VOLUME", "-o", "o.nii.gz", "--seed", "disk one", "--start", "99"], "99"),
        (["segment", "VOLUME", "-o", "o.nii.gz", "--seed", "disk one", "--start", "nowhere"], "nowhere"),
        (
            ["segment", "VOLUME", "-o", "o.nii.gz", "--seed", "disk one", "--start", "confident", "--range", "9:40"],
            "9:40",
        ),
        (["segment", "VOLUME", "-o", "o.nii.gz", "--seed", "disk one", "--axis", "i"], "axial"),
        (["segment-pictures", "nowhere", "--seed", "disk one", "-o", "masks"], "nowhere"),
        (["segment-pictures", ".", "--seed", "disk three", "-o", "masks"], "disk one"),
    ],
)
def test_what_does_not_fit_gets_a_sentence_and_nothing_is_written(
    run: Run, library: Path, disk_volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], words: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("PROMPTONCE_LIBRARY", str(library))
    monkeypatch.setattr("sys.stdin", None)
    before = sorted(tmp_path.rglob("*"))
    ended = run(*[str(disk_volume) if argument == "VOLUME" else argument for argument in arguments])
    assert ended.status == 2, ended.err
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert [path for path in sorted(tmp_path.rglob("*")) if "features" not in path.parts] == before


def test_without_a_terminal_the_preview_is_written_before_the_seed_is_refused(
    run: Run, disk_volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    ended = run("seeds", "save", "x", disk_volume, *BOX, "--preview", "frame.png", "--library", "library")
    assert ended.status == 2
    assert "frame.png" in ended.err
    assert (tmp_path / "frame.png").exists()
    assert not SeedLibrary(tmp_path / "library").list().seeds
