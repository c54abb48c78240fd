"""The seed library as the panel works with it: its entries, which of them suit the volume, and their care."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PromptOnceLib.errors import PromptOnceError, SeedError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.preferences import save_preferences
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.seeds.similarity import SeedSimilarity
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.imaging.stack import AXIS_NAMES
from PromptOnceLib.mrml.seeds import name_scanner, scanner_name
from PromptOnceLib.seeds.archive import export_seeds, import_seeds
from PromptOnceLib.seeds.library import Listing, SeedLibrary
from PromptOnceLib.seeds.matching import Match
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.workflows.choose_seed import SeedSearch


class LibraryController:
    """Nothing is read before `open_library`, which panels call when they are unfolded.

    matches: seeds of the library, the most suitable for the volume first; without a volume by name. target: what is to
    be segmented, "" for anything. chosen: ids of the seeds that are to be applied. changed: called when any of these
    has changed.
    """

    def __init__(
        self, current: CurrentCase, engine: EngineAccess, notices: Notices, similarity: SeedSimilarity
    ) -> None:
        self._current, self._engine, self._notices, self._similarity = current, engine, notices, similarity
        self.changed: Signal[[]] = Signal()
        self.matches: list[Match] = []
        self.target = ""
        self.chosen: tuple[str, ...] = ()
        self._listing: Listing | None = None
        self._ranked: tuple[Any, ...] = ()
        self._deleted: list[str] = []
        current.closing.connect(self._leave)
        similarity.changed.connect(self.update)

    @property
    def library(self) -> SeedLibrary:
        """The library in the folder that is chosen."""
        return SeedLibrary(self._engine.preferences.seeds_folder or None)

    @property
    def chosen_seeds(self) -> tuple[Seed, ...]:
        """The chosen seeds, the most suitable first."""
        return tuple(match.seed for match in self.matches if match.seed.id in self.chosen)

    def open_library(self) -> None:
        """Read the library now, also where that was done before: others may work on it."""
        try:
            self._listing = self.library.list()
        except SeedError as error:
            self._listing = Listing((), (error.message,))
        self._notices.say("seeds", " ".join(self._listing.notices))
        self._ranked = ()
        self.update()

    def update(self) -> None:
        """Rank the seeds again where anything has changed that it depends on; does nothing before `open_library`."""
        if self._listing is None:
            return
        case = self._current.case
        search = None if case is None else self._search(case, self._listing)
        if search is not None:
            self._similarity.look(search)
        values = self._similarity.values
        basis = (self._listing, None if case is None else case.image, self.target, self.scanner_name, values)
        if _same(basis, self._ranked):
            return
        self._ranked = basis
        if search is None:
            self.matches = [Match(seed, 0.0, (), usable=False) for seed in self._listing.seeds]
        else:
            self.matches = list(search.ranking(values).matches)
        self.changed()

    def _search(self, case: OpenCase, listing: Listing) -> SeedSearch:
        """Which seed suits the open case: along its axis, which the user sees and can change."""
        volume, axis = case.image.volume, AXIS_NAMES[case.axis]
        return SeedSearch(self.library, listing, volume, axis, self.target.strip() or None, self.scanner_name)

    def choose(self, seed_ids: Sequence[str]) -> None:
        """Choose the seeds to apply."""
        if self.chosen != tuple(seed_ids):
            self.chosen = tuple(seed_ids)
            self.changed()

    def look_for(self, target: str) -> None:
        """Suggest only seeds that mark this; "" for any."""
        self.target = target
        self.update()

    @property
    def scanner_name(self) -> str:
        """What the user calls the scanner of the volume."""
        case = self._current.case
        return "" if case is None else scanner_name(case.node)

    def name_scanner(self, name: str) -> None:
        """Keep what the user calls the scanner of the volume."""
        case = self._current.case
        if case is not None:
            name_scanner(case.node, name)
            self.update()

    # Care of the library

    def use_folder(self, folder: str) -> None:
        """Work with the library in another folder; "" for the usual one."""
        preferences = self._engine.preferences
        preferences.seeds_folder = folder
        save_preferences(preferences)
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
        """Write the chosen seeds into a ZIP file; a path without .zip gets it, but replaces no file then, as nobody was
        asked about that one.
        """
        seeds, named = self.chosen_seeds, path.lower().endswith(".zip")
        target = Path(path if named else f"{path}.zip")

        def export() -> None:
            if not named and target.exists():
                raise SeedError(_("{name} is there already: choose it, or another name.").format(name=target.name))
            export_seeds(seeds, target)

        if self._change(export, read=False):
            self._notices.say(
                "seeds", _counted(len(seeds), _("1 seed was exported."), _("{count} seeds were exported."))
            )

    def import_file(self, path: str) -> None:
        """Add the seeds of a ZIP file; those with a name that is taken get another."""
        added: list[Seed] = []
        if self._change(lambda: added.extend(import_seeds(path, self.library, on_conflict="rename").added)):
            counted = _counted(len(added), _("1 seed was imported."), _("{count} seeds were imported."))
            self._notices.say("seeds", " ".join(filter(None, [counted, self._notices.of("seeds")])))

    def _change(self, change: Callable[[], object], read: bool = True) -> bool:
        """Do something with the library and read it again; what is refused is said in the panel."""
        try:
            change()
        except PromptOnceError as error:
            self.open_library()
            self._notices.say("seeds", error.message)
            return False
        if read:
            self.open_library()
        return True

    def _leave(self, _case: OpenCase) -> None:
        self._ranked = ()


def _counted(count: int, one: str, several: str) -> str:
    return one if count == 1 else several.format(count=count)


def _same(basis: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(basis) == len(other) and all(a is b or a == b for a, b in zip(basis, other, strict=True))
