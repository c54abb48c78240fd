"""What a request to propagate takes: passes from one slice, after seeds, sweeps between fixed slices, or each slice by
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PromptOnceLib.engine.images.image_model import ImageModel
from PromptOnceLib.engine.images.slice_prompting import SlicePrompting
from PromptOnceLib.engine.propagation import Frames, SliceOutput, Task
from PromptOnceLib.engine.sweeps import Sweeps, SweepTask
from PromptOnceLib.engine.zoom.seeds import zoomed_after_seeds
from PromptOnceLib.engine.zoom.single_slices import between_boxes
from PromptOnceLib.engine.zoom.views import Views
from PromptOnceLib.errors import PromptError, WrongOrderError
from PromptOnceLib.imaging.views.crop import Crop
from PromptOnceLib.prompts.conditioning import ConditioningFrame, SharedSeed
from PromptOnceLib.prompts.each_slice import check_each_slice, proposed_names
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_frames

Shape = Callable[[int], tuple[int, int, int]]
"""Number of slices, rows and columns; of pictures those of the one with this index."""

Outputs = Iterator[tuple[list[int] | None, SliceOutput]] | Iterator[tuple[list[int], SliceOutput]]
"""What comes, with the places of its objects, None for all."""


@dataclass(frozen=True)
class Plan:
    """objects: how many there are. steps: how many outputs come. crops: by object, what is seen of all slices."""

    objects: int
    steps: int
    outputs: Outputs
    crops: Mapping[str, Crop] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise PromptError where no slice is to be computed, which would look like a cancelled run."""
        if self.steps == 0:
            raise PromptError(
                "There is no slice to compute: none of the slices that were chosen is marked, or reached from a marked "
                "one in this direction. Choose other slices, or another direction."
            )


def plan_propagation(request: protocol.Propagate, views: Views, folder: Path, shape: Shape) -> Plan:
    """Check a request and say what it takes; nothing is computed before the outputs are asked for.

    Raises PromptError for a prompt that does not fit the stack, or from which none of the slices is reached,
    WrongOrderError for a request that makes no sense.
    """
    if isinstance(request.prompt, protocol.SharedPrompt):
        return _after_seeds(request, request.prompt, views, folder, shape)
    if request.alone:
        raise WrongOrderError("Slices can be segmented alone only from prompts of their own or after a shared prompt.")
    if isinstance(request.prompt, Prompt):
        return _from_one_slice(request, request.prompt, views, shape)
    request.prompt.validate_for(shape(0))
    if request.between != "track":
        return _between_boxes(request, request.prompt, views)
    return _between_fixed_slices(request, request.prompt, views)


def plan_each_slice(
    request: protocol.Propagate, prompts: PromptSet, model: ImageModel, frames: Frames, shape: Shape
) -> Plan:
    """The same for prompted slices that are segmented each by itself, as images; raises as plan_propagation."""
    check_each_slice(prompts, shape(0))
    slices = sorted({index for item in prompts.objects for index in item.indices})
    slices = [index for index in slices if request.first <= index <= request.last]
    task = SlicePrompting(model, frames, prompts, slices, request.proposals)
    return Plan(len(proposed_names(prompts, request.proposals)), len(slices), task.run())


def _from_one_slice(request: protocol.Propagate, prompt: Prompt, views: Views, shape: Shape) -> Plan:
    """Passes; objects that are seen through the same crop go together."""
    _check_range(request)
    prompt.validate_for(shape(prompt.slice))
    crops = views.crops({item.name: [item] for item in prompt.objects}, request.sight)
    tasks = []
    for crop in dict.fromkeys(crops.values()):
        places = [place for place, item in enumerate(prompt.objects) if crops[item.name] == crop]
        tasks.append((crop, places, _task(request, [views.seen(prompt.objects[place], crop) for place in places])))

    def outputs() -> Outputs:
        for crop, places, task in tasks:
            views.begin([item.name for item in task.objects], crop)
            for output in views.at(crop).run(task):
                yield places if len(tasks) > 1 else None, views.on_whole_slice(output, crop)

    return Plan(len(prompt.objects), sum(task.slices for _, _, task in tasks), outputs(), crops)


