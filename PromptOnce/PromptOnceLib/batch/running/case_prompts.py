"""The prompt of every case of a run: from a file, from the case's reference, or from the seed library."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from PromptOnceLib.batch.planning.plan import BatchOptions, PlannedCase, PromptChoice
from PromptOnceLib.cases.case import Reference
from PromptOnceLib.cases.prompt_source import PromptSource
from PromptOnceLib.errors import PromptError, SeedError
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.prompts.markups_file import read_prompt_file
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.seeds.library import Listing, SeedLibrary
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.segmentation.segment import Labels
from PromptOnceLib.workflows.choose_seed import SeedSearch

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

    def search(self, planned: PlannedCase, volume: Volume) -> SeedSearch:
        """The search for the seed of a case whose prompt is one that suits its image."""
        return SeedSearch(self._library, self._listing, volume, planned.axis, planned.prompt.name)

    @cached_property
    def _listing(self) -> Listing:
        return self._library.list()


def prompt_source(
    planned: PlannedCase,
    seed: Seed | None,
    reference: Reference | None,
    options: BatchOptions,
    notices: tuple[str, ...] = (),
) -> PromptSource:
    """What `prepare_case` takes. reference: as it takes one, too. notices: of choosing the seed.

    Raises PromptError.
    """
    if seed is not None:
        fit = None if options.fit == "auto" else options.fit
        start = options.start if planned.slice is None else planned.slice
        return SeedSource((seed,), start, options.by, fit, notices=notices)
    if planned.prompt.kind == "file":
        return read_prompt_file(Path(planned.prompt.name))
    if reference is None:
        raise PromptError("The prompt is to come from the reference, but this case has none.")
    return _of_reference(reference, planned)


def _of_reference(reference: Reference, planned: PlannedCase) -> PromptSource:
    """The prompt by the choice's strategy: of one object, or of those that labels are given names for."""
    name, strategy = planned.prompt.name or "object", planned.prompt.strategy
    if isinstance(reference, np.ndarray):
        return Labels(reference, name, strategy=strategy)
    from PromptOnceLib.segmentation.object_labels import parse_objects  # loads slowly

    if planned.reference is not None and parse_objects(planned.reference).names:
        return tuple(replace(item, strategy=strategy) for item in reference)
    whole = np.zeros(reference[0].array.shape, np.uint16)
    for number, item in enumerate(reference, start=1):
        whole[item.holding != 0] = number
    return Labels(whole, name, strategy=strategy)


def seed_fingerprint(seed: Seed) -> str:
    """SHA-256 of what a seed does."""
    digest = hashlib.sha256(seed.record.model_dump_json(include=_OF_CONTENT).encode())
    digest.update(seed.frame.tobytes())
    for mask in seed.masks:
        digest.update(mask.tobytes())
    return digest.hexdigest()
