"""The library: saving, finding, editing, deleting, broken entries, several writers."""

from __future__ import annotations

import multiprocessing
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from PromptOnceLib.errors import SeedError
from PromptOnceLib.files import folders
from PromptOnceLib.files.lock import exclusive_lock
from PromptOnceLib.seeds import store
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.reliability import RoundTrip
from PromptOnceLib.seeds.similarity import read_features, write_features
from seeds.sample_seeds import DAY, same, sample_seed


@pytest.fixture
def library(tmp_path: Path) -> SeedLibrary:
    return SeedLibrary(tmp_path / "seeds")


def names(library: SeedLibrary) -> list[str]:
    return [seed.name for seed in library.list().seeds]


def entries(library: SeedLibrary) -> list[str]:
    return sorted(path.name for path in library.folder.iterdir())


def test_the_folder_is_the_argument_the_variable_or_the_users_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMPTONCE_LIBRARY", str(tmp_path / "variable"))
    assert SeedLibrary(tmp_path / "argument").folder == tmp_path / "argument"
    assert SeedLibrary().folder == tmp_path / "variable"
    monkeypatch.delenv("PROMPTONCE_LIBRARY")
    monkeypatch.setattr(folders.platformdirs, "user_data_dir", lambda *_, **__: str(tmp_path / "user"))
    assert SeedLibrary().folder == tmp_path / "user" / "seeds"


def test_looking_into_a_library_that_is_not_there_makes_nothing(library):
    assert library.list().seeds == ()
    assert library.trashed().seeds == ()
    assert not library.folder.exists()


def test_a_saved_seed_reads_back_equal(library):
    seed = library.save(sample_seed("Lungs, GE"))
    assert same(library.get("Lungs, GE"), seed)
    assert same(library.list().seeds[0], seed)
    assert entries(library) == [seed.id]
    assert sorted(p.name for p in (library.folder / seed.id).iterdir()) == ["frame.png", "mask-1.png", "seed.json"]


def test_a_seed_is_found_by_name_in_any_case_by_id_and_by_the_start_of_its_id(library):
    seed = library.save(sample_seed("Lungs"))
    for which in ("Lungs", " lungs ", seed.id, seed.id[:8]):
        assert library.get(which).id == seed.id


def test_an_unknown_name_gets_the_near_ones(library):
    library.save(sample_seed("Lungs GE"))
    library.save(sample_seed("Spleen"))
    with pytest.raises(SeedError, match='Did you mean "Lungs GE"') as caught:
        library.get("Lung GE")
    assert "Spleen" not in caught.value.message


def test_two_seeds_of_one_name_are_told_apart_by_id(library):
    first, second = library.save(sample_seed("Lungs")), library.save(sample_seed("Other"))
    record = library.folder / second.id / "seed.json"
    record.write_text(record.read_text().replace('"Other"', '"lungs"'))
    with pytest.raises(SeedError, match="2 seeds"):
        library.get("Lungs")
    assert library.get(first.id).id == first.id


def test_a_name_that_is_taken_and_a_frame_nobody_confirmed_are_refused(library):
    library.save(sample_seed("Lungs"))
    with pytest.raises(SeedError, match="already"):
        library.save(sample_seed("LUNGS"))
    with pytest.raises(SeedError, match="confirm"):
        library.save(sample_seed("Other", frame_confirmed=False))
    assert names(library) == ["Lungs"]
    assert len(entries(library)) == 1


def test_words_can_be_edited_and_nothing_else(library):
    seed = library.save(sample_seed("Lungs"))
    library.save(sample_seed("Other"))
    library.edit("Lungs", note="good one", round_trip=RoundTrip(dice=(0.95,), date=DAY))
    library.rename("Lungs", "Lungs 2")
    record = library.get("Lungs 2").record
    assert (record.note, record.id) == ("good one", seed.id)
    assert record.round_trip is not None
    assert record.round_trip.trust == "good"
    for change, what in [
        ({"name": "other"}, "already"),
        ({"spacing": (1, 1, 1)}, "spacing"),
        ({"note": "x" * 3000}, "note"),
        ({"frame_confirmed": False}, "nobody"),
    ]:
        with pytest.raises(SeedError, match=what):
            library.edit("Lungs 2", **change)
    assert library.get("Lungs 2").record == record


def test_renaming_a_seed_in_case_only_is_no_conflict_with_itself(library):
    library.save(sample_seed("lungs"))
    assert library.rename("lungs", "Lungs").name == "Lungs"


def test_a_deleted_seed_can_be_restored_until_the_trash_is_emptied(library):
    seed = library.save(sample_seed("Lungs"))
    library.delete("Lungs")
    assert names(library) == []
    assert [item.name for item in library.trashed().seeds] == ["Lungs"]
    library.restore("lungs")
    assert same(library.get("Lungs"), seed)
    library.delete("Lungs")
    library.save(sample_seed("Lungs"))
    with pytest.raises(SeedError, match="already"):
        library.restore(seed.id)
    assert library.empty_trash() == 1
    assert library.trashed().seeds == ()
    assert names(library) == ["Lungs"]
    with pytest.raises(SeedError, match="trash"):
        library.restore("Lungs")


