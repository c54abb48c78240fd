"""How similar the frames of seeds and the volume are: computed in the worker when it has nothing else to do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.gui.engine.access import EngineAccess
from PromptOnceLib.gui.qt.signal import Signal
from PromptOnceLib.gui.volume.open_case import CurrentCase, OpenCase
from PromptOnceLib.workflows.choose_seed import SeedSearch


class SeedSimilarity:
    """values: cosine by seed id, empty before it is known; a new dict whenever it changes. comparing: whether it is
    being computed. changed: called when there are other values.
    """

    def __init__(self, current: CurrentCase, engine: EngineAccess) -> None:
        self._current, self._engine = current, engine
        self.changed: Signal[[]] = Signal()
        self.values: dict[str, float] = {}
        self.comparing = False
        self._asked: object = None
        current.closing.connect(self._leave)

    def look(self, search: SeedSearch) -> None:
        """Have the seeds that can be used compared with the volume, unless that was done or the worker is busy.

        One seed alone needs no comparison: there is nothing to decide.
        """
        case, engine = self._current.case, self._engine
        session = engine.session
        if self.comparing or engine.working or session.busy or case is None:
            return
        usable = search.ranking().usable
        question = (case.image, frozenset(seed.id for seed in usable), engine.preferences.model)
        if len(usable) < 2 or question == self._asked or engine.missing() is not None:
            return
        self._asked = question
        try:
            comparison = search.comparison(engine.files())
            prompt = case.prompt
            engine.prepare(case.framed(prompt).stack, case.objects.seed if prompt is None else prompt.slice)
        except PromptOnceError:
            return  # a help in choosing; what is wrong is said where it is needed
        if comparison is None:
            return

        def take(embeddings: NDArray[np.float32]) -> None:
            self.comparing = False
            if self._asked == question:
                self.values = comparison.take(embeddings)
                self.changed()

        def failed(error: PromptOnceError) -> None:
            self.comparing = False
            if isinstance(error, CancelledError) and self._asked == question:
                self._asked = None  # something more urgent came: ask again when the worker is free

        self.comparing = True
        session.embed((), comparison.frames, take, failed)
        engine.begin_work()

    def _leave(self, _case: OpenCase) -> None:
        self.values, self._asked = {}, None
