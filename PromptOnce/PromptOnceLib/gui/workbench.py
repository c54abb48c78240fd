"""The module without its panel: every feature made, and given those that it needs.

Only what shows the module, or starts it from elsewhere, imports this: a feature asks for the parts it works with.
"""

from __future__ import annotations

from PromptOnceLib.gui.batch.controller import BatchController
from PromptOnceLib.gui.batch.review import ReviewController
from PromptOnceLib.gui.correct.correcting import CorrectionController
from PromptOnceLib.gui.correct.segment import OpenSegment
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.engine.choice import EngineChoice, OpenTransport
from PromptOnceLib.gui.engine.tasks import EngineTasks
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.parameter_node import SceneChoices
from PromptOnceLib.gui.preferences import Preferences
from PromptOnceLib.gui.prompt.editor import PromptEditor
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.run.comparison import RunComparison
from PromptOnceLib.gui.run.propagation import RunController
from PromptOnceLib.gui.run.target import ResultTarget
from PromptOnceLib.gui.seeds.feature import SeedFeature
from PromptOnceLib.gui.volume.open_case import CurrentCase
from PromptOnceLib.gui.volume.prompted_slice import PromptedSlice
from PromptOnceLib.gui.volume.selection import VolumeSelection
from PromptOnceLib.processes.runner import ProcessRunner


class Workbench:
    """What all features share: notices, choices, the open case, the engine. Then the features, in the order of work.

    A case that is closed is left by them in the order in which they are made here.
    """

    def __init__(self, preferences: Preferences, open_transport: OpenTransport, runner: ProcessRunner) -> None:
        self.notices = Notices()
        self.choices = SceneChoices()
        self.current = CurrentCase()
        self.engine_choice = EngineChoice(preferences)
        self.engine = EngineAccess(self.engine_choice, open_transport, self.notices)
        self.tasks = EngineTasks(self.engine_choice, self.engine, self.notices, runner)

        notices, choices, current, engine = self.notices, self.choices, self.current, self.engine
        self.prompted_slice = PromptedSlice(current, notices)
        self.selection = VolumeSelection(current, choices, notices, engine, self.prompted_slice)
        self.editor = PromptEditor(current, notices, self.prompted_slice)
        self.preview = PromptPreview(current, engine, notices)
        self.target = ResultTarget(current, choices)
        self.runs = RunController(current, choices, engine, notices, self.editor, self.preview, self.target)
        self.comparison = RunComparison(current, choices, engine, notices, self.target)
        self.runs.finished.connect(self.comparison.take)
        self.runs.gone_back.connect(self.comparison.forget)
        segment = OpenSegment(current, choices, engine, self.target)
        self.corrections = CorrectionController(
            current, engine, notices, self.editor, self.preview, segment, self.runs, self.comparison
        )
        self.seeds = SeedFeature(current, engine, notices, self.preview, self.runs)
        self.batches = BatchController(engine, notices)
        engine.used_by(lambda: self.batches.running)
        self.reviews = ReviewController(current, choices, self.selection, engine, notices, self.target)

    def close(self) -> None:
        """End all processes and let go of the scene."""
        self.tasks.cancel()
        self.batches.close()
        self.selection.close()
        self.corrections.segment.removeObservers()
        self.comparison.removeObservers()
        self.prompted_slice.close()
        self.engine.close()
