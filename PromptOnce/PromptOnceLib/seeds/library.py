"""The library of seeds: a folder that several programs and computers may use at the same time (see store.py)."""

from __future__ import annotations

import difflib
import shutil
import unicodedata
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from PromptOnceLib.errors import SeedError, check_choice
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.seeds import store
from PromptOnceLib.seeds.create import check_words
from PromptOnceLib.seeds.entry import ENTRY_NAME, RECORD_FILE, read_entry, read_record
from PromptOnceLib.seeds.seed import Seed, SeedRecord

OnConflict = Literal["refuse", "skip", "rename"]

_Entry = TypeVar("_Entry", Seed, SeedRecord)


@dataclass(frozen=True)
class Listing:
    """Seeds by name, and sentences about entries that cannot be read."""

    seeds: tuple[Seed, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Saved:
    """What became of several seeds: those added, as they were saved, and the names of those left out."""

    added: tuple[Seed, ...]
    skipped: tuple[str, ...] = ()


class SeedLibrary:
    """Seeds in a folder. Everything raises SeedError, with a sentence, for what cannot be done.

    Where a method takes `which`, it is a seed's name (upper and lower case alike), its id, or the start of the id,
    at least 6 characters.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        """folder: need not exist yet; None for PROMPTONCE_LIBRARY or the user's data folder."""
        self.folder = store.library_folder(folder)

    def list(self) -> Listing:
        """All seeds, with their pictures. A broken entry is left out, with a notice."""
        return Listing(*_read_all(self.folder, read_entry))

    def trashed(self) -> Listing:
        """The seeds in the trash."""
        return Listing(*_read_all(self.folder / store.TRASH, read_entry))

    def get(self, which: str) -> Seed:
        """One seed with its pictures."""
        record = self._find(which, self.folder)
        try:
            return read_entry(self.folder / record.id)
        except FileNotFoundError as error:
            raise SeedError(f'The seed "{which}" is not complete. Import it again.', repr(error)) from error

    def check_free(self, name: str) -> None:
        """Raise SeedError where the library holds a seed of this name, before long work is done for another."""
        records, _ = _read_all(self.folder, read_record)
        if any(_folded(record.name) == _folded(name) for record in records):
            raise _taken(name)

    def save(self, seed: Seed) -> Seed:
        """Add a seed. Its name must be free, and the user must have confirmed its frame."""
        return self.save_all([seed]).added[0]

    def save_all(self, seeds: Iterable[Seed], on_conflict: OnConflict = "refuse") -> Saved:
        """Add seeds: all of them, or none where one cannot be added. They may be made on the way, one after the other.

        on_conflict: what happens to a seed whose name or id the library holds already: "refuse" raises, "skip" leaves
        it out, "rename" gives it a free name, "NAME (2)", and where needed a new id.
        """
        check_choice("on_conflict", on_conflict, get_args(OnConflict), SeedError)
        added: list[Seed] = []
        skipped: list[str] = []
        with store.writing(self.folder), store.staged(self.folder) as stage:
            records, _ = _read_all(self.folder, read_record)
            names = {_folded(record.name) for record in records}
            ids = {path.name for path in store.entry_folders(self.folder)}
            for seed in seeds:
                free = _without_conflict(seed, names, ids, on_conflict)
                if free is None:
                    skipped.append(seed.name)
                    continue
                check_confirmed(free)
                store.write_entry(stage / free.id, free)
                names.add(_folded(free.name))
                ids.add(free.id)
                added.append(free)
            store.publish(stage, self.folder, [seed.id for seed in added])
        return Saved(tuple(added), tuple(skipped))

    def rename(self, which: str, name: str) -> SeedRecord:
        """Give a seed another name, which must be free."""
        return self.edit(which, name=name)

    def edit(self, which: str, **words: Any) -> SeedRecord:
        """Change fields among making.MAY_CHANGE; the pictures and the prompt of a seed never change."""
        check_words(words)
        with store.writing(self.folder):
            record = self._find(which, self.folder)
            changed = record.changed(**words)
            if not changed.frame_confirmed:
                raise SeedError("A saved seed cannot go back to a frame that nobody has looked at. Delete the seed.")
            others, _ = _read_all(self.folder, read_record)
            if any(_folded(other.name) == _folded(changed.name) for other in others if other.id != record.id):
                raise _taken(changed.name)
            with replacing(self.folder / record.id / RECORD_FILE, error=SeedError) as temporary:
                temporary.write_text(changed.to_json() + "\n", encoding="utf-8")
        return changed

    def delete(self, which: str) -> SeedRecord:
        """Move a seed to the trash."""
        with store.writing(self.folder):
            record = self._find(which, self.folder)
            store.move_to_trash(self.folder, record.id)
        return record

    def restore(self, which: str) -> SeedRecord:
        """Bring a seed back from the trash; its name must be free."""
        with store.writing(self.folder):
            trash = self.folder / store.TRASH
            record = self._find(which, trash)
            records, _ = _read_all(self.folder, read_record)
            if any(_folded(other.name) == _folded(record.name) or other.id == record.id for other in records):
                raise _taken(record.name)
            store.publish(trash, self.folder, [record.id])
        return record

    def empty_trash(self) -> int:
        """Remove what is in the trash for good; returns how many seeds that were."""
        with store.writing(self.folder):
            store.remove_stale(self.folder)
            folders = [p for p in store.entry_folders(self.folder / store.TRASH) if ENTRY_NAME.fullmatch(p.name)]
            for folder in folders:
                shutil.rmtree(folder)
        return len(folders)

    def _find(self, which: str, folder: Path) -> SeedRecord:
        records, _ = _read_all(folder, read_record)
        wanted = _folded(which)
        found = [record for record in records if record.id == wanted] or [
            record
            for record in records
            if _folded(record.name) == wanted or (len(wanted) >= 6 and record.id.startswith(wanted))
        ]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(record.id[:8] for record in found)
            raise SeedError(f'There are {len(found)} seeds called "{which}". Name one by its id: {ids}.')
        near = difflib.get_close_matches(wanted, [_folded(record.name) for record in records], n=3, cutoff=0.5)
        names = [record.name for record in records if _folded(record.name) in near]
        where = "trash" if folder.name == store.TRASH and folder != self.folder else "library"
        hint = "Did you mean " + " or ".join(f'"{name}"' for name in names) + "?" if names else "List the seeds."
        raise SeedError(f'There is no seed called "{which}" in the {where}. {hint}')


def _read_all(folder: Path, read: Callable[[Path], _Entry]) -> tuple[tuple[_Entry, ...], tuple[str, ...]]:
    entries, notices = [], []
    for path in store.entry_folders(folder):
        try:
            entries.append(read(path))
        except FileNotFoundError as error:
            if path.is_dir():  # else it was deleted while we read
                missing = Path(str(error.filename)).name
                notices.append(f"The entry {path.name[:8]} of the library was left out: {missing} is missing.")
        except SeedError as error:
            notices.append(f"The entry {path.name[:8]} of the library was left out: {error.message}")
    return tuple(sorted(entries, key=lambda entry: (_folded(entry.name), entry.id))), tuple(notices)


def _folded(name: str) -> str:
    """Names that differ in upper and lower case, blanks or how accents are coded would be mistaken for each other."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _taken(name: str) -> SeedError:
    return SeedError(f'There is a seed called "{name}" already. Choose another name, or delete that one first.')


def check_confirmed(seed: Seed) -> None:
    """Raise SeedError for a seed whose frame nobody has looked at."""
    if not seed.record.frame_confirmed:
        raise SeedError(
            f'Look at the frame of the seed "{seed.name}" and confirm that it shows no name, number or date of a '
            "patient; then it can be saved."
        )


def _without_conflict(seed: Seed, names: set[str], ids: set[str], on_conflict: OnConflict) -> Seed | None:
    if _folded(seed.name) not in names and seed.id not in ids:
        return seed
    if on_conflict == "skip":
        return None
    if on_conflict == "refuse":
        if _folded(seed.name) in names:
            raise _taken(seed.name)
        raise SeedError(f'The library holds the seed "{seed.name}" already, under another name.')
    name, number = seed.name, 2
    while _folded(name) in names:
        name = f"{seed.name[:90]} ({number})"
        number += 1
    return seed.changed(name=name, id=uuid.uuid4().hex if seed.id in ids else seed.id)
