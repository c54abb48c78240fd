"""Exported seeds: what comes back, and what hostile or damaged files get."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from PromptOnceLib.errors import SeedError
from PromptOnceLib.seeds import archive
from PromptOnceLib.seeds.archive import export_seeds, import_seeds
from PromptOnceLib.seeds.library import SeedLibrary
from seeds.archive_files import files_of, write
from seeds.sample_seeds import same, sample_seed


@pytest.fixture
def library(tmp_path: Path) -> SeedLibrary:
    return SeedLibrary(tmp_path / "seeds")


def png(width: int, height: int, depth: int = 8, colour: int = 0, body: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", body or zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def refused(path: Path, library: SeedLibrary, what: str) -> None:
    before = sorted(library.folder.parent.rglob("*"))
    with pytest.raises(SeedError, match=what):
        import_seeds(path, library)
    after = [p for p in sorted(library.folder.parent.rglob("*")) if p != library.folder]
    assert after == [p for p in before if p != library.folder]


def test_exported_seeds_come_back_equal(tmp_path, library):
    seeds = [sample_seed("A", note="n"), sample_seed("B")]
    export_seeds(seeds, tmp_path / "seeds.zip")
    saved = import_seeds(tmp_path / "seeds.zip", library)
    assert [seed.name for seed in saved.added] == ["A", "B"]
    for seed in seeds:
        assert same(library.get(seed.name), seed)


def test_equal_seeds_give_equal_files(tmp_path):
    seed = sample_seed()
    export_seeds([seed], tmp_path / "a.zip")
    export_seeds([seed], tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_nothing_or_the_same_seed_twice_cannot_be_exported(tmp_path):
    seed = sample_seed()
    for seeds in ([], [seed, seed]):
        with pytest.raises(SeedError):
            export_seeds(seeds, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_conflicts_are_refused_skipped_or_renamed(tmp_path, library):
    known, new = library.save(sample_seed("Known")), sample_seed("New")
    export_seeds([known, new, sample_seed("known")], tmp_path / "a.zip")
    refused(tmp_path / "a.zip", library, "already")
    saved = import_seeds(tmp_path / "a.zip", library, "rename")
    assert [seed.name for seed in saved.added] == ["Known (2)", "New", "known (3)"]
    assert len({seed.id for seed in library.list().seeds}) == 4
    saved = import_seeds(tmp_path / "a.zip", library, "skip")
    assert (saved.added, saved.skipped) == ((), ("Known", "New", "known"))
    with pytest.raises(SeedError, match="refuse, skip or rename"):
        import_seeds(tmp_path / "a.zip", library, "replace")
    assert len(library.list().seeds) == 4


def test_a_known_id_under_another_name_is_a_conflict(tmp_path, library):
    known = library.save(sample_seed("Known"))
    export_seeds([known.changed(name="Other")], tmp_path / "a.zip")
    refused(tmp_path / "a.zip", library, "under another name")


@pytest.mark.parametrize(
    "name",
    [
        "../{id}/seed.json",
        "/{id}/seed.json",
        "C:/{id}/seed.json",
        "C:\\{id}\\seed.json",
        "{id}\\..\\..\\evil",
        "{id}/../evil",
        "{id}/sub/seed.json",
        "{id}/evil.exe",
        "{id}/mask-0.png",
        "{id}/mask-100.png",
        "{id}/seed.json\n",
        "seed.json",
        "__MACOSX/x",
        "{id}",
    ],
)
def test_any_name_that_an_export_has_not_is_refused(tmp_path, library, name):
    seed = sample_seed()
    files = files_of(seed) | {name.format(id=seed.id): b"x"}
    refused(write(tmp_path / "a.zip", files), library, "do not belong")


def test_a_name_that_ends_at_a_zero_byte_is_refused(tmp_path, library):
    seed = sample_seed()
    path = write(tmp_path / "a.zip", files_of(seed) | {f"{seed.id}/mask-2.pngXevil": b"x"})
    path.write_bytes(path.read_bytes().replace(b"pngXevil", b"png\0evil"))
    refused(path, library, "do not belong|damaged")


def test_links_are_refused(tmp_path, library):
    seed = sample_seed()
    link = zipfile.ZipInfo(f"{seed.id}/mask-2.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(write(tmp_path / "a.zip", [*files_of(seed).items(), (link, b"/etc/passwd")]), library, "link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_given_twice_is_refused(tmp_path, library):
    files = list(files_of(sample_seed()).items())
    refused(write(tmp_path / "a.zip", [*files, files[0]]), library, "twice")


def test_folders_that_other_programs_write_are_no_obstacle(tmp_path, library):
    seed = sample_seed()
    write(tmp_path / "a.zip", {f"{seed.id}/": b"", **files_of(seed)})
    assert len(import_seeds(tmp_path / "a.zip", library).added) == 1


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, library, monkeypatch):
    seed = sample_seed()
    bomb = files_of(seed) | {f"{seed.id}/frame.png": bytes(65 * 2**20)}
    refused(write(tmp_path / "a.zip", bomb), library, "too large")
    monkeypatch.setattr(archive, "LARGEST_ARCHIVE", 2000)
    refused(write(tmp_path / "b.zip", files_of(seed) | {f"{seed.id}/seed.json": bytes(10_000)}), library, "more than")
    refused(write(tmp_path / "c.zip", {f"{seed.id}/x": bytes(range(256)) * 900}), library, "do not|too large")


def test_a_size_that_is_not_true_is_found(tmp_path, library):
    seed = sample_seed()
    path = write(tmp_path / "a.zip", files_of(seed) | {f"{seed.id}/frame.png": bytes(500_000)})
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", 500_000), struct.pack("<I", 100)))
    refused(path, library, "damaged|not a PNG")


def test_too_many_seeds_are_refused(tmp_path, library, monkeypatch):
    export_seeds([sample_seed("A"), sample_seed("B")], tmp_path / "a.zip")
    monkeypatch.setattr(archive, "MOST_SEEDS", 1)
    refused(tmp_path / "a.zip", library, "more than")


def test_a_long_list_of_names_is_not_even_read(tmp_path, library, monkeypatch):
    export_seeds([sample_seed("A")], tmp_path / "a.zip")
    monkeypatch.setattr(archive, "_LARGEST_DIRECTORY", 100)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    refused(tmp_path / "a.zip", library, "more names")


@pytest.mark.parametrize("extra", [b"trailing bytes", b"PK\x06\x07" + bytes(16)])
def test_a_second_end_of_the_file_is_refused(tmp_path, library, extra):
    export_seeds([sample_seed("A")], tmp_path / "a.zip")
    content = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(content[:-22] + extra + content[-22:] + (extra if b"t" in extra else b""))
    refused(tmp_path / "a.zip", library, "damaged|more names")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("frame.png", png(60_000, 60_000), "8-bit grey image of 8 rows"),
        ("frame.png", png(10, 8, colour=2), "8-bit grey"),
        ("frame.png", png(10, 8, depth=16), "8-bit grey"),
        ("frame.png", png(10, 8, body=b"garbage"), "damaged"),
        ("frame.png", png(10, 8)[:-30], "damaged"),
        ("mask-1.png", png(10, 8), "1-bit"),
        ("mask-1.png", png(10, 8, depth=1), "empty"),
        ("frame.png", png(10, 8)[:33] + png(60_000, 60_000)[8:], "contradicts|damaged"),
        ("frame.png", b"GIF89a", "not a PNG"),
        ("seed.json", b"{", "JSON"),
        ("seed.json", b'{"version": 7}', "Update"),
        ("mask-2.png", png(10, 8, depth=1), "do not belong"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named(tmp_path, library, name, content, what):
    good, bad = sample_seed("Good"), sample_seed("Bad")
    files = files_of(good) | files_of(bad) | {f"{bad.id}/{name}": content}
    refused(write(tmp_path / "a.zip", files), library, what)


@pytest.mark.parametrize("name", ["seed.json", "frame.png", "mask-1.png"])
def test_a_file_that_is_missing_is_named(tmp_path, library, name):
    seed = sample_seed()
    files = files_of(seed)
    del files[f"{seed.id}/{name}"]
    refused(write(tmp_path / "a.zip", files), library, "missing")


def test_a_seed_in_the_folder_of_another_is_refused(tmp_path, library):
    files = {name.replace(name[:32], "0" * 32): content for name, content in files_of(sample_seed()).items()}
    refused(write(tmp_path / "a.zip", files), library, "name of the seed")


def test_text_hidden_in_a_picture_does_not_get_into_the_library(tmp_path, library):
    seed = sample_seed()
    files = files_of(seed)
    name = f"{seed.id}/frame.png"
    text = b"Comment\0DOE^JANE"
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    files[name] = files[name][:33] + chunk + files[name][33:]
    import_seeds(write(tmp_path / "a.zip", files), library)
    assert same(library.get(seed.id), seed)
    assert b"DOE" not in (library.folder / name).read_bytes()


@pytest.mark.parametrize("content", [b"", b"PK", b"hello" * 100, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_file_gets_a_sentence(tmp_path, library, content):
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path / "a.zip", library, "a.zip")


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path, library):
    refused(tmp_path / "a.zip", library, "cannot be opened")
    refused(tmp_path, library, "cannot be opened")
