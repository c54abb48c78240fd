"""A data set: what it is, where to get it, the files it is made of, and the cases in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.names import expanded
from PromptOnceLib.studies.datasets.sizes import check_sizes

Notify = Callable[[str], None]


@dataclass(frozen=True)
class StudyCase:
    """An image with what is true of it.

    name: unique in the data set. group: cases of one group are described together. references: each as FILE or
    FILE:LABEL,LABEL; several are united.
    """

    name: str
    group: str
    image: Path
    references: tuple[str, ...]


@dataclass(frozen=True)
class DataSet:
    """Where the images of a study and their references lie.

    licence, address: "" for one's own data. layout: the files that are expected in the folder, one sentence.
    complete: cases of the whole set, 0 where it has no fixed number. find: the cases in a folder, by their files alone;
    it raises InputError for what is missing. same_grid: whether references have the images' grid; of one's own data
    that holds for pictures alone, as other references are brought to the image's grid.
    """

    name: str
    title: str
    licence: str
    address: str
    layout: str
    complete: int
    find: Callable[[Path, Notify], Iterable[StudyCase]]
    same_grid: bool = True

    def cases(self, folder: Path, notify: Notify = lambda notice: None) -> tuple[StudyCase, ...]:
        """The cases in a folder, in the order of their names within groups; nothing but headers is read.

        notify: told what was left out, and that the set is not complete. Raises InputError that says what is missing
        and what is expected, and VolumeError or GeometryError for an image or a reference that cannot be opened or
        whose sizes differ.
        """
        try:
            found = tuple(self.find(expanded(folder).resolve(), notify))
        except InputError as error:
            if type(error) is not InputError:  # a mistake in a table, or in a file's name
                raise
            raise InputError(f"{error.message} {self.expected()}", error.detail) from error
        check_sizes([(case.image, case.references) for case in found], self.same_grid)
        if self.complete and len(found) != self.complete:
            notify(
                f"{self.title}: {len(found)} of {self.complete} cases are there. The papers' values are of all of them."
            )
        return found

    def expected(self) -> str:
        """What has to lie in the folder, and where to get it: a sentence or two."""
        where = f" Get it from {self.address} ({self.licence})." if self.address else ""
        return f"{self.layout}{where}"


def folder_among(folder: Path, inner: Sequence[str], needed: str) -> Path:
    """The folder itself or the one inside it, as archives are unpacked, that holds a folder called `needed`.

    Raises InputError where none does.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.")
    for place in (folder, *(folder / name for name in inner)):
        if (place / needed).is_dir():
            return place
    raise InputError(f"The folder {needed} is missing in {folder}.")


def file_of(folder: Path, stem: str, endings: Sequence[str]) -> Path:
    """The file of this stem in a folder, with the first ending that is there. Raises InputError."""
    for ending in endings:
        if (folder / f"{stem}{ending}").is_file():
            return folder / f"{stem}{ending}"
    raise InputError(f"{stem}{endings[0]} is missing in {folder}.")
