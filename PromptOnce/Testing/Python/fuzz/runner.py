"""Feeds inputs to a reader in a child process, so that a hang or a crash is found, named, and passed over."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import random
import resource
import shutil
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

Attempt = Callable[[random.Random, Path], bool]
"""Makes one input in an empty folder and has it read: whether it was accepted. Errors for users count as a refusal."""

SECONDS = 60.0
PREPARATION_SECONDS = 600.0
MOST_MEMORY = 6 * 2**30
LOG = "log.txt"
"""What libraries said, and where an input hung."""


class WrongError(Exception):
    """An input was accepted that should not have been, or was understood wrongly."""


@dataclass(frozen=True)
class Finding:
    """What is wrong with the reader; the input can be made again from its number, and lies in `folder`."""

    kind: str
    number: int
    what: str
    detail: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.kind} {self.number}: {self.what}: {self.detail} ({self.folder})"


@dataclass
class Tally:
    """What became of the inputs of a kind."""

    kind: str
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        counts = self.counts
        wrong = ", ".join(f"{counts[what]} {what}" for what in ("crash", "hang", "uncaught", "wrong"))
        return f"{self.kind}: {counts.total()} inputs, {counts['read']} read, {counts['refused']} refused, {wrong}"


def fuzz(
    kind: str,
    prepare: Callable[[Path], Attempt],
    numbers: range,
    folder: Path,
    seed: int = 0,
    seconds: float = SECONDS,
) -> Tally:
    """Try the inputs of these numbers. prepare: called in the child with a folder for samples; gives what tries one.

    seconds: that an input may take. folder: where inputs lie while they are read, and stay where something is wrong.
    """
    tally = Tally(kind)
    context = multiprocessing.get_context("fork")
    left = numbers
    while left:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_try_all, args=(theirs, kind, prepare, left, folder, seed, seconds))
        child.start()
        theirs.close()
        done = _hear(ours, tally, left, folder, seconds)
        child.kill()
        child.join()
        ours.close()
        left = left[done:]
    return tally


def _hear(ours: Connection, tally: Tally, numbers: range, folder: Path, seconds: float) -> int:
    """Take in what a child says until it is done, hangs or dies; how many of the inputs are dealt with."""
    what, detail = _next(ours, PREPARATION_SECONDS)
    assert what == "ready", f"{tally.kind}: no samples ({what})"
    for done, number in enumerate(numbers):
        what, detail = _next(ours, seconds)
        tally.counts[what] += 1
        if what not in ("read", "refused"):
            kept = folder / f"{tally.kind}-{number}"
            tally.findings.append(Finding(tally.kind, number, what, detail, kept))
        if what in ("hang", "crash"):
            return done + 1
    return len(numbers)


def _next(ours: Connection, seconds: float) -> tuple[str, str]:
    """What a child says next, or what it suffers instead."""
    try:
        said: tuple[str, str] = ours.recv() if ours.poll(seconds) else ("hang", f"longer than {seconds:g} s")
    except EOFError:
        said = "crash", "the process died"
    return said


def _try_all(
    theirs: Connection,
    kind: str,
    prepare: Callable[[Path], Attempt],
    numbers: range,
    folder: Path,
    seed: int,
    seconds: float,
) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    samples = folder / f"{kind}-samples"
    shutil.rmtree(samples, ignore_errors=True)
    samples.mkdir(parents=True)
    attempt = prepare(samples)
    theirs.send(("ready", ""))
    with (folder / LOG).open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 2)  # what libraries in C say
        for number in numbers:
            case = folder / f"{kind}-{number}"
            shutil.rmtree(case, ignore_errors=True)
            case.mkdir()
            faulthandler.dump_traceback_later(seconds * 0.9, file=log)
            said = _try(attempt, random.Random(f"{seed}/{kind}/{number}"), case)
            faulthandler.cancel_dump_traceback_later()
            if said[0] in ("read", "refused"):
                shutil.rmtree(case, ignore_errors=True)
            theirs.send(said)


def _try(attempt: Attempt, rng: random.Random, folder: Path) -> tuple[str, str]:
    try:
        return ("read" if attempt(rng, folder) else "refused"), ""
    except WrongError as error:
        return "wrong", str(error)
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-3:]
        where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(place))
        return "uncaught", f"{type(error).__name__}: {str(error)[:200]} at {where}"
