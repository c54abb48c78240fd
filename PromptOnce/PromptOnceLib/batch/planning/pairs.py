"""Results and references of many cases, found in two folders by the names of their files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PromptOnceLib.batch.file_names import is_run_folder
from PromptOnceLib.batch.planning.case_names import stem
from PromptOnceLib.batch.planning.patterns import Pattern, split_labels
from PromptOnceLib.errors import InputError
from PromptOnceLib.segmentation.io import DICOM_SUFFIX, SUFFIXES

_OF_A_RUN = "cases/{case}/segmentation.*"
"""Where batch.run_folder, which comes later, keeps results."""


@dataclass(frozen=True)
class Pair:
    """A case. result, reference: FILE or FILE:LABEL,...; reference: None where there is none."""

    case: str
    result: str
    reference: str | None


def find_pairs(
    results: Path, references: Path, of_results: str | None = None, of_references: str | None = None
) -> list[Pair]:
    """The results in a folder with their references in another one, in the order of the cases.

    of_results, of_references: patterns (see Pattern) with `{case}`, and labels as in `{case}.nii.gz:5=liver,1=spleen`;
    without one the case is the file's name without its ending, in the folder of a batch that of the case's folder.
    Raises InputError where there is no result, no reference fits any, or several fit one.
    """
    found = _by_case(results, of_results or (_OF_A_RUN if is_run_folder(results) else None))
    true = _by_case(references, of_references)
    labels = ["" if pattern is None else split_labels(pattern)[1] for pattern in (of_results, of_references)]
    pairs = []
    for case, files in sorted(found.items()):
        fitting = true.get(case, [])
        if len(fitting) > 1:
            raise InputError(
                f"{len(fitting)} files could be the reference of {case}, among them {fitting[0].name} and "
                f"{fitting[1].name}. Name the references by a pattern such as {{case}}_lung.nii.gz."
            )
        reference = f"{fitting[0]}{labels[1]}" if fitting else None
        pairs.append(Pair(case, f"{files[0]}{labels[0]}", reference))
    if all(pair.reference is None for pair in pairs):
        raise InputError(
            f"No result in {results} has a reference in {references}: the results are {_few(found)}, the references "
            f"{_few(true)}. Name both by patterns such as {{case}}_seg.nrrd and {{case}}_lung.nii.gz."
        )
    return pairs


def _by_case(folder: Path, pattern: str | None) -> dict[str, list[Path]]:
    """The segmentations in a folder and below by the case they stand for."""
    wanted = None if pattern is None else Pattern(split_labels(pattern)[0])
    found: dict[str, list[Path]] = {}
    try:
        paths = sorted(Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error.strerror or error}.", repr(error)) from error
    for path in paths:
        if not path.name.lower().endswith((*SUFFIXES, DICOM_SUFFIX, ".png", ".tif", ".tiff")) or path.name.startswith(
            "."
        ):
            continue
        case = _stem(path) if wanted is None else wanted.case_of(PurePosixPath(path.relative_to(folder).as_posix()))
        if case:
            found.setdefault(case, []).append(path)
    if not found:
        fitting = f' that fits "{pattern}"' if pattern else ""
        raise InputError(f"There is no segmentation{fitting} in {folder}: they end in {', '.join(SUFFIXES)}.")
    return found


def _stem(path: Path) -> str:
    return path.name[: -len(".seg.nrrd")] if path.name.lower().endswith(".seg.nrrd") else stem(path)


def _few(found: dict[str, list[Path]], most: int = 4) -> str:
    names = [files[0].name for files in found.values()]
    return ", ".join(names[:most]) + (" and others" if len(names) > most else "")
