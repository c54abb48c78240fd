"""What a request to propagate takes: passes from one slice, after seeds, or sweeps between fixed slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib.engine.propagation import Propagation, SliceOutput, Task
from PromptOnceLib.engine.sweeps import Sweeps, SweepTask
from PromptOnceLib.errors import WrongOrderError
from PromptOnceLib.prompts.conditioning import ConditioningFrame, SharedSeed
from PromptOnceLib.prompts.prompt import ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.arrays import load_frames

Shape = Callable[[int], tuple[int, int, int]]
"""Number of slices, rows and columns; of pictures those of the one with this index."""


@dataclass(frozen=True)
class Plan:
    """objects: how many there are. steps: how many outputs come. outputs: with the places of their objects, None for
    all.
    """

    objects: int
    steps: int
    outputs: Iterator[tuple[list[int] | None, SliceOutput]]


def plan_propagation(request: protocol.Propagate, work: Propagation, folder: Path, shape: Shape) -> Plan:
    """Check a request and say what it takes; nothing is computed before the outputs are asked for.

    Raises PromptError for a prompt that does not fit the stack, WrongOrderError for a request that makes no sense.
    """
    if isinstance(request.prompt, PromptSet):
        return _plan_of_set(request, request.prompt, work, shape)
    task = _task(request, folder, shape)
    return Plan(len(task.objects), task.slices, ((None, output) for output in work.run(task)))


def _plan_of_set(request: protocol.Propagate, prompts: PromptSet, work: Propagation, shape: Shape) -> Plan:
    prompts.validate_for(shape(0))
    places = {item.name: place for place, item in enumerate(prompts.objects)}
    changed = None if request.changed is None else frozenset(request.changed)
    groups = []
    for group in prompts.groups():
        fixed = {index: _marks(group, index) for index in group.objects[0].indices}
        task = SweepTask(fixed, request.first, request.last, changed, request.direction, request.fill_hole_area)
        groups.append(([places[item.name] for item in group.objects], task))

    def outputs() -> Iterator[tuple[list[int] | None, SliceOutput]]:
        for objects, task in groups:
            for output in Sweeps(work).run(task):
                yield objects, output

    return Plan(len(places), sum(task.steps for _, task in groups), outputs())


def _marks(group: PromptSet, index: int) -> list[ObjectPrompt]:
    prompt = group.on(index)
    assert prompt is not None
    return list(prompt.objects)


def _task(request: protocol.Propagate, folder: Path, shape: Shape) -> Task:
    """A propagation from one slice, or after the frames of seeds."""
    if not request.first <= request.prompt.slice <= request.last:
        raise WrongOrderError("The range of slices has to hold the prompted slice.")
    seeds: tuple[ConditioningFrame, ...] = ()
    if isinstance(request.prompt, protocol.SharedPrompt):
        seeds = tuple(
            ConditioningFrame(load_frames(folder / seed.file, 2), seed.objects) for seed in request.prompt.frames
        )
        shared = SharedSeed(seeds, request.prompt.slice)
        shared.validate_for(shape(0))
        objects = shared.objects
    else:
        assert isinstance(request.prompt, Prompt)
        if request.alone:
            raise WrongOrderError("Slices can be segmented alone only after a shared prompt.")
        request.prompt.validate_for(shape(request.prompt.slice))
        objects = request.prompt.objects
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
