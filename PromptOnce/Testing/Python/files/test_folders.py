"""Where a user's data lies, and who may read it."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from seeds.sample_seeds import sample_seed

from PromptOnceLib.seeds.library import SeedLibrary

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")


def others_may(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode) & 0o077


def test_the_usual_library_is_for_its_owner_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    library = SeedLibrary()
    library.folder.mkdir(parents=True, mode=0o755)  # of an earlier version
    library.save(sample_seed())
    assert others_may(library.folder) == 0


def test_a_library_that_somebody_has_chosen_stays_as_shared_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o775)
    SeedLibrary(folder).save(sample_seed())
    assert others_may(folder) == 0o075
