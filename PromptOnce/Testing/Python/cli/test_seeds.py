"""promptonce seeds, what needs no worker: list, show, rename, edit, delete, restore, export, import, average."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cli.conftest import Run
from cli.seed_files import disk_seed, library_with


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library with two seeds, which the commands find by the environment variable."""
    folder = library_with(tmp_path / "library", disk_seed("disk one", "CT 2", 0.95), disk_seed("disk two", dice=0.6))
    monkeypatch.setenv("PROMPTONCE_LIBRARY", str(folder))
    return folder


def test_the_list_says_what_where_and_how_good(run: Run, library: Path) -> None:
    ended = run("seeds", "list")
    assert ended.status == 0, ended.err
    first, second = ended.out.splitlines()
    for word in ("disk one", "axial CT", "CT 2", "MAKER", "good 0.950"):
        assert word in first
    assert "poor 0.600" in second

    report = run("seeds", "list", "--json").json
    assert report["library"] == str(library)
    assert [seed["name"] for seed in report["seeds"]] == ["disk one", "disk two"]
    assert [seed["trust"] for seed in report["seeds"]] == ["good", "poor"]


def test_another_library_can_be_named_and_may_be_empty(run: Run, library: Path, tmp_path: Path) -> None:
    ended = run("seeds", "list", "--library", tmp_path / "other")
    assert (ended.status, ended.out) == (0, "")
    assert "no seed" in ended.err
    assert run("seeds", "list", "--library", tmp_path / "other", "--json").json["seeds"] == []


def test_a_broken_entry_is_told_and_the_others_are_listed(run: Run, library: Path) -> None:
    broken = next(path for path in library.iterdir() if (path / "seed.json").exists())
    (broken / "frame.png").write_bytes(b"nothing")
    ended = run("seeds", "list")
    assert ended.status == 0
    assert len(ended.out.splitlines()) == 1
    assert "left out" in ended.err


def test_a_seed_is_shown_in_words_and_as_a_picture(run: Run, library: Path, tmp_path: Path) -> None:
    ended = run("seeds", "show", "DISK ONE", "--picture", "frame.png")
    assert ended.status == 0, ended.err
    for word in ("disk one", "80 x 96 pixels", "axial", "slice    5 of 11", "MAKER", "Dice 0.950"):
        assert word in ended.out
    picture = Image.open(tmp_path / "frame.png")
    # 80 rows of 0.9 mm and 96 columns of 0.8 mm; the volume's rows run along the patient's left.
    assert max(picture.size) == 1000
    assert picture.convert("L").tobytes() != picture.tobytes()
    assert run("seeds", "show", "disk two", "--json").json["worst_dice"] == 0.6


def test_a_seed_is_renamed_edited_deleted_and_restored(run: Run, library: Path) -> None:
    assert run("seeds", "rename", "disk one", "first disk").status == 0
    edited = run("seeds", "edit", "first disk", "--target", "disk", "--note", "of a test", "--json").json
    assert (edited["name"], edited["target"], edited["note"]) == ("first disk", "disk", "of a test")
    assert run("seeds", "edit", "first disk", "--note", "", "--json").json["note"] == ""
    assert "trash" in run("seeds", "delete", "first disk").out
    assert [seed["name"] for seed in run("seeds", "list", "--json").json["seeds"]] == ["disk two"]
    assert [seed["name"] for seed in run("seeds", "list", "--trash", "--json").json["seeds"]] == ["first disk"]
    assert run("seeds", "restore", "first disk").status == 0
    assert run("seeds", "delete", "first disk", "--json").json["name"] == "first disk"
    assert run("seeds", "empty-trash", "--json").json == {"removed": 1}


def test_seeds_go_to_another_library_in_one_file(run: Run, library: Path) -> None:
    exported = run("seeds", "export", "disk one", "disk two", "-o", "seeds.zip", "--json").json
    assert exported == {"output": "seeds.zip", "seeds": ["disk one", "disk two"]}
    imported = run("seeds", "import", "seeds.zip", "--library", "other", "--json").json
    assert imported == {"added": ["disk one", "disk two"], "skipped": []}
    again = run("seeds", "import", "seeds.zip", "--library", "other")
    assert again.status == 2
    assert "disk one" in again.err
    assert run("seeds", "import", "seeds.zip", "--library", "other", "--on-conflict", "skip", "--json").json == {
        "added": [],
        "skipped": ["disk one", "disk two"],
    }
    assert run("seeds", "export", "--all", "-o", "all.zip", "--json").json["seeds"] == ["disk one", "disk two"]


def test_the_mean_of_seeds_is_a_seed_that_says_so(run: Run, library: Path) -> None:
    made = run("seeds", "average", "disk one", "disk two", "-o", "mean disk", "--json")
    assert made.status == 0, made.err
    assert (made.json["name"], made.json["mean_of"], made.json["round_trip"]) == ("mean disk", 2, None)
    assert "mean of  2 seeds" in run("seeds", "show", "mean disk").out


def test_the_stored_round_trip_is_said(run: Run, library: Path) -> None:
    assert "poor" in run("seeds", "round-trip", "disk two").out
    assert run("seeds", "round-trip", "disk two", "--json").json["trust"] == "poor"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "disk three"], "disk one"),
        (["show", "disk one", "--picture", "frame.jpg"], "png"),
        (["rename", "disk one", "disk two"], "already"),
        (["edit", "disk one"], "--target"),
        (["edit", "disk one", "--note", "x" * 3000], "note"),
        (["delete", "nothing"], "no seed"),
        (["restore", "disk one"], "trash"),
        (["export", "-o", "seeds.zip"], "--all"),
        (["export", "disk one", "-o", "seeds.rar"], ".zip"),
        (["export", "disk one", "-o", "nowhere/seeds.zip"], "nowhere"),
        (["import", "nothing.zip"], "nothing.zip"),
        (["import", __file__], "ZIP"),
        (["average", "disk one", "-o", "mean"], "two"),
        (["average", "disk one", "disk two", "-o", "disk one"], "already"),
        (["round-trip", "disk one", "--store"], "image"),
        (["round-trip", "disk one", "nothing.nii.gz"], "nothing.nii.gz"),
        (["list", "--library", __file__], "library"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence(run: Run, library: Path, arguments: list[str], words: str) -> None:
    ended = run("seeds", *arguments)
    assert ended.status == 2, ended.err
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert run("seeds", *arguments, "--json").json["error"]["message"]
