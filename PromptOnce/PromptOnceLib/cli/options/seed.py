"""Seeds as the command line takes them: the library, the scanner, and which seeds are put before an image how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import ValidationError

from PromptOnceLib.cases.case import Case
from PromptOnceLib.cli import completed_names
from PromptOnceLib.cli.options.common import grouped
from PromptOnceLib.cli.worker_session import WorkerSession
from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.scanner import Scanner
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.seeds.apply import OLD_STARTS, Searched, SeedSource, Start
from PromptOnceLib.seeds.fit import DEFAULT_FIT, By, Fit
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.worker.requests import Settings
from PromptOnceLib.workflows.choose_seed import SeedSearch
from PromptOnceLib.workflows.start_slice import steps_of_start

SCANNER_KEYS = ("name", *Scanner.model_fields)

SEARCHED = get_args(Searched)
_LONGEST_NUMBER = 9  # digits of a slice


class _StartSlice(click.ParamType):  # type: ignore[type-arg]
    name = "central|similar|confident|K"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Start:
        value = OLD_STARTS.get(value, value)
        if value in ("central", *SEARCHED) or isinstance(value, int):
            return value  # type: ignore[no-any-return]
        if not (str(value).isdecimal() and len(str(value)) <= _LONGEST_NUMBER):
            self.fail(f"{str(value)[:40]!r} is not central, similar, confident or a slice's number.", param, ctx)
        return int(value)


class _ScannerPair(click.ParamType):  # type: ignore[type-arg]
    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if not equals or key not in SCANNER_KEYS:
            self.fail(f"{value!r} is not KEY=VALUE with a key among {', '.join(SCANNER_KEYS)}.", param, ctx)
        return key, text


library_option = click.option(
    "--library",
    "library_folder",
    type=click.Path(path_type=Path),
    is_eager=True,
    help="Folder of the seed library [default: PROMPTONCE_LIBRARY, or one in the user's data folder].",
)
scanner_option = click.option(
    "--scanner",
    type=_ScannerPair(),
    multiple=True,
    help=f"What the image does not say about its scanner, one or more; keys: {', '.join(SCANNER_KEYS)}. name is "
    "your own name for the scanner.",
)
seed_option = click.option(
    "--seed",
    "seeds",
    metavar="NAME|auto",
    multiple=True,
    shell_complete=completed_names.seeds,
    help="A seed of the library; auto takes the one that fits best.",
)
by_option = click.option(
    "--by",
    type=click.Choice(["prompt", "mask"]),
    default="prompt",
    show_default=True,
    help="Whether a seed prompts by its box and points or by its accepted mask.",
)
fit_option = click.option(
    "--fit",
    type=click.Choice(["stretch", "millimetres"]),
    default=DEFAULT_FIT,
    show_default=True,
    help="How a seed's frame is fitted to the image: as it is, or cropped or padded to the same field of view.",
)
fit_options = (by_option, fit_option)


@dataclass(frozen=True)
class SeedOptions:
    """Which seeds are put before an image, and how."""

    seeds: tuple[str, ...]
    start: Start
    by: By
    fit: Fit
    target: str | None
    scanner: tuple[tuple[str, str], ...]
    library_folder: Path | None

    def check(self, slice_index: int | None) -> None:
        """Raise InputError for options that contradict each other; slice_index: what --slice says."""
        usual = ("central", "prompt", DEFAULT_FIT)
        if not self.seeds and (self.target is not None or (self.start, self.by, self.fit) != usual):
            raise InputError("--start, --by, --fit and --target go with --seed.")
        if self.seeds and slice_index is not None and self.start != "central":
            raise InputError("--slice and --start both say where the seed is to start: give one of them.")
        if any(name.lower() == "auto" for name in self.seeds):
            if len(self.seeds) > 1:
                raise InputError("--seed auto chooses one seed: name no others beside it.")
        elif self.target is not None:
            raise InputError("--target goes with --seed auto.")

    def source(self, work: WorkerSession, volume: Volume, axis: str) -> SeedSource:
        """The seeds for a volume. Raises SeedError."""
        library = SeedLibrary(self.library_folder)
        if self.seeds[0].lower() != "auto":
            seeds = tuple(library.get(name) for name in self.seeds)
            return SeedSource(seeds, self.start, self.by, self.fit)
        search = seed_search(library, volume, axis, self.target, self.scanner)
        choice = work.go(search.steps_of_choice(work.files), "Comparing", "frame")
        return SeedSource((choice.seed,), self.start, self.by, self.fit, notices=choice.notices)


start_option = click.option(
    "--start",
    type=_StartSlice(),
    default="central",
    show_default=True,
    help="Slice where a seed takes over: central, as in the papers; similar, the one most similar to the seed's "
    "frame; confident, the one where the model, directly after the seed, is most confident that it sees the object "
    "(try it if central finds nothing); or slice K. A search stays within the range.",
)
target_option = click.option("--target", help="With --seed auto: only seeds that mark this.")

seed_options = grouped(
    "seed",
    SeedOptions,
    [
        seed_option,
        start_option,
        *fit_options,
        target_option,
        scanner_option,
        library_option,
    ],
)


def seed_search(
    library: SeedLibrary, volume: Volume, axis: str, target: str | None, scanner: Sequence[tuple[str, str]]
) -> SeedSearch:
    """Which seed of the library suits a volume, as the options describe it."""
    return SeedSearch(library, library.list(), volume, axis, target, dict(scanner).get("name", ""))


def with_scanner(volume: Volume, pairs: Sequence[tuple[str, str]]) -> Volume:
    """The volume with what the user says about its scanner. Raises InputError."""
    tags: dict[str, Any] = {key: value for key, value in pairs if key != "name"}
    if not tags:
        return volume
    if "modality" in tags:
        tags["modality"] = tags["modality"].upper()
    known = {} if volume.scanner is None else volume.scanner.model_dump()
    try:
        scanner = Scanner.model_validate({**known, **tags})
    except ValidationError as error:
        raise InputError("--scanner: slice_thickness is a number of mm.", repr(error)) from error
    return replace(volume, scanner=scanner, modality=tags.get("modality", volume.modality))


def start_searched(work: WorkerSession, case: Case, start: Start, settings: Settings) -> Case:
    """The case with its seed on the slice where it starts, searched for where the user said so.

    settings: of the propagation; nothing outside of their range is looked at. Raises InputError where there is no such
    range.
    """
    within = settings.within(len(case.stack.frames))
    return work.go(steps_of_start(case, start, within), "Comparing" if start == "similar" else "Looking")
