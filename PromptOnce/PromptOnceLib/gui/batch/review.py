"""Reviewing the run of a batch: which case to look at first, its image and result in the views, what became of it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from PromptOnceLib.batch.corrections import CaseCorrection
from PromptOnceLib.batch.planning.plan import PlannedCase
from PromptOnceLib.batch.planning.planned_image import read_planned
from PromptOnceLib.batch.report.run_results import CaseResult, RunResults, read_run
from PromptOnceLib.batch.run_folder.open_run import read_recorded
from PromptOnceLib.batch.run_folder.records import CASES, CORRECTED, CaseRecord, ReviewState, set_review
from PromptOnceLib.errors import InputError, PromptOnceError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.gui.run.target import ResultTarget
from PromptOnceLib.gui.volume import slice_views
from PromptOnceLib.gui.volume.open_case import CurrentCase
from PromptOnceLib.gui.volume.selection import VolumeSelection
from PromptOnceLib.imaging.stack import AXIS_NAMES
from PromptOnceLib.mrml.segmentations.review import CaseNodes

_SHARE_OF_TIME = 20  # a run that grows is read again at most this part of the time


class ReviewController:
    """folder: of the run that is open, None before. cases: of the run, the one to look at first at the top. go_on:
    whether accepting or correcting goes on to the next case. changed: called when another case is shown, and when
    something became of one.
    """

    def __init__(
        self,
        current: CurrentCase,
        choices: SceneChoices,
        selection: VolumeSelection,
        engine: EngineAccess,
        notices: Notices,
        target: ResultTarget,
    ) -> None:
        self._current, self._choices, self._selection = current, choices, selection
        self._engine, self._notices, self._target = engine, notices, target
        self.changed: Signal[[]] = Signal()
        self.folder: Path | None = None
        self.cases: tuple[CaseResult, ...] = ()
        self.go_on = True
        self._name = ""
        self._nodes: CaseNodes | None = None
        self._planned: dict[str, PlannedCase] = {}
        self._read_again_at = 0.0
        current.closing.connect(lambda _case: self.changed())  # the nodes that are shown may go

    def open(self, folder: str | Path) -> None:
        """Open the folder of a run; what is wrong with it is said in the panel."""
        try:
            self._read(Path(folder))
        except PromptOnceError as error:
            self._notices.say("batch", error.message)
            return
        self._notices.say("batch", "")

    def follow(self, folder: Path) -> None:
        """Show a run that is under way, or take in what it has done since, at times."""
        if self.folder is not None and folder != self.folder and self.current:
            return  # somebody reviews another run
        if time.monotonic() < self._read_again_at:
            return
        try:
            self._read(folder)
        except PromptOnceError:
            return  # it has not written its record yet

    def follow_to_the_end(self, folder: Path) -> None:
        """As `follow`, now."""
        self._read_again_at = 0.0
        self.follow(folder)

    @property
    def current(self) -> str:
        """Name of the case in the views; "" where its nodes were removed from the scene."""
        return self._name if self._nodes is not None and self._nodes.there else ""

    @property
    def reviewed(self) -> tuple[int, int]:
        """How many results somebody has accepted or corrected, and how many results there are."""
        done = [case.record for case in self.cases if case.record is not None]
        return sum(record.review.state != "none" for record in done), len(done)

    def case(self, name: str) -> CaseResult | None:
        """A case by its name."""
        return next((case for case in self.cases if case.name == name), None)

    def next_case(self) -> None:
        """Show the first result that nobody has reviewed, but the one that is shown now only as the last of them."""
        waiting = [c.name for c in self.cases if c.record is not None and c.record.review.state == "none"]
        others = [name for name in waiting if name != self.current]
        if not waiting:
            self._notices.say("batch", _("All results are reviewed."))
            return
        self.show((others or waiting)[0])

    def show(self, name: str) -> None:
        """Load image and result of a case, and go to the slice that needs a look."""
        case = self.case(name)
        if case is None:
            return
        if case.record is None:
            self._notices.say("batch", _failure(case))
            return
        if self._choices.node is None:
            return
        if self._engine.working:
            self._notices.say("batch", _("Wait for the run to end, or cancel it; then go on."))
            return
        try:
            nodes = self._load(case, case.record)
        except (PromptOnceError, MemoryError) as error:
            self._notices.say(
                "batch", error.message if isinstance(error, PromptOnceError) else _("The memory is full.")
            )
            return
        notice = self._leave_nodes()
        self._nodes, self._name = nodes, name
        self._show(case.record, nodes)
        self._notices.say("batch", notice)
        self.changed()

    def accept(self) -> None:
        """The result in the views is right."""
        if self._nodes is None or not self._nodes.there:
            self._notices.say("batch", _("Show a case first."))
            return
        try:
            if self._nodes.changed():
                text = _("The segments were changed: press Save correction to keep that, or load the case again.")
                self._notices.say("batch", text)
                return
        except InputError as error:
            self._notices.say("batch", error.message)
            return
        corrected = self._folder_of(self.current) / CORRECTED
        self._review("corrected" if corrected.is_file() else "accepted")

    def save_correction(self) -> None:
        """Keep the segments as they are now beside the original result."""
        if self._nodes is None or not self._nodes.there:
            self._notices.say("batch", _("Show a case first."))
            return
        try:
            correction = CaseCorrection(self._folder_of(self.current))
            self._nodes.save(correction.target)
            correction.note()
        except PromptOnceError as error:
            self._notices.say("batch", error.message)
            return
        self._review("corrected")

    def _read(self, folder: Path) -> None:
        started = time.monotonic()
        run = read_run(folder)
        if folder != self.folder:
            self._planned = {}
        self.folder = folder
        if len(self._planned) != len(run.cases):
            self._planned = {case.name: case for case in read_recorded(folder).plan.cases}
        self._sort(run)
        self._read_again_at = time.monotonic() + _SHARE_OF_TIME * (time.monotonic() - started)
        self.changed()

    def _sort(self, run: RunResults) -> None:
        self.cases = tuple(sorted(run.cases, key=lambda case: -case.urgency))

    def _load(self, case: CaseResult, record: CaseRecord) -> CaseNodes:
        planned = self._planned.get(case.name)
        if planned is None or planned.image is None:
            raise InputError(_("The run does not tell where the image of {name} is.").format(name=case.name))
        corrected = case.folder / CORRECTED
        result = corrected if corrected.is_file() else case.folder / record.files[0]
        return CaseNodes(case.name, read_planned(planned), result)

    def _show(self, record: CaseRecord, nodes: CaseNodes) -> None:
        """In the panel as well: a correction can be prompted and propagated into the result."""
        self._choices.set(axis=record.axis, limitRange=False)
        self._selection.choose_volume(nodes.volume)
        self._choices.set(segmentation=nodes.segmentation)
        if nodes.segment_ids:
            self._target.continue_segment(nodes.segment_ids[0])
        case = self._current.case
        if case is not None:
            index, grid = record.look_first.slice, case.image.grid
            middle = nodes.middle(AXIS_NAMES.index(record.axis), index)
            if middle is not None:
                slice_views.go_to_place(grid, index, *middle)
            slice_views.go_to_slice(grid, index)

    def _leave_nodes(self) -> str:
        """Remove the nodes of the case before, unless they hold what is saved nowhere; a sentence then."""
        nodes, name = self._nodes, self._name
        self._nodes, self._name = None, ""
        if nodes is None or nodes.gone:
            return ""
        try:
            kept = nodes.changed()
        except InputError:
            kept = True
        if kept:
            return _("The changed result of {name} was not saved: it stays in the scene.").format(name=name)
        self._selection.choose_volume(None)
        nodes.remove()
        return ""

    def _folder_of(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / CASES / name

    def _review(self, state: ReviewState) -> None:
        name = self.current
        try:
            record = set_review(self._folder_of(name), state)
        except PromptOnceError as error:
            self._notices.say("batch", error.message)
            return
        self.cases = tuple(replace(c, record=record) if c.name == name else c for c in self.cases)
        self._notices.say("batch", "")
        if self.go_on:
            self.next_case()
        else:
            self.changed()


def _failure(case: CaseResult) -> str:
    if case.failure is not None:
        return f"{case.name}: {case.failure.message}"
    return _("{name} has no result yet.").format(name=case.name)
