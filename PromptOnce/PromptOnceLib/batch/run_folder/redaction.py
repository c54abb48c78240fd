"""Sentences about a case without where its files lie and what they are called: both tend to name patients.

Everything that a run's folder keeps goes through here, but for its plan.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from PromptOnceLib.batch.planning.case_names import stem
from PromptOnceLib.batch.planning.plan import PlannedCase
from PromptOnceLib.segmentation.reference import parse_reference

_SHORTEST = 3  # letters of a part of a path; shorter ones are found in any sentence
_FURTHER = r"""(?:[\\/](?:[^\s"'<>|:;,\\/]*[^\s"'<>|:;,.\\/])?)*"""
"""The rest of a path behind one of its folders; a full stop at its end is that of the sentence."""


def hide_paths(text: str, case: PlannedCase) -> str:
    """The text with the case's name in place of the paths of its image, its reference and its prompt file.

    Hidden are whole paths, whatever lies in the folders on their way, names of files, and those parts of paths that
    cannot be mistaken for a word. Names of other files, which the case does not know, stay.
    """
    return _replaced(text, dict(_stand_ins(case)), dict.fromkeys(_folders(case), case.name))


def hide_folder(text: str, folder: Path) -> str:
    """The text without the path of the run's folder."""
    places = {str(folder), str(folder.absolute()), os.path.realpath(folder)}
    found = _replaced(text, {}, {place: "the run's folder" for place in places if len(Path(place).parts) > 1})
    return _replaced(found, {}, {str(path): "a folder" for path in folder.absolute().parents if len(path.parts) > 1})


def _replaced(text: str, names: dict[str, str], folders: dict[str, str]) -> str:
    """Names stand alone; a folder's path takes with it what follows, to the end of the path."""
    for literal, wanted in ((names, ""), (folders, _FURTHER)):
        written = {form: stand_in for item, stand_in in literal.items() for form in _ways_to_write(item)}
        if not written:
            continue
        longest_first = "|".join(re.escape(item) for item in sorted(written, key=len, reverse=True))
        pattern = re.compile(rf"(?<!\w)({longest_first})(?!\w){wanted}")
        text = pattern.sub(lambda found, of=written: of[found.group(1)], text)  # type: ignore[misc]
    return text


def _ways_to_write(item: str) -> tuple[str, ...]:
    """As it is, and with the backslashes of an error's text."""
    return (item, item.replace("\\", "\\\\"))


def _stand_ins(case: PlannedCase) -> Iterator[tuple[str, str]]:
    """Names of files and folders, and what stands in their place; later ones go before earlier ones."""
    paths = _paths(case)
    parts = {part for path, _ in paths for part in (*path.parent.parts, stem(path))}
    for part in parts:
        if len(part) >= _SHORTEST and not part.isalpha() and any(map(str.isalpha, part)):
            yield part, case.name
    for path, stand_in in paths:
        yield path.name, stand_in
        yield str(path), stand_in


def _folders(case: PlannedCase) -> set[str]:
    """All folders on the way to the files, also by the way that leads there without links."""
    parents = {path.parent for path, _ in _paths(case)}
    parents |= {Path(os.path.realpath(parent)) for parent in parents}
    return {str(place) for parent in parents for place in (parent, *parent.parents) if len(place.parts) > 1}


def _paths(case: PlannedCase) -> list[tuple[Path, str]]:
    """Files and folders of a case, and what to call them."""
    found = []
    if case.prompt.kind == "file":
        found.append((Path(case.prompt.name), f"{case.name} (its prompt)"))
    if case.reference is not None:
        found.append((Path(parse_reference(case.reference)[0]), f"{case.name} (its reference)"))
    found += [(path, case.name) for path in case.files]
    if case.image is not None:
        found.append((case.image, case.name))
    return found
