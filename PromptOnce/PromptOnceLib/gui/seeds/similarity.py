"""How similar the frames of seeds and the volume are: computed in the worker when it has nothing else to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import CancelledError, PromptOnceError
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.seeds.similarity import Comparison

if TYPE_CHECKING:
    from PromptOnceLib.gui.workbench import Workbench


class SeedSimilarity:
    """values: cosine by seed id, empty before it is known; a new dict whenever it changes. comparing: whether it is
    being computed.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.values: dict[str, float] = {}
        self.comparing = False
        self._asked: object = None

    def leave(self) -> None:
        """Another volume is chosen, or the scene goes."""
        self.values, self._asked = {}, None

    def look(self, seeds: Sequence[Seed]) -> None:
        """Have seeds compared with the volume, unless that was done or the worker has something to do.

        One seed alone needs no comparison: there is nothing to decide.
        """
        bench = self._bench
        if len(seeds) < 2 or self.comparing or bench.working or bench.session.busy or bench.image is None:
            return
        question = (bench.image, frozenset(seed.id for seed in seeds), bench.engine.machine.model)
        if question == self._asked or bench.missing() is not None:
            return
        self._asked = question
        try:
            sha256 = bench.engine.files().sha256
            image = bench.fresh_image()
            comparison = Comparison.of(bench.seeding.library, seeds, image.volume, image.axis.axis, sha256)
            bench.prepare(bench.read_prompt())
        except PromptOnceError:
            return  # a help in choosing; what is wrong is said where it is needed

        def take(embeddings: NDArray[np.float32]) -> None:
            self.comparing = False
            if self._asked == question:
                self.values = comparison.take(embeddings)
                bench.seeding.update()
                bench.changed()

        def failed(error: PromptOnceError) -> None:
            self.comparing = False
            if isinstance(error, CancelledError) and self._asked == question:
                self._asked = None  # something more urgent came: ask again when the worker is free

        self.comparing = True
        bench.session.embed((), comparison.frames, take, failed)
        bench.begin_work()
