"""The cases of a study: found by their data sets, and each brought to one image with one reference."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from PromptOnceLib.batch.planning.case_names import safe_name
from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.volume import Array, Geometry
from PromptOnceLib.segmentation.reference import parse_reference, read_reference
from PromptOnceLib.studies.datasets import DATASETS, StudyCase
from PromptOnceLib.studies.design import StudyDesign

Say = Callable[[str], None]


@dataclass(frozen=True)
class ReadyCase:
    """A case as a batch takes it. reference: FILE[:LABEL,...]."""

    name: str
    group: str
    image: Path
    reference: str


def find_cases(design: StudyDesign, limit: int | None = None, say: Say = lambda text: None) -> tuple[StudyCase, ...]:
    """All cases of a study's data, in the order of the data and of their names.

    limit: of each group at most so many. Raises InputError where nothing is named, a data set is not known, its files
    are missing, or two cases have the same name.
    """
    if not design.data:
        raise InputError("Name the folder of the study's data.")
    found: list[StudyCase] = []
    for item in design.data:
        if item.set not in DATASETS:
            raise InputError(f"There is no data set called {item.set}. There are: {', '.join(DATASETS)}.")
        groups = design.groups.get(item.set, ())
        found += [case for case in DATASETS[item.set].cases(item.folder, say) if not groups or case.group in groups]
    names = Counter(case.name.casefold() for case in found)
    twice = next((case.name for case in found if names[case.name.casefold()] > 1), None)
    if twice is not None:
        raise InputError(f"Two cases are called {twice}. Give every case a name of its own.")
    of_group: Counter[str] = Counter()
    kept = []
    for case in found:
        of_group[case.group] += 1
        if limit is None or of_group[case.group] <= limit:
            kept.append(case)
    return tuple(kept)


def ready_case(case: StudyCase, folder: Path, say: Say) -> ReadyCase:
    """A case with its references as one: several are united in a label map in the folder, each with labels of its own.

    So the papers' prompt has a point on either lung. What was united before is kept while its files are as they were.
    Raises InputError for references that cannot be read or do not fit the image.
    """
    name = safe_name(case.name)
    if len(case.references) == 1:
        return ReadyCase(name, case.group, case.image, case.references[0])
    target, note = folder / f"{name}.nrrd", folder / f"{name}.sources"
    made_from = _sources(case)
    if not target.is_file() or not note.is_file() or note.read_text(encoding="utf-8") != made_from:
        geometry = read_volume(case.image).geometry
        write_image(target, geometry, united(case.references, geometry, say))
        with replacing(note) as temporary:
            temporary.write_text(made_from, encoding="utf-8")
    return ReadyCase(name, case.group, case.image, str(target))


def labels_of(case: ReadyCase, geometry: Geometry, say: Say) -> Array:
    """The labels (KJI) of a case's reference on the grid of its image. Errors and notices as of read_reference."""
    path, chosen = parse_reference(case.reference)
    return read_reference(path, geometry, chosen, say)


def united(references: Sequence[str], geometry: Geometry, say: Say) -> Array:
    """Labels (KJI, uint8) from 1 in the order of the references and of the labels in each; later ones go before."""
    labels = np.zeros(geometry.shape, np.uint8)
    number = 0
    for text in references:
        path, chosen = parse_reference(text)
        array = read_reference(path, geometry, chosen, say)
        for value in np.unique(array[array > 0]):
            number += 1
            labels[array == value] = number
    return labels


def write_image(path: Path, geometry: Geometry, array: Array) -> None:
    """An array (KJI) on its grid as a compressed file. Raises InputError where it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, path.suffix) as temporary:
        sitk.WriteImage(geometry.to_image(array), str(temporary), useCompression=True)


def _sources(case: StudyCase) -> str:
    """What tells the files of a case from others, and from what they were before; without their names."""
    digest = hashlib.sha256(repr(case.references).encode())
    for path in (case.image, *(parse_reference(text)[0] for text in case.references)):
        try:
            there = path.stat()
            digest.update(repr((str(path.absolute()), there.st_size, there.st_mtime_ns)).encode())
        except OSError:  # reading it says what is wrong
            digest.update(b"-")
    return digest.hexdigest()
