"""The prompt of every case of a run: from a file, from the case's reference, or from the seed library."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from PromptOnceLib.batch.planning.plan import BatchOptions, PlannedCase, PromptChoice
from PromptOnceLib.cases.case import Labels, PromptSource
from PromptOnceLib.errors import PromptError, SeedError
from PromptOnceLib.imaging.stack import parse_axis
from PromptOnceLib.imaging.volume import Array, Volume
from PromptOnceLib.prompts.prompt import read_prompt
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.seeds.library import Listing, SeedLibrary
from PromptOnceLib.seeds.matching import Match, rank
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.seeds.similarity import Comparison

_OF_CONTENT = {"objects", "shape", "orientation", "spacing", "slices", "window"}
"""Fields of a seed that decide what comes out; its name or notes do not."""


class PromptSources:
    """The seed library as it is when a run first looks into it: all cases of the run see the same.

    Can be used from several threads.
    """

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

    def comparison(self, planned: PlannedCase, volume: Volume, model_sha256: str | None) -> Comparison | None:
        """The frames whose similarity helps to choose a seed for a case; None where there is nothing to choose.

        model_sha256: of the checkpoint that describes the frames, None where it is not known.
        """
        if planned.prompt.kind != "auto":
            return None
        axis, matches = self._ranked(planned, volume)
        usable = [match.seed for match in matches if match.usable]
        return Comparison.of(self._library, usable, volume, axis, model_sha256) if len(usable) > 1 else None

    def seed_for(
        self,
        planned: PlannedCase,
        volume: Volume,
        notify: Callable[[str], None],
        similarity: Mapping[str, float] | None = None,
    ) -> Seed | None:
        """The seed of a case; None for other prompts. similarity: of the seeds' frames, by seed id, where it is known.

        Raises SeedError where there is none that fits.
        """
        if planned.prompt.kind != "auto":
            return self.named(planned.prompt)
        _, matches = self._ranked(planned, volume, similarity)
        if not matches or not matches[0].usable:
            why = f" ({'; '.join(matches[0].reasons)})" if matches else ": it is empty"
            raise SeedError(f"The seed library holds no seed that fits this image{why}. Save a seed for such images.")
        notify(f'The seed "{matches[0].seed.name}" was taken: {", ".join(matches[0].reasons)}.')
        return matches[0].seed

    def _ranked(
        self, planned: PlannedCase, volume: Volume, similarity: Mapping[str, float] | None = None
    ) -> tuple[int, list[Match]]:
        """The seeds along the case's axis, and that; where it may be any, along the first that a seed can be used for.

        Where no seed can be used at all, those along the case's own axis, for the reasons.
        """
        first = parse_axis(planned.axis, volume.geometry).axis
        free = planned.axis.strip().lower() == "auto"
        ranked = []
        for axis in (first, *(other for other in range(3) if free and other != first)):
            matches = rank(self._listing.seeds, volume, axis, planned.prompt.name or None, similarity=similarity)
            if matches and matches[0].usable:
                return axis, matches
            ranked.append((axis, matches))
        return ranked[0]

    @cached_property
    def _listing(self) -> Listing:
        return self._library.list()


def prompt_source(
    planned: PlannedCase, seed: Seed | None, reference: Array | None, options: BatchOptions
) -> PromptSource:
    """What `prepare_case` takes. reference: labels on the volume's grid, KJI. Raises PromptError."""
    if seed is not None:
        # What is searched for is found later.
        start: int | Literal["central"] = "central" if isinstance(options.start, str) else options.start
        fit = None if options.fit == "auto" else options.fit
        return SeedSource((seed,), start if planned.slice is None else planned.slice, options.by, fit)
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
