"""A planned case read and made ready for the worker, unless its results are there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PromptOnceLib.batch.fingerprints import FileStamp, fingerprint, input_files, stamp_files
from PromptOnceLib.batch.plan import BatchOptions, PlannedCase
from PromptOnceLib.batch.prompt_sources import PromptSources, prompt_source, seed_fingerprint
from PromptOnceLib.batch.state import Finished
from PromptOnceLib.core.case import Case, prepare_case
from PromptOnceLib.core.errors import OutOfMemoryError
from PromptOnceLib.core.reading import read_volume
from PromptOnceLib.core.references import parse_reference, read_reference
from PromptOnceLib.core.seeds.schema import Seed
from PromptOnceLib.core.volume import Volume


@dataclass(frozen=True, eq=False)
class LoadedCase:
    """A case as the worker gets it.

    case: None where an earlier run has finished it with the same fingerprint. seed: the one that prompts it.
    """

    planned: PlannedCase
    fingerprint: str
    files: tuple[FileStamp, ...]
    case: Case | None
    seed: Seed | None = None


@dataclass(frozen=True, eq=False)
class Loader:
    """Reads the cases of a run; can be used from several threads.

    model: fingerprint of the model. volumes: those in memory, by case. finished: what earlier runs have done.
    """

    options: BatchOptions
    model: str
    sources: PromptSources
    volumes: Mapping[str, Volume]
    finished: Mapping[str, Finished]

    def load(self, planned: PlannedCase) -> LoadedCase:
        """Read a case. Raises PromptOnceError for what cannot be read or does not fit together."""
        try:
            return self._load(planned)
        except MemoryError as error:
            raise OutOfMemoryError(
                "The computer's memory is too small for this image: close other programs or crop the image.",
                repr(error),
            ) from error

    def _load(self, planned: PlannedCase) -> LoadedCase:
        earlier = self.finished.get(planned.name)
        held = self.volumes.get(planned.name)
        files = stamp_files(input_files(planned), earlier.files if earlier is not None else ())
        if earlier is not None:
            seed = self.sources.named(planned.prompt, earlier.seed)
            if earlier.fingerprint == self._fingerprint(planned, files, seed, held):
                return LoadedCase(planned, earlier.fingerprint, files, None, seed)
        volume = held if held is not None else read_volume(_path(planned))
        notices: list[str] = []
        reference = None
        if planned.reference is not None:
            path, labels = parse_reference(planned.reference)
            reference = read_reference(path, volume.geometry, labels, notices.append)
        seed = self.sources.seed_for(planned, volume, notices.append)
        source = prompt_source(planned, seed, reference)
        index = planned.slice if seed is None else None
        case = prepare_case(volume, source, planned.axis, index, planned.window, reference, notices)
        return LoadedCase(planned, self._fingerprint(planned, files, seed, held), files, case, seed)

    def _fingerprint(
        self, planned: PlannedCase, files: tuple[FileStamp, ...], seed: Seed | None, held: Volume | None
    ) -> str:
        content = "" if seed is None else seed_fingerprint(seed)
        return fingerprint(planned, files, self.options, self.model, content, held)


def _path(planned: PlannedCase) -> Path:
    assert planned.image is not None, "a volume in memory was not handed over"
    return planned.image
