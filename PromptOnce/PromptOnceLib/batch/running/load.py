"""A planned case read and made ready for the worker, unless its results are there already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from PromptOnceLib.batch.planning.plan import BatchOptions, PlannedCase
from PromptOnceLib.batch.planning.planned_image import read_planned
from PromptOnceLib.batch.run_folder.fingerprints import fingerprint, input_files, stamp_files
from PromptOnceLib.batch.run_folder.journal import Finished, StepName
from PromptOnceLib.batch.run_folder.redaction import hide_paths
from PromptOnceLib.batch.running.case_prompts import PromptSources, prompt_source, seed_fingerprint
from PromptOnceLib.batch.running.crash_probe import try_reading
from PromptOnceLib.cases.case import Case, Reference, prepare_case
from PromptOnceLib.errors import OutOfMemoryError
from PromptOnceLib.files.stamp import FileStamp
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.registry import ModelFiles
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.segmentation.object_labels import named_objects
from PromptOnceLib.workflows.choose_seed import SeedSearch
from PromptOnceLib.workflows.steps import Steps

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class LoadedCase:
    """A case as the worker gets it.

    case: None where an earlier run has finished it with the same fingerprint. seed: the one that prompts it; source:
    how it does.
    """

    planned: PlannedCase
    fingerprint: str
    files: tuple[FileStamp, ...]
    case: Case | None
    seed: Seed | None = None
    source: SeedSource | None = None


@dataclass(frozen=True, eq=False)
class UndecidedCase:
    """A case that was read and whose seed is chosen when the worker has compared frames.

    deciding: begins the workflow that chooses the seed and makes the case ready, anew with every call.
    """

    planned: PlannedCase
    deciding: Callable[[], Steps[LoadedCase]]


@dataclass(frozen=True, eq=False)
class _Read:
    """The contents of a case's files. reference: on the volume's grid."""

    planned: PlannedCase
    files: tuple[FileStamp, ...]
    volume: Volume
    reference: Reference | None
    notices: list[str]


@dataclass(frozen=True, eq=False)
class Loader:
    """Reads the cases of a run; can be used from several threads.

    model: fingerprint of the model; files: its own. volumes: those in memory, by case. finished: what earlier runs have
    done. suspects: cases that may bring down who reads them. note: keeps a case's step for later runs.
    """

    options: BatchOptions
    model: str
    files: ModelFiles
    sources: PromptSources
    volumes: Mapping[str, Volume]
    finished: Mapping[str, Finished]
    suspects: Collection[str]
    note: Callable[[str, StepName], None]

    def load(self, planned: PlannedCase) -> LoadedCase | UndecidedCase:
        """Read a case. Raises PromptOnceError for what cannot be read or does not fit together."""
        return _with_memory(lambda: self._load(planned))

    def _load(self, planned: PlannedCase) -> LoadedCase | UndecidedCase:
        earlier = self.finished.get(planned.name)
        files = stamp_files(input_files(planned), earlier.files if earlier is not None else ())
        if earlier is not None:
            seed = self.sources.named(planned.prompt, earlier.seed)
            if earlier.fingerprint == self._fingerprint(planned, files, seed):
                return LoadedCase(planned, earlier.fingerprint, files, None, seed)
        read = self._read(planned, files)
        if planned.prompt.kind != "auto":
            return self._ready(read, self.sources.named(planned.prompt))
        search = self.sources.search(planned, read.volume)
        ranking = search.ranking()
        if len(ranking.usable) > 1:
            return UndecidedCase(planned, lambda: self._deciding(read, search))
        choice = ranking.choice()
        return self._ready(read, choice.seed, choice.notices)

    def _deciding(self, read: _Read, search: SeedSearch) -> Steps[LoadedCase]:
        choice = yield from search.steps_of_choice(self.files)
        return _with_memory(lambda: self._ready(read, choice.seed, choice.notices))

    def _read(self, planned: PlannedCase, files: tuple[FileStamp, ...]) -> _Read:
        if planned.name in self.suspects:
            try_reading(planned)
        self.note(planned.name, "reading")
        held = self.volumes.get(planned.name)
        volume = held if held is not None else read_planned(planned)
        notices = list(planned.notices)
        reference = None
        if planned.reference is not None:
            reference = named_objects(planned.reference, volume.geometry, notices.append)
        self.note(planned.name, "read")
        return _Read(planned, files, volume, reference, notices)

    def _ready(self, read: _Read, seed: Seed | None, of_choice: tuple[str, ...] = ()) -> LoadedCase:
        """of_choice: what the user is told of the choice of the seed."""
        planned = read.planned
        source = prompt_source(planned, seed, read.reference, self.options, read.volume, of_choice)
        index = planned.slice if seed is None and self.options.method == "propagate" else None
        case = prepare_case(read.volume, source, planned.axis, index, planned.window, read.reference, read.notices)
        case = replace(case, notices=tuple(hide_paths(notice, planned) for notice in case.notices))
        seeds = source if isinstance(source, SeedSource) else None
        return LoadedCase(planned, self._fingerprint(planned, read.files, seed), read.files, case, seed, seeds)

    def _fingerprint(self, planned: PlannedCase, files: tuple[FileStamp, ...], seed: Seed | None) -> str:
        content = "" if seed is None else seed_fingerprint(seed)
        held = self.volumes.get(planned.name)
        return fingerprint(planned, files, self.options, self.model, content, held)


def _with_memory(work: Callable[[], T]) -> T:
    try:
        return work()
    except MemoryError as error:
        raise OutOfMemoryError(
            "The computer's memory is too small for this image: close other programs or crop the image.", repr(error)
        ) from error
