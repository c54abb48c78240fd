"""Libraries on shares and from other computers: folders that nobody may open, names that are coded in another way."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from PromptOnceLib.errors import SeedError
from PromptOnceLib.seeds.library import SeedLibrary
from seeds.sample_seeds import sample_seed


@pytest.fixture
def library(tmp_path: Path) -> SeedLibrary:
    return SeedLibrary(tmp_path / "seeds")


def test_a_folder_that_nobody_may_open_is_passed_over(library: SeedLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    library.save(sample_seed("Lungs"))
    (library.folder / "lost+found").mkdir()
    usual = Path.exists

    def exists(path: Path, **options: bool) -> bool:
        if path.parent.name == "lost+found":  # the tests may run as root, whom nothing is forbidden
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path, **options)

    monkeypatch.setattr(Path, "exists", exists)
    listing = library.list()
    assert [seed.name for seed in listing.seeds] == ["Lungs"]
    assert listing.notices == ()


def test_accents_may_be_coded_in_either_way(library: SeedLibrary) -> None:
    composed = "Sch\u00e4del"
    library.save(sample_seed(unicodedata.normalize("NFD", composed)))
    assert library.get(composed).name != composed
    with pytest.raises(SeedError, match="already"):
        library.save(sample_seed(composed))
