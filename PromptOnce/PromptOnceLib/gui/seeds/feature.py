"""Everything about seeds in the panel, put together."""

from __future__ import annotations

from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.run.propagation import RunController
from PromptOnceLib.gui.seeds.applier import SeedApplier
from PromptOnceLib.gui.seeds.library import LibraryController
from PromptOnceLib.gui.seeds.saver import SeedSaver
from PromptOnceLib.gui.seeds.similarity import SeedSimilarity
from PromptOnceLib.gui.seeds.workflow import SeedWorkflow
from PromptOnceLib.gui.volume.open_case import CurrentCase


class SeedFeature:
    """workflow: what goes on in the worker for seeds alone. library: which seeds there are. similarity: how much alike
    they and the volume are. saver, applier: from a prompt to a seed, and from a seed to masks.
    """

    def __init__(
        self,
        current: CurrentCase,
        engine: EngineAccess,
        notices: Notices,
        preview: PromptPreview,
        runs: RunController,
    ) -> None:
        # In this order: when a case is closed the workflow ends first, and may still save a seed.
        self.workflow = SeedWorkflow(current, engine, notices, preview)
        self.similarity = SeedSimilarity(current, engine)
        self.library = LibraryController(current, engine, notices, self.similarity)
        self.saver = SeedSaver(current, engine, notices, preview, runs, self.library, self.workflow)
        self.applier = SeedApplier(current, notices, preview, runs, self.library, self.workflow)
