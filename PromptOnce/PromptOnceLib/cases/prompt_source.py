"""What a prompt is made from, and the prompt on the slices of a volume that is made from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from PromptOnceLib.errors import InputError, PromptError
from PromptOnceLib.imaging.orientation import FrameOrientation
from PromptOnceLib.imaging.stack import AxisChoice, central_slice, parse_axis, slices_along
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.prompts.conditioning import AnyPrompt
from PromptOnceLib.prompts.markups_file import Markups
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt, encode_mask
from PromptOnceLib.prompts.prompt_set import PromptSet, joined
from PromptOnceLib.prompts.strategies.slice_prompts import generator_for, select_prompt
from PromptOnceLib.seeds.apply import SeedSource, shared_seed
from PromptOnceLib.segmentation.segment import Labels

_MOST_LABELS = 50  # on one slice; more are no parts of one object, or no labels but grey values

SeveralSources = tuple[ObjectPrompt | Markups | Labels, ...]
"""An object each; marks in mm and labels each with the slice that suits them where none is chosen."""

PromptSource = Prompt | PromptSet | ObjectPrompt | Markups | Labels | SeveralSources | SeedSource


UNNAMED = "object"
"""What an object is called for which no name is given."""


def labels_of_file(text: str, geometry: Geometry, notify: Callable[[str], None], name: str) -> tuple[Labels, ...]:
    """The objects of FILE[:LABEL[=NAME],...]; name: of one that has none. Raises PromptError, and as read_objects."""
    from PromptOnceLib.segmentation.object_labels import read_objects  # not at the top: it loads what reads images

    found = read_objects(text, geometry, notify, name)
    if name != UNNAMED and [item.name for item in found] != [name]:
        raise PromptError("A name goes with an object that has no name yet: leave it out.")
    return tuple(found)


def with_name(source: PromptSource, name: str) -> PromptSource:
    """The prompt of a file with another name for its object. Raises PromptError where it has several."""
    if isinstance(source, Markups):
        return replace(source, name=name)
    if not isinstance(source, Prompt | PromptSet) or len(source.objects) != 1 or not name.strip():
        raise PromptError("A name goes with one object, and what is named already keeps its names: leave it out.")
    renamed = source.objects[0].model_copy(update={"name": name})
    return source.model_copy(update={"objects": (renamed,)})


def choose_axis_for(volume: Volume, source: PromptSource, axis: str) -> AxisChoice:
    """The axis of the slices: what the user names, or the source's own. Raises PromptError where they differ."""
    if isinstance(source, SeedSource) and axis.strip().lower() == "auto" and 1 not in volume.geometry.shape:
        plane = source.seeds[0].record.plane
        planes = [FrameOrientation.of(volume.geometry, candidate).plane for candidate in range(3)]
        return AxisChoice(planes.index(plane), f"the seed is {plane}")
    if not isinstance(source, Prompt | PromptSet) or source.axis is None:
        return parse_axis(axis, volume.geometry)
    if axis != "auto" and parse_axis(axis, volume.geometry).axis != source.axis:
        raise PromptError("The prompt was made for slices along another axis: leave the axis to the prompt.")
    return AxisChoice(source.axis, "the prompt's axis")


def choose_prompt(
    source: PromptSource, volume: Volume, axis: int, slice_index: int | None
) -> tuple[AnyPrompt, tuple[str, ...]]:
    """The prompt of a source on slices along an axis, and notices. slice_index: as prepare_case takes it.

    Raises PromptError and InputError.
    """
    slices = volume.geometry.shape[axis]
    if isinstance(source, Prompt | PromptSet):
        if slice_index not in (None, source.slice):
            raise PromptError(f"The prompt belongs to slice {source.slice}: it cannot be put on slice {slice_index}.")
        return source.model_copy(update={"axis": axis}), ()
    if slice_index is not None and not 0 <= slice_index < slices:
        raise InputError(f"There is no slice {slice_index}: the volume has slices 0 to {slices - 1} along this axis.")
    if isinstance(source, SeedSource):
        if slice_index is not None:
            source = replace(source, start=slice_index)
        return replace(shared_seed(source, volume.geometry, axis), label=source.label), source.notices
    if not isinstance(source, tuple):
        return _on_its_slice(source, volume.geometry, axis, slice_index)
    if slice_index is None:
        slice_index = _common_slice([item for item in source if isinstance(item, Labels)], axis, slices)
    placed = [_on_its_slice(item, volume.geometry, axis, slice_index) for item in source]
    notices = tuple(f"{prompt.objects[0].name}: {notice}" for prompt, said in placed for notice in said)
    return joined([prompt for prompt, _ in placed]), notices


def _on_its_slice(
    source: ObjectPrompt | Markups | Labels, geometry: Geometry, axis: int, slice_index: int | None
) -> tuple[Prompt, tuple[str, ...]]:
    if isinstance(source, Markups):
        return source.on_slice(geometry, axis, slice_index), ()
    if isinstance(source, ObjectPrompt):
        index = central_slice(geometry.shape[axis]) if slice_index is None else slice_index
        return Prompt(axis=axis, slice=index, objects=(source,)), ()
    return _prompt_from_labels(source, axis, slice_index)


def _common_slice(objects: Sequence[Labels], axis: int, count: int) -> int | None:
    """The slice nearest to the central one that shows all objects; None where there is none, or nothing to look for."""
    if not objects:
        return None
    shown = np.ones(count, bool)
    for item in objects:
        shown &= slices_along(item.holding, axis).any(axis=(1, 2))
    candidates = np.flatnonzero(shown)
    if len(candidates) == 0:
        return None
    return int(candidates[np.argmin(np.abs(candidates - central_slice(count)))])


def _prompt_from_labels(source: Labels, axis: int, slice_index: int | None) -> tuple[Prompt, tuple[str, ...]]:
    """The prompt on the volume's central slice or, where nothing is labelled there, on the object's own.

    Random numbers that a strategy needs come from the slice's number and the object's pixels on it: so the same prompt
    is found again in a run that goes on, and from every front end.
    """
    labels = slices_along(source.array, axis)
    index, notices = central_slice(len(labels)) if slice_index is None else slice_index, []
    if slice_index is None and not source.of(labels[index]).any():
        labelled = np.flatnonzero(source.of(labels).any(axis=(1, 2)))
        if len(labelled) == 0:
            raise PromptError("The segmentation to take the prompt from is empty: choose one that shows the object.")
        notices.append(
            f"The central slice {index} holds no label: the prompt is on slice {labelled[len(labelled) // 2]}."
        )
        index = int(labelled[len(labelled) // 2])
    marked = source.of(labels[index])
    count = len(np.unique(marked))
    if count > _MOST_LABELS:
        raise PromptError(
            f"The segmentation to take the prompt from holds {count} different labels on slice {index}: name "
            "those that make the object, FILE:LABEL,LABEL."
        )
    if source.as_mask:
        item = ObjectPrompt(name=source.name, mask=encode_mask(marked != 0))
        return Prompt(axis=axis, slice=index, objects=(item,)), tuple(notices)
    rng = generator_for(index, np.packbits(marked > 0).tobytes())
    selection = select_prompt(marked, source.strategy, rng=rng, name=source.name)
    return Prompt(axis=axis, slice=index, objects=(selection.prompt,)), (*notices, *selection.notices)
