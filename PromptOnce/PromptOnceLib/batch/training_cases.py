"""What a model is trained further on: slices and masks of the images of a folder, a manifest, or a list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import BatchPlan, PlannedCase, PromptChoice, Selection
from PromptOnceLib.batch.planning.planned_image import read_planned
from PromptOnceLib.cases.case import prepare_case
from PromptOnceLib.errors import InputError, PromptOnceError, TrainingError
from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.models.model_card import TrainingSettings
from PromptOnceLib.segmentation.object_labels import named_objects, parse_objects
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.workflows.finetune import TrainingCase
from PromptOnceLib.workflows.training_split import split_cases

FEWEST_PIXELS = 50
"""Of an object on a slice; Huang et al. 2024 leave smaller ones out."""

_MOST_LABELS = 200  # grey values that were taken for labels are more

Notify = Callable[[str], object]


def plan_training(
    data: Path,
    settings: TrainingSettings,
    references: str | None = None,
    images: str | None = None,
    labels: Sequence[str] = (),
    axis: str = "auto",
    window: str = "auto",
) -> BatchPlan:
    """The images with their references; nothing is read.

    data: a folder, or a manifest with the columns image, reference and, where a patient has several images, group.
    references, images: patterns for a folder, as `Selection` takes them. labels: an object each, such as "1,2", of
    references that name no labels themselves. axis, window: as prepare_case takes them. Raises InputError,
    ManifestError, and TrainingError where there are too few cases.
    """
    selection = Selection(
        source=data,
        prompt=PromptChoice(kind="reference"),
        images=images,
        references=references,
        axis=axis,
        window=window,
    )
    plan = make_plan(selection)
    split_cases([case.group for case in plan.cases if case.reference is not None], settings)
    cases = [case.model_copy(update={"reference": _with_labels(case.reference, labels)}) for case in plan.cases]
    return plan.model_copy(update={"cases": tuple(cases)})


def read_training_cases(
    plan: BatchPlan, notify: Notify, on_case: Callable[[int, int], object] = lambda done, total: None
) -> Iterator[TrainingCase]:
    """One case after the other; what cannot be read or holds nothing to learn from is left out with a notice."""
    for notice in plan.notices:
        notify(notice)
    for done, planned in enumerate(plan.cases, start=1):
        try:
            yield _read(planned)
        except PromptOnceError as error:
            notify(f"{planned.name} is left out: {error.message}")
        on_case(done, len(plan.cases))


def training_case(
    volume: Volume, reference: Sequence[Labels] | Array, axis: str = "auto", window: str = "auto", group: str = ""
) -> TrainingCase:
    """The slices of a volume that hold an object, under the window that a propagation would choose.

    reference: objects by name, or labels on the volume's grid, KJI, of which each is an object. Raises TrainingError
    where no slice holds an object with FEWEST_PIXELS, and what prepare_case raises.
    """
    objects = [item.holding for item in reference] if not isinstance(reference, np.ndarray) else _each(reference)
    union = np.zeros(volume.array.shape, np.uint8)
    for item in objects:
        union |= item != 0
    case = prepare_case(volume, Labels(union), axis, None, window)
    masks, places = list[NDArray[np.bool_]](), list[int]()
    for item in objects:
        turned = slices_along(item, case.axis.axis) != 0
        for index in np.flatnonzero(turned.sum(axis=(1, 2)) >= FEWEST_PIXELS):
            masks.append(np.ascontiguousarray(turned[index]))
            places.append(int(index))
    if not masks:
        raise TrainingError(
            f"There is no slice on which the reference has at least {FEWEST_PIXELS} pixels: name other labels, or "
            "another axis."
        )
    used = sorted(set(places))
    digest = hashlib.sha256(np.ascontiguousarray(volume.array).data)
    for item in objects:
        digest.update(np.ascontiguousarray(item != 0).data)
    slices = tuple(used.index(place) for place in places)
    return TrainingCase(
        group, np.ascontiguousarray(case.stack.frames[used]), np.stack(masks), slices, digest.hexdigest()
    )


def _read(planned: PlannedCase) -> TrainingCase:
    if planned.reference is None or planned.image is None:
        raise TrainingError("There is no reference for it.")
    volume = read_planned(planned)
    reference = training_reference(planned.reference, volume)
    return training_case(volume, reference, planned.axis, planned.window, planned.group)


def training_reference(text: str, volume: Volume) -> Sequence[Labels] | Array:
    """What FILE[:LABEL[=NAME],...] holds on the grid of a volume; labels without names that are chosen are one object.

    Raises what named_objects raises.
    """
    found = named_objects(text, volume.geometry)
    if not isinstance(found, np.ndarray) or parse_objects(text).labels is None:
        return found
    return [Labels(found)]


def _each(labels: Array) -> list[Array]:
    """Every label by itself. Raises TrainingError where there are so many that they are no labels."""
    values = [value for value in np.unique(labels) if value]
    if len(values) > _MOST_LABELS:
        raise TrainingError(f"The reference holds {len(values)} different labels: name those to train on.")
    return [labels == value for value in values]


def _with_labels(reference: str | None, labels: Sequence[str]) -> str | None:
    """FILE:LABEL=NAME,... where labels are chosen for all cases, the name being the choice."""
    if reference is None or not labels:
        return reference
    if parse_objects(reference).labels is not None:
        raise InputError("The labels are named twice, for all cases and with the reference of a case: leave one out.")
    parts = [f"{label.strip()}={number}" for number, text in enumerate(labels, start=1) for label in text.split(",")]
    return f"{reference}:{','.join(parts)}"