def test_a_seed_that_was_imported_again_can_be_deleted_again(library):
    seed = sample_seed("Lungs")
    for _ in range(2):
        library.save(seed)
        library.delete("Lungs")
    assert len(library.trashed().seeds) == 1


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("seed.json", b""),
        ("seed.json", b'{"version": 9}'),
        ("frame.png", b""),
        ("frame.png", b"\x89PNG\r\n\x1a\n"),
        ("mask-1.png", None),
        ("frame.png", None),
        ("seed.json", None),
    ],
)
def test_a_broken_entry_is_left_out_with_a_notice(library, file, content):
    library.save(sample_seed("Good"))
    broken = library.save(sample_seed("Broken"))
    path = library.folder / broken.id / file
    path.unlink() if content is None else path.write_bytes(content)
    listing = library.list()
    assert [seed.name for seed in listing.seeds] == ["Good"]
    assert len(listing.notices) == 1
    assert file in listing.notices[0] or "version" in listing.notices[0]


def test_an_entry_copied_by_hand_is_left_out_with_a_notice(library):
    seed = library.save(sample_seed("Lungs"))
    shutil.copytree(library.folder / seed.id, library.folder / "copy")
    listing = library.list()
    assert len(listing.seeds) == 1
    assert "name" in listing.notices[0]


def test_other_files_and_unfinished_entries_are_nobodys_business(library):
    library.save(sample_seed("Lungs"))
    (library.folder / ".DS_Store").write_bytes(b"")
    (library.folder / "notes").mkdir()
    (library.folder / ".promptonce-abc").mkdir()
    assert library.list().notices == ()
    assert names(library) == ["Lungs"]


def test_saving_several_is_all_or_nothing(library):
    def three():
        yield sample_seed("A")
        yield sample_seed("B")
        raise SeedError("the third is damaged")

    with pytest.raises(SeedError, match="third"):
        library.save_all(three())
    assert entries(library) == []


def test_a_folder_that_cannot_be_moved_takes_the_others_back(library, monkeypatch):
    a, b = sample_seed("A"), sample_seed("B")
    rename = Path.rename

    def failing(self, target):
        if self.name == b.id:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(SeedError, match="No space left"):
        library.save_all([a, b])
    assert entries(library) == []


def test_a_library_that_is_a_file_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SeedError, match="cannot be changed"):
        SeedLibrary(tmp_path / "file").save(sample_seed())
    with pytest.raises(SeedError, match="cannot be opened"):
        SeedLibrary(tmp_path / "file").list()


def test_a_writer_waits_for_another_and_gives_up_with_a_sentence(library, monkeypatch):
    monkeypatch.setattr(store, "_PATIENCE", 0.1)
    library.folder.mkdir()
    with exclusive_lock(library.folder / store.LOCK), pytest.raises(SeedError, match="Somebody else"):
        library.save(sample_seed())
    library.save(sample_seed())
    assert names(library) == ["Lungs"]


def _write(folder: str, who: str, count: int) -> None:
    library = SeedLibrary(folder)
    for number in range(count):
        library.save(sample_seed(f"{who} {number}"))
        library.edit(f"{who} {number}", note=f"by {who}")
    library.save_all([sample_seed("Shared")], on_conflict="rename")
    library.delete(f"{who} 0")


def test_two_processes_write_while_a_third_reads_and_nothing_is_lost_or_torn(library):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(str(library.folder), who, 3)) for who in ("left", "right")]
    seen: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.extend(library.list().notices)

    reader = threading.Thread(target=read)
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen == []
    expected = {f"{who} {number}" for who in ("left", "right") for number in (1, 2)} | {"Shared", "Shared (2)"}
    assert set(names(library)) == expected
    assert {seed.record.note for seed in library.list().seeds if "Shared" not in seed.name} == {"by left", "by right"}
    assert len(library.trashed().seeds) == 2
    assert not [name for name in entries(library) if name.startswith(".")]


def test_features_are_kept_by_key_and_go_with_their_seed(library):
    seed = library.save(sample_seed())
    features = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert read_features(library, seed.id, "a" * 64) is None
    assert write_features(library, seed.id, "a" * 64, features)
    assert np.array_equal(read_features(library, seed.id, "a" * 64), features)
    assert read_features(library, seed.id, "b" * 64) is None
    assert names(library) == ["Lungs"]
    library.delete(seed.id)
    assert read_features(library, seed.id, "a" * 64) is None


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"\x80\x04N."])
def test_damaged_features_are_as_good_as_none(library, content):
    seed = library.save(sample_seed())
    write_features(library, seed.id, "key", np.zeros(3, dtype=np.float32))
    (library.folder / "features" / seed.id / "key.npy").write_bytes(content)
    assert read_features(library, seed.id, "key") is None


def test_pickled_or_infinite_features_are_not_read(library):
    seed = library.save(sample_seed())
    write_features(library, seed.id, "key", np.array([np.inf], dtype=np.float32))
    assert read_features(library, seed.id, "key") is None
    np.save(library.folder / "features" / seed.id / "key.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert read_features(library, seed.id, "key") is None


@pytest.mark.parametrize(("seed_id", "key"), [("../x", "key"), ("0" * 32, "../key"), ("0" * 32, "")])
def test_features_stay_in_their_folder(library, seed_id, key):
    with pytest.raises(SeedError):
        read_features(library, seed_id, key)
