"""What a worker process does for one case after the other: choose its seed, segment it, carry the result back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from PromptOnceLib.batch.events import Event, Said, SliceProgress
from PromptOnceLib.batch.planning.plan import BatchOptions, PlannedCase
from PromptOnceLib.batch.running.control import RunControl
from PromptOnceLib.batch.running.load import LoadedCase, UndecidedCase
from PromptOnceLib.cases.case import Case
from PromptOnceLib.cases.outputs import Run
from PromptOnceLib.errors import WorkerError
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.seeds.apply import SeedSource, accepted_masks
from PromptOnceLib.worker.client import WorkerClient
from PromptOnceLib.worker.segmenter import Segmenter, Settings
from PromptOnceLib.workflows.drive import run_steps
from PromptOnceLib.workflows.prompt_each_slice import prompt_each_slice
from PromptOnceLib.workflows.round_trip import RoundTripFigures, steps_of_prompt, steps_of_shared_seed
from PromptOnceLib.workflows.start_slice import steps_of_start
from PromptOnceLib.workflows.steps import Steps

R = TypeVar("R")

_STARTS = 3  # workers in a row that die before they have a model


@dataclass(frozen=True)
class RuntimeInfo:
    """With what a case was computed. versions: of the worker's packages. load_seconds: what loading the model took."""

    precision: str = ""
    versions: dict[str, str] | None = None
    load_seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Computed:
    """A case with what came out. round_trip: Dice of the object that agrees least, None where there is no figure."""

    loaded: LoadedCase
    run: Run
    circumstances: RuntimeInfo
    round_trip: float | None = None


class CaseWorker:
    """A worker process with its model, started when it is needed and again when it died. number: from 0."""

    def __init__(
        self,
        client: WorkerClient,
        number: int,
        files: ModelFiles,
        options: BatchOptions,
        control: RunControl,
        emit: Callable[[Event], None],
    ) -> None:
        self._client, self._number = client, number
        self._files, self._options, self._control, self._emit = files, options, control, emit
        self._segmenter = Segmenter(client, lambda text: emit(Said(text=text)))
        self._circumstances = RuntimeInfo()

    @property
    def has_died(self) -> bool:
        """Whether the process is gone and was not replaced yet."""
        return self._client.failure is not None

    def close(self) -> None:
        """End the process."""
        self._client.close()

    def make_ready(self) -> None:
        """Have a worker with the model, a new one where the last has died.

        Raises WorkerError or ModelError where that cannot be done: no case is at fault then.
        """
        for start in range(1, _STARTS + 1):
            self._control.should_cancel()
            try:
                if self._client.welcome is None:
                    welcome = self._client.start(self._control.should_cancel)
                    device, precision = self._device(welcome.devices), self._options.precision
                    began = time.monotonic()
                    model = self._segmenter.use_model(self._files, device, precision)
                    took = round(time.monotonic() - began, 3)
                    self._circumstances = RuntimeInfo(model.precision, welcome.versions, took)
                    if self._options.workers > 1:
                        self._emit(Said(text=f"Worker {self._number + 1} computes on {model.device_name}."))
                return
            except WorkerError:
                if not self.has_died or start == _STARTS:
                    raise

    def compute(self, opened: LoadedCase | UndecidedCase) -> Computed:
        """Segment a case. Its run is a cancelled one when the user wanted to end.

        Raises what the worker reported, WorkerError where it died, CancelledError when nothing was done yet.
        """
        loaded = self._go(opened.deciding()) if isinstance(opened, UndecidedCase) else opened
        assert loaded.case is not None
        name, case = loaded.planned.name, loaded.case
        self._segmenter.use_stack(case.stack)
        if loaded.source is not None:
            case = self._go(steps_of_start(case, loaded.source.start))
        each = self._options.method == "each-slice"
        run = self._each_slice(loaded.planned, case) if each else self._propagate(name, case)
        run.distances = self._options.distances
        trip = self._round_trip(name, run, loaded.source) if self._options.round_trip and not run.cancelled else None
        return Computed(replace(loaded, case=case), run, self._circumstances, trip)

    def _go(self, steps: Steps[R], on_notice: Callable[[str], object] | None = None) -> R:
        return run_steps(self._segmenter, steps, on_notice=on_notice, should_cancel=self._control.should_cancel)

    def _settings(self, case: Case) -> Settings:
        """Boxes are interpolated where a case has several; cases of one prompted slice are tracked all the same."""
        options = self._options
        return Settings(
            fill_hole_area=options.fill_hole_area,
            stop_when_absent=options.early_stop,
            zoom=options.zoom,
            between=options.between if isinstance(case.prompt, PromptSet) else "track",
            clean_up=options.clean_up,
        )

    def _propagate(self, name: str, case: Case) -> Run:
        emit = self._emit
        started = time.monotonic()
        job = self._segmenter.propagate(
            case.prompt,
            self._settings(case),
            lambda event: emit(SliceProgress(case=name, done=event.done, total=event.total)),
            partial(self._say, name),
            self._control.should_cancel,
        )
        seconds = time.monotonic() - started
        return Run(case, job.result, self._files.name, job.device, seconds, job.cancelled, job.notices)

    def _each_slice(self, planned: PlannedCase, case: Case) -> Run:
        name = planned.name
        return prompt_each_slice(
            self._segmenter,
            case,
            planned.prompt.strategy,
            self._files.name,
            lambda done, total: self._emit(SliceProgress(case=name, done=done, total=total)),
            partial(self._say, name),
            self._control.should_cancel,
        )

    def _round_trip(self, name: str, run: Run, source: SeedSource | None) -> float | None:
        steps = self._steps(run, source)
        if steps is None:
            return None
        found = self._go(steps, partial(self._say, name)).dice
        return min((dice for dice in found if dice is not None), default=None)

    def _steps(self, run: Run, source: SeedSource | None) -> Steps[RoundTripFigures] | None:
        """The ways back from a result; None where the prompted slice shows nothing to come back to."""
        case, area = run.case, self._options.fill_hole_area
        if isinstance(case.prompt, SharedSeed):
            assert source is not None
            stored = accepted_masks(source, case.volume.geometry, case.axis.axis)
            return steps_of_shared_seed(case.stack, case.prompt, stored, run.result, area)
        if isinstance(case.prompt, PromptSet):
            return None  # a round trip tells how far one prompted slice carries
        masks = np.stack([mask[case.prompt.slice] for mask in run.result.masks])
        return (
            steps_of_prompt(case.stack, case.prompt, masks, run.result, area) if masks.any(axis=(1, 2)).all() else None
        )

    def _say(self, name: str, text: str) -> None:
        self._emit(Said(case=name, text=text))

    def _device(self, devices: list[str]) -> str:
        """Of several workers each gets a GPU of its own, as far as there are any."""
        wanted = self._options.device
        cards = [device for device in devices if device.startswith("cuda")]
        if self._options.workers > 1 and wanted in ("auto", "cuda") and cards:
            return cards[self._number % len(cards)]
        return wanted
