"""The library of seeds for scripts: `po.seeds.list()` and the like.

Everywhere `library` is the folder of the seeds; without it PROMPTONCE_LIBRARY, or one in the user's data folder. A
seed is named by its name, upper and lower case alike, or by its id. Everything raises SeedError for what cannot be
done. A seed is saved by `Session.save_seed`, used by `segment(seed=...)`, and found by `match_seeds`.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from pathlib import Path

from PromptOnceLib.errors import SeedError
from PromptOnceLib.files.names import expanded
from PromptOnceLib.seeds.archive import export_seeds, import_seeds
from PromptOnceLib.seeds.library import OnConflict, SeedLibrary
from PromptOnceLib.seeds.seed import Seed, SeedRecord

Folder = str | Path | None


def list(library: Folder = None) -> builtins.list[Seed]:
    """All seeds by name, each with ``record``, ``frame`` and ``masks``; entries that cannot be read are left out.

    Examples
    --------
    >>> import PromptOnceLib as po
    >>> [seed.name for seed in po.seeds.list("an-empty-folder")]
    []
    """
    return [*SeedLibrary(library).list().seeds]


def get(name: str, library: Folder = None) -> Seed:
    """One seed: its ``record``, ``frame``, uint8 (rows, columns), and a mask for each object in ``masks``."""
    return SeedLibrary(library).get(name)


def rename(name: str, new_name: str, library: Folder = None) -> SeedRecord:
    """Give a seed another name, which must be free."""
    return SeedLibrary(library).rename(name, new_name)


def delete(name: str, library: Folder = None) -> SeedRecord:
    """Move a seed to the library's trash, from where ``restore`` brings it back."""
    return SeedLibrary(library).delete(name)


def restore(name: str, library: Folder = None) -> SeedRecord:
    """Bring a seed back from the trash; its name must be free."""
    return SeedLibrary(library).restore(name)


def export(names: str | Sequence[str], path: str | Path, library: Folder = None) -> None:
    """Write seeds into one ZIP file, to hand them on. Their frames are pictures of patients, without names."""
    there = SeedLibrary(library)
    wanted = [names] if isinstance(names, str) else names
    export_seeds([there.get(name) for name in wanted], expanded(path, SeedError))


def import_from(path: str | Path, library: Folder = None, on_conflict: OnConflict = "refuse") -> builtins.list[Seed]:
    """Add the seeds of a ZIP file that was exported: all of them, or none where one is wrong.

    on_conflict: what happens to a seed whose name the library holds already: "refuse" raises, "skip" leaves it out,
    "rename" gives it a free name.
    """
    return [*import_seeds(expanded(path, SeedError), SeedLibrary(library), on_conflict).added]