def _between_fixed_slices(request: protocol.Propagate, prompts: PromptSet, views: Views) -> Plan:
    """Sweeps; objects that are fixed on the same slices and seen through the same crop go together."""
    marked = {item.name: [prompt for _, prompt in item.prompts()] for item in prompts.objects if item.slices}
    crops = views.crops(marked, request.sight)
    places = {item.name: place for place, item in enumerate(prompts.objects)}
    changed = None if request.changed is None else frozenset(request.changed)
    groups = []
    for fixed_alike in prompts.groups():
        for crop in dict.fromkeys(crops[item.name] for item in fixed_alike.objects):
            items = [item for item in fixed_alike.objects if crops[item.name] == crop]
            marks = [dict(item.prompts()) for item in items]
            fixed = {index: [views.seen(one[index], crop) for one in marks] for index in items[0].indices}
            task = SweepTask(
                fixed,
                request.first,
                request.last,
                changed,
                request.direction,
                request.fill_hole_area,
                request.stop_when_absent,
            )
            groups.append((crop, [item.name for item in items], task))

    def outputs() -> Outputs:
        for crop, names, task in groups:
            views.begin(names, crop)
            for output in Sweeps(views.at(crop)).run(task):
                yield [places[name] for name in names], views.on_whole_slice(output, crop)

    return Plan(len(places), sum(task.steps for _, _, task in groups), outputs(), crops)


def _between_boxes(request: protocol.Propagate, prompts: PromptSet, views: Views) -> Plan:
    """Each slice by itself, or also tracked between the same prompts, object after object."""
    within, sight, fill = range(request.first, request.last + 1), request.sight, request.fill_hole_area
    tasks = [
        (place, between_boxes(item, request.between, views, sight, within, request.changed, fill))
        for place, item in enumerate(prompts.objects)
        if item.slices
    ]

    def outputs() -> Outputs:
        for place, task in tasks:
            for output in task.run(views):
                yield [place], output

    return Plan(len(prompts.objects), sum(task.steps for _, task in tasks), outputs())


def _after_seeds(
    request: protocol.Propagate, shared: protocol.SharedPrompt, views: Views, folder: Path, shape: Shape
) -> Plan:
    """Passes after the frames of other images, seen whole by "auto": where the object lies is not known before, and a
    look for it on the whole slice may find another one.
    """
    _check_range(request)
    frames = tuple(
        ConditioningFrame(load_frames(folder / seed.file, 2), seed.objects, seed.scale) for seed in shared.frames
    )
    seed = SharedSeed(frames, shared.slice)
    seed.validate_for(shape(0))
    task = _task(request, seed.objects, frames)
    zoom, objects = request.sight.zoom, len(task.objects)
    crops = {item.name: Crop.whole(views.shape) for item in task.objects}
    if isinstance(zoom, str) or request.alone or not views.of_a_stack:
        return Plan(objects, task.slices, ((None, output) for output in views.whole.run(task)), crops)
    outputs = (([place], output) for place, output in zoomed_after_seeds(views, task, zoom, crops))
    return Plan(objects, objects * task.slices, outputs, crops)


def _check_range(request: protocol.Propagate) -> None:
    if not request.first <= request.prompt.slice <= request.last:
        raise WrongOrderError("The range of slices has to hold the prompted slice.")


def _task(
    request: protocol.Propagate, objects: Sequence[ObjectPrompt], seeds: tuple[ConditioningFrame, ...] = ()
) -> Task:
    return Task(
        objects,
        request.prompt.slice,
        request.first,
        request.last,
        request.direction,
        request.fill_hole_area,
        seeds,
        request.alone,
        request.stop_when_absent,
    )
