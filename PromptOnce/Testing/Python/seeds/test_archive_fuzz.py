"""What random and damaged archives do to a library: nothing that its owner would not want."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.seeds.archive import export_seeds, import_seeds
from PromptOnceLib.seeds.library import SeedLibrary
from seeds.archive_files import files_of, write
from seeds.sample_seeds import sample_seed


def try_import(folder: Path, content: bytes) -> None:
    """Nothing but a PromptOnceError or readable seeds, and nothing outside of the library."""
    library = SeedLibrary(folder / "library")
    path = folder / "a.zip"
    path.write_bytes(content)
    try:
        saved = import_seeds(path, library, "rename")
    except PromptOnceError:
        saved = None
    listing = library.list()
    assert listing.notices == ()
    if saved is not None:
        assert {seed.id for seed in saved.added} <= {seed.id for seed in listing.seeds}
    assert {p.name for p in folder.iterdir()} <= {"a.zip", "library"}
    assert not list(library.folder.glob(".*"))


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(content=st.binary(max_size=300))
def test_random_bytes_are_refused_or_imported(tmp_path, content):
    try_import(tmp_path, content)


@pytest.fixture(scope="module")
def valid(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("valid") / "a.zip"
    export_seeds([sample_seed("A"), sample_seed("B")], path)
    return path.read_bytes()


@FUZZ
@given(data=st.data())
def test_damaged_archives_are_refused_or_imported(tmp_path, valid, data):
    content = bytearray(valid)
    for place in data.draw(st.lists(st.integers(0, len(valid) * 8 - 1), max_size=6)):
        content[place // 8] ^= 1 << place % 8
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(valid)))]
    try_import(tmp_path, bytes(content))


@FUZZ
@given(data=st.data())
def test_damaged_files_in_sound_archives_are_refused_or_imported(tmp_path, data):
    seed = sample_seed()
    files = files_of(seed)
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    write(tmp_path / "b.zip", files | {name: bytes(content)})
    whole = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "b.zip").unlink()
    try_import(tmp_path, whole)
