"""The state of a run: a file of JSON lines to which every step is appended, and synced to the disk, as it happens."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, ValidationError

from PromptOnceLib.batch.file_names import STATE
from PromptOnceLib.batch.run_folder.records import is_whole
from PromptOnceLib.files.stamp import FileStamp
from PromptOnceLib.schema import StrictModel

StepName = Literal["reading", "read", "started", "writing", "finished", "failed", "worker_died", "set_aside"]


class JournalEntry(StrictModel):
    """One line of the file.

    event: "reading" comes before a case's files are read and "read" after. "writing" comes before a case's folder is
    made and "finished" after; a run that ended in between has finished the case if the folder is there and whole: it
    is made in one go, but disks lose files and people tidy up. attempt: counts from 1 in this run. files: stamps of
    the inputs, seed: id of the seed that was used, both with "writing". code, message: of an error. time: UTC.
    """

    model_config = ConfigDict(extra="ignore")

    case: str
    event: StepName
    attempt: int = 1
    fingerprint: str = ""
    files: tuple[FileStamp, ...] = ()
    seed: str = ""
    code: str = ""
    message: str = ""
    time: str = ""


@dataclass(frozen=True)
class Finished:
    """A case whose results are there: from what they were made."""

    fingerprint: str
    files: tuple[FileStamp, ...]
    seed: str = ""


class Journal:
    """Appends steps; can be used from several threads. Raises OSError where the disk is full or gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file = path.open("ab")
        # A line that a crash cut off must not swallow the next one.
        if self._file.tell() and not path.read_bytes().endswith(b"\n"):
            self._file.write(b"\n")

    def append(self, step: JournalEntry) -> None:
        """Write a line and wait until the disk has it."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        values = step.model_copy(update={"time": now}).model_dump(mode="json", exclude_defaults=True)
        line = json.dumps({"case": step.case, "event": step.event, "attempt": step.attempt} | values)
        with self._lock:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # every line is on the disk already
            self._file.close()


def read_journal(path: Path) -> list[JournalEntry]:
    """All steps so far; lines that a crash left incomplete are passed over."""
    steps = []
    for line in path.read_bytes().splitlines():
        try:
            steps.append(JournalEntry.model_validate_json(line))
        except ValidationError:
            continue
    return steps


def read_journals(folder: Path) -> list[JournalEntry]:
    """All steps of all runners that have worked in a run's folder: of one as they stand, of several by their time."""
    others = sorted(folder.glob(f"{Path(STATE).stem}-*.jsonl"))
    journals = [read_journal(path) for path in (folder / STATE, *others) if path.is_file()]
    steps = [step for journal in journals for step in journal]
    return sorted(steps, key=lambda step: step.time) if len(journals) > 1 else steps


def finished_cases(steps: Iterable[JournalEntry], folder: Path) -> dict[str, Finished]:
    """Cases whose last written results are there and whole. folder: with a folder for every case."""
    found: dict[str, Finished] = {}
    for step in steps:
        if step.event == "writing":
            found[step.case] = Finished(step.fingerprint, step.files, step.seed)
    return {name: finished for name, finished in found.items() if is_whole(folder / name)}


def interrupted_readings(steps: Iterable[JournalEntry]) -> frozenset[str]:
    """Cases during whose reading the program ended: it was killed, or the reader of the image brought it down."""
    last = {step.case: step.event for step in steps if step.event != "set_aside"}
    return frozenset(case for case, event in last.items() if event == "reading")
