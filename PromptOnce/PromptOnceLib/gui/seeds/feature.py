"""Everything about seeds in the panel, put together."""

from __future__ import annotations

from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.notices import Notices
from PromptOnceLib.gui.prompt.preview import PromptPreview
from PromptOnceLib.gui.run.propagation import RunController
from PromptOnceLib.gui.seeds.apply import SeedApplier
from PromptOnceLib.gui.seeds.library import LibraryController
from PromptOnceLib.gui.seeds.save import SeedSaver
from PromptOnceLib.gui.seeds.similarity import SeedSimilarity
from PromptOnceLib.gui.seeds.workflows import RoundTrips, StartSearch
from PromptOnceLib.gui.volume.open_case import CurrentCase


class SeedFeature:
    """library: what there is. similarity: how much alike seeds and volume are. trips, search: what goes on in the
    worker for seeds alone. saver, applier: from a prompt to a seed, and from a seed to masks.
    """

    def __init__(
        self,
        current: CurrentCase,
        engine: EngineAccess,
        notices: Notices,
        preview: PromptPreview,
        runs: RunController,
    ) -> None:
        self.similarity = SeedSimilarity(current, engine)
        self.library = LibraryController(current, engine, notices, self.similarity)
        self.search = StartSearch(current, engine, notices, preview)
        self.trips = RoundTrips(current, engine, notices, preview)
        self.saver = SeedSaver(current, engine, notices, preview, runs, self.library, self.trips)
        self.applier = SeedApplier(current, notices, preview, runs, self.library, self.trips, self.search)
