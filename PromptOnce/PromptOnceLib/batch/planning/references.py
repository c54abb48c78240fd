"""The references that belong to the images of a folder: where a pattern such as labels/{case}.nii.gz leads."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath

from PromptOnceLib.batch.planning.patterns import Pattern, split_labels
from PromptOnceLib.batch.planning.walk import files_below, place_of
from PromptOnceLib.errors import InputError
from PromptOnceLib.files.names import expanded, name_key

_VARIABLE = re.compile(r"[*?]|\{case\}")


class ReferenceFinder:
    """Finds references of images in a folder.

    text: a pattern (see Pattern), with labels as in {case}.nii.gz:1,2. Without a "/" it names a file beside the image.
    With one it is meant from the folder of the images on or, where nothing is there, from the folder around it, such
    as labels/{case}.nii.gz for labels/ beside images/, or from the current folder; it may be absolute, too. Raises
    InputError for a pattern that cannot be understood, and where a pattern with a "/" leads to no file at all.
    """

    def __init__(self, text: str, folder: Path) -> None:
        self.folder = folder
        pattern, self._labels = split_labels(text)
        self._root, self._pattern = folder, pattern
        self.looked_in: tuple[Path, ...] = ()
        place = PurePath(pattern.replace("\\", "/"))
        if len(place.parts) > 1:
            self._root, self._pattern = self._found(pattern, expanded(place))
        self._wanted = Pattern(self._pattern)
        self._files = [path for path in _files(self._root) if self._case_of(path) is not None]
        self._places = set(map(place_of, self._files))
        if not self._files and self.looked_in:
            raise InputError(_nothing(text, self.looked_in))

    def is_one(self, path: Path) -> bool:
        """Whether a file is a reference, and so no image."""
        return place_of(path) in self._places

    def of(self, image: Path, case: str) -> str | None:
        """FILE[:LABEL,...] of an image whose case is called so; None where there is none.

        Raises InputError where several fit.
        """
        below = _below(self.folder, image)
        own = [path for path in self._files if self._belongs(path, image, below, case)]
        own = [path for path in own if self._case_of(path) == case] or own  # of A and a, the one that is written alike
        if len(own) > 1:
            raise InputError(
                f"{len(own)} files could be the reference of {below}, among them {own[0].name} and {own[1].name}. Make "
                "the pattern of the references more exact."
            )
        return f"{own[0]}{self._labels}" if own else None

    def _belongs(self, found: Path, image: Path, below: PurePath, case: str) -> bool:
        if self._root == self.folder:
            return self._wanted.belongs(_below(self.folder, found), below, case)
        own = self._case_of(found)
        return found != image and own is not None and name_key(own) == name_key(case)

    def _case_of(self, path: Path) -> str | None:
        return self._wanted.case_of(_below(self._root, path))

    def _found(self, pattern: str, place: PurePath) -> tuple[Path, str]:
        """The folder to search, and what is left of the pattern below it."""
        parts = place.parts
        fixed = next((n for n, part in enumerate(parts) if _VARIABLE.search(part)), len(parts) - 1)
        start, rest = Path(*parts[:fixed]), PurePosixPath(*parts[fixed:]).as_posix()
        bases = [Path()] if start.is_absolute() else [self.folder, self.folder.parent, Path.cwd()]
        roots = list(dict.fromkeys(Path(os.path.normpath(base / start)) for base in bases))
        self.looked_in = tuple(roots)
        for root in roots:
            if root == self.folder:
                return root, pattern
            if root.is_dir() and any(Pattern(rest).case_of(_below(root, path)) is not None for path in _files(root)):
                return root, rest
        raise InputError(_nothing(pattern, roots))


def _nothing(pattern: str, roots: Sequence[Path]) -> str:
    return (
        f'No file is a reference as "{pattern}" says. Looked in {", ".join(map(str, roots))}: write the pattern from '
        "the folder of the images on, from the folder around it, or as a whole path."
    )


def _files(root: Path) -> list[Path]:
    """Files of a folder, sorted; OSError becomes InputError."""
    try:
        return sorted(files_below(root))
    except OSError as error:
        raise InputError(f"The folder {root} cannot be read: {error.strerror or error}.", repr(error)) from error


def _below(folder: Path, path: Path) -> PurePosixPath:
    return PurePosixPath(Path(os.path.relpath(path, folder)).as_posix())
