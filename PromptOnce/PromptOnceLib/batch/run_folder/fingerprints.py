"""Whether what a case is made from is still what it was: contents of its files, and its settings.

A file counts as unchanged while its size and time of change are what they were; only otherwise it is read and compared
by SHA-256. So a run can be taken up in seconds even where its images are hundreds of GB on a network drive, and files
that were only copied or touched do not cost their case to be computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PromptOnceLib.batch.planning.plan import BatchOptions, PlannedCase
from PromptOnceLib.errors import InputError
from PromptOnceLib.files.stamp import FileStamp, file_sha256, file_stamp
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.models.registry import ModelFiles, load_registry
from PromptOnceLib.seeds.apply import OLD_STARTS
from PromptOnceLib.segmentation.reference import parse_reference

T = TypeVar("T")

# Fingerprints keep the words of version 0.1, so that its finished cases stay finished.
_START_IN_FINGERPRINTS: dict[object, str] = {new: old for old, new in OLD_STARTS.items()}


def stamp_files(paths: Sequence[Path], earlier: Sequence[FileStamp] = ()) -> tuple[FileStamp, ...]:
    """Stamps of files; a file that has the size and time of the one at its place in `earlier` is not read.

    Raises InputError for a file that cannot be read.
    """
    known = list(earlier) if len(earlier) == len(paths) else []
    return tuple(_stamp(path, known[i] if known else None) for i, path in enumerate(paths))


def input_files(case: PlannedCase) -> list[Path]:
    """All files that decide what comes out of a case, in an order that does not change."""
    files = list(case.files)
    if case.reference is not None:
        files.append(parse_reference(case.reference)[0])
    if case.prompt.kind == "file":
        files.append(Path(case.prompt.name))
    return files


def fingerprint(
    case: PlannedCase,
    stamps: Sequence[FileStamp],
    options: BatchOptions,
    model: str,
    seed: str = "",
    volume: Volume | None = None,
) -> str:
    """SHA-256, in hexadecimal, of everything that decides what comes out of a case.

    model: fingerprint of the model. seed: of the content of the seed that is used. volume: where the case is in memory.
    Where files lie, device, number of workers and software versions do not count: a run can be
    moved and gone on with elsewhere.
    """
    digest = hashlib.sha256()
    labels = None if case.reference is None else parse_reference(case.reference)[1]
    start = _START_IN_FINGERPRINTS.get(options.start, options.start)
    settings = (
        [stamp.sha256 for stamp in stamps],
        (case.prompt.kind, case.prompt.name if case.prompt.kind in ("auto", "reference") else "", seed),
        (case.window, case.axis, case.slice, labels),
        (model, options.precision, options.fill_hole_area, sorted(options.formats), options.round_trip),
        (start, options.by, options.fit) if case.prompt.kind in ("seed", "auto") else (),
        # Only where it is on: finished cases of runs from before there was this option stay finished.
        *(["early stop"] if options.early_stop else []),
        *([("zoom", options.zoom)] if options.zoom != "off" else []),
        *([options.between] if options.between != "track" else []),
        *([("clean-up", options.clean_up)] if options.clean_up != "all" else []),
        *([("strategy", case.prompt.strategy)] if case.prompt.strategy != "paper" else []),
        *([] if case.volume is None else [("volume", case.volume)]),
        *([("modality", case.modality, case.file_window)] if case.modality or case.file_window else []),
        *([("method", options.method)] if options.method != "propagate" else []),
        *(_of_prompts(case, options) if case.prompt.kind == "reference" else ()),
        *(["distances"] if options.distances else []),
    )
    digest.update(repr(settings).encode())
    if volume is not None:
        digest.update(repr((volume.geometry, volume.array.dtype, volume.array.shape, volume.modality)).encode())
        for part in volume.array:
            digest.update(part.tobytes())
    return digest.hexdigest()


def _of_prompts(case: PlannedCase, options: BatchOptions) -> list[object]:
    """What decides how prompts are made of a reference, as far as it is not the usual way."""
    found: list[object] = []
    if options.jitter is not None:
        found.append(("jitter", options.jitter))
    if options.random_seed and (options.jitter is not None or case.prompt.strategy != "paper"):
        found.append(("random seed", options.random_seed))
    if options.position is not None and options.method == "propagate":
        found.append(("position", options.position))
    if options.fewest_pixels > 1 and options.method == "each-slice":
        found.append(("fewest pixels", options.fewest_pixels))
    return found


def model_fingerprint(files: ModelFiles) -> str:
    """What tells a model from another: SHA-256 of its checkpoint, and of its configuration where that is the user's,
    and the size of its input and what it remembers where those are not the usual ones. What is usual may be another
    thing in another version, whose finished cases stay finished.
    """
    checkpoint = files.sha256 or _sha256(files.checkpoint)
    size = "" if files.image_size is None else f" at {files.image_size}"
    registry = load_registry()
    usual = registry.get(files.name).memory if files.name in registry else None
    memory = "" if files.memory == usual else f" remembering {files.memory and files.memory.model_dump_json()}"
    return f"{checkpoint} {_sha256(files.config) if isinstance(files.config, Path) else files.config}{size}{memory}"


def _stamp(path: Path, earlier: FileStamp | None) -> FileStamp:
    return _readable(path, lambda: file_stamp(path, earlier))


def _sha256(path: Path) -> str:
    return _readable(path, lambda: file_sha256(path))


def _readable(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except OSError as error:
        raise InputError(f"{path.name} cannot be opened: {error.strerror or error}.", repr(error)) from error
