"""The seed library as the panel works with it: its entries, which of them suit the volume, and their care."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PromptOnceLib.errors import PromptOnceError, SeedError
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.seeds.apply import SeedApplying
from PromptOnceLib.gui.seeds.save import SeedSaving
from PromptOnceLib.gui.seeds.similarity import SeedSimilarity
from PromptOnceLib.gui.seeds.workflows import SeedTrips
from PromptOnceLib.mrml.seeds import name_scanner, scanner_name
from PromptOnceLib.seeds.archive import export_seeds, import_seeds
from PromptOnceLib.seeds.library import Listing, SeedLibrary
from PromptOnceLib.seeds.matching import Match, rank
from PromptOnceLib.seeds.seed import Seed

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench


class Seeding:
    """Nothing is read before `open_library`, which the panel calls when it is unfolded.

    matches: seeds of the library, the most suitable for the volume first; without a volume by name. target: what is to
    be segmented, "" for anything. chosen: ids of the seeds that are to be applied.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.matches: list[Match] = []
        self.target = ""
        self.chosen: tuple[str, ...] = ()
        self.trips = SeedTrips(bench)
        self.similarity = SeedSimilarity(bench)
        self.saving = SeedSaving(bench)
        self.applying = SeedApplying(bench)
        self._listing: Listing | None = None
        self._ranked: tuple[Any, ...] = ()
        self._deleted: list[str] = []

    @property
    def library(self) -> SeedLibrary:
        """The library in the folder that is chosen."""
        return SeedLibrary(self._bench.engine.machine.seeds_folder or None)

    @property
    def working(self) -> bool:
        """Whether the worker is needed for seeds alone: for a round trip, or to find where to start."""
        return self.trips.running or self.applying.search.running

    @property
    def chosen_seeds(self) -> tuple[Seed, ...]:
        """The chosen seeds, the most suitable first."""
        return tuple(match.seed for match in self.matches if match.seed.id in self.chosen)

    def leave(self) -> None:
        """Another volume is chosen, or the scene goes."""
        self.applying.leave()
        self.trips.leave()
        self.similarity.leave()
        self._ranked = ()

    def open_library(self) -> None:
        """Read the library now, also where that was done before: others may work on it."""
        try:
            self._listing = self.library.list()
        except SeedError as error:
            self._listing = Listing((), (error.message,))
        self._bench.notices["seeds"] = " ".join(self._listing.notices)
        self._ranked = ()
        self.update()
        self._bench.changed()

    def update(self) -> None:
        """Rank the seeds again where anything has changed that it depends on; does nothing before `open_library`."""
        image = self._bench.image
        if self._listing is None:
            return
        seeds = self._listing.seeds
        if image is None:
            self.matches = [Match(seed, 0.0, (), usable=False) for seed in seeds]
            return
        self.similarity.look([match.seed for match in self.matches if match.usable])
        basis = (self._listing, image, self.target, self.scanner_name, self.similarity.values)
        if len(basis) != len(self._ranked) or any(a is not b and a != b for a, b in zip(basis, self._ranked)):  # noqa: B905
            self._ranked = basis
            target = self.target.strip() or None
            axis, similarity = image.axis.axis, self.similarity.values
            self.matches = rank(seeds, image.volume, axis, target, self.scanner_name, similarity)

    def choose(self, seed_ids: Sequence[str]) -> None:
        """Choose the seeds to apply."""
        if self.chosen != tuple(seed_ids):
            self.chosen = tuple(seed_ids)
            self._bench.changed()

    def look_for(self, target: str) -> None:
        """Suggest only seeds that mark this; "" for any."""
        self.target = target
        self.update()
        self._bench.changed()

    @property
    def scanner_name(self) -> str:
        """What the user calls the scanner of the volume."""
        image = self._bench.image
        return "" if image is None else scanner_name(image.node)

    def name_scanner(self, name: str) -> None:
        """Keep what the user calls the scanner of the volume."""
        if self._bench.image is not None:
            name_scanner(self._bench.image.node, name)
            self.update()
            self._bench.changed()

    # Care of the library

    def use_folder(self, folder: str) -> None:
        """Work with the library in another folder; "" for the usual one."""
        self._bench.engine.machine.seeds_folder = folder
        self.chosen, self._deleted = (), []
        self.open_library()

    def rename(self, seed_id: str, name: str) -> None:
        """Give a seed another name."""
        self._change(lambda: self.library.rename(seed_id, name))

    def edit_note(self, seed_id: str, note: str) -> None:
        """Give a seed another note."""
        self._change(lambda: self.library.edit(seed_id, note=note))

    def delete_chosen(self) -> None:
        """Move the chosen seeds to the library's trash."""

        def delete() -> None:
            self._deleted = []
            for seed_id in self.chosen:
                self.library.delete(seed_id)
                self._deleted.append(seed_id)
            self.chosen = ()

        self._change(delete)

    @property
    def can_undo_delete(self) -> bool:
        """Whether seeds were deleted that can be brought back."""
        return bool(self._deleted)

    def undo_delete(self) -> None:
        """Bring the seeds back that were deleted last."""

        def restore() -> None:
            while self._deleted:
                self.library.restore(self._deleted[-1])
                self._deleted.pop()

        self._change(restore)

    def export_chosen(self, path: str) -> None:
        """Write the chosen seeds into a ZIP file."""
        seeds = self.chosen_seeds
        target = Path(path) if path.lower().endswith(".zip") else Path(f"{path}.zip")
        if self._change(lambda: export_seeds(seeds, target), read=False):
            self._bench.say("seeds", _("{count} seeds were exported.").format(count=len(seeds)))

    def import_file(self, path: str) -> None:
        """Add the seeds of a ZIP file; those with a name that is taken get another."""
        before = self._listing
        if self._change(lambda: import_seeds(path, self.library, on_conflict="rename")) and self._listing is not None:
            count = len(self._listing.seeds) - (len(before.seeds) if before is not None else 0)
            self._bench.say("seeds", _("{count} seeds were imported.").format(count=count))

    def _change(self, change: Callable[[], object], read: bool = True) -> bool:
        """Do something with the library and read it again; what is refused is said in the panel."""
        try:
            change()
        except PromptOnceError as error:
            self.open_library()
            self._bench.say("seeds", error.message)
            return False
        if read:
            self.open_library()
        return True
