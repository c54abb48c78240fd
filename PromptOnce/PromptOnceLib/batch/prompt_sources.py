"""The prompt of every case of a run: from a file, from the case's reference, or from the seed library."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from PromptOnceLib.batch.plan import PlannedCase, PromptChoice
from PromptOnceLib.core.case import Labels, PromptSource
from PromptOnceLib.core.errors import PromptError, SeedError
from PromptOnceLib.core.prompts import read_prompt
from PromptOnceLib.core.seeds.library import Listing, SeedLibrary
from PromptOnceLib.core.seeds.matching import Match, rank
from PromptOnceLib.core.seeds.schema import Seed
from PromptOnceLib.core.seeds.source import SeedSource
from PromptOnceLib.core.stack import parse_axis
from PromptOnceLib.core.volume import Array, Volume

_OF_CONTENT = {"objects", "shape", "orientation", "spacing", "slices", "window"}
"""Fields of a seed that decide what comes out; its name or notes do not."""


class PromptSources:
    """The seed library as it is when a run first looks into it: all cases of the run see the same."""

    def __init__(self, library: SeedLibrary | None = None) -> None:
        self._library = library if library is not None else SeedLibrary()
        self._problems: dict[str, str | None] = {}

    def seed_problem(self, name: str) -> str | None:
        """A sentence where the library has no seed of this name, or several; None where it has one."""
        if name not in self._problems:
            try:
                self._library.get(name)
                self._problems[name] = None
            except SeedError as error:
                self._problems[name] = error.message
        return self._problems[name]

    def named(self, choice: PromptChoice, earlier: str = "") -> Seed | None:
        """The seed a case is to get, known without its image; None for other prompts and where the seed is gone.

        earlier: id of the seed that "auto" gave the case before. It keeps it although a better one may have come since.
        """
        if choice.kind == "seed":
            return self._library.get(choice.name)
        if choice.kind == "auto":
            return next((seed for seed in self._listing.seeds if seed.id == earlier), None)
        return None

    def seed_for(self, planned: PlannedCase, volume: Volume, notify: Callable[[str], None]) -> Seed | None:
        """The seed of a case; None for other prompts. Raises SeedError where there is none that fits."""
        if planned.prompt.kind != "auto":
            return self.named(planned.prompt)
        match = self._best(planned, volume)
        if match is None or not match.usable:
            why = f" ({'; '.join(match.reasons)})" if match is not None else ": it is empty"
            raise SeedError(f"The seed library holds no seed that fits this image{why}. Save a seed for such images.")
        notify(f'The seed "{match.seed.name}" was taken: {", ".join(match.reasons)}.')
        return match.seed

    def _best(self, planned: PlannedCase, volume: Volume) -> Match | None:
        """The best match along the case's axis; where that may be any, a seed of another plane is the next best."""
        first = parse_axis(planned.axis, volume.geometry).axis
        free = planned.axis.strip().lower() == "auto"
        best: Match | None = None
        for axis in (first, *(other for other in range(3) if free and other != first)):
            matches = rank(self._listing.seeds, volume, axis, planned.prompt.name or None)
            if matches and (best is None or matches[0].usable):
                best = matches[0]
            if best is None or best.usable:
                break
        return best

    @cached_property
    def _listing(self) -> Listing:
        return self._library.list()


def prompt_source(planned: PlannedCase, seed: Seed | None, reference: Array | None) -> PromptSource:
    """What `prepare_case` takes. reference: labels on the volume's grid, KJI. Raises PromptError."""
    if seed is not None:
        return SeedSource((seed,), "central" if planned.slice is None else planned.slice)
    if planned.prompt.kind == "file":
        return read_prompt(Path(planned.prompt.name))
    if reference is None:
        raise PromptError("The prompt is to come from the reference, but this case has none.")
    return Labels(reference)


def seed_fingerprint(seed: Seed) -> str:
    """SHA-256 of what a seed does."""
    digest = hashlib.sha256(seed.record.model_dump_json(include=_OF_CONTENT).encode())
    digest.update(seed.frame.tobytes())
    for mask in seed.masks:
        digest.update(mask.tobytes())
    return digest.hexdigest()
