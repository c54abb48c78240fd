"""The private Python environment of the worker: its folder, and the state it is in.

Everything lies in one folder, so that removing the folder removes the environment:

    promptonce-engine.json   the note: that the folder is ours, and how far the installation came
    install.log              what the installers said
    uv/                      the installer uv
    python/                  a Python, where uv had to fetch one
    venv/                    the environment
    cache/, tmp/             while an installation runs, or after one that did not end
    install.lock             while an installation or a removal runs
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, ValidationError

from PromptOnceLib.errors import InputError
from PromptOnceLib.files.atomic import PREFIX, replacing
from PromptOnceLib.resources import resource

FOLDER_VARIABLE = "PROMPTONCE_ENGINE"

TORCH = "torch>=2.5.1"
SAM2 = "sam2==1.1.0"
"""Exact, because the engine calls methods inside sam2 that carry no promise."""


class State(str, Enum):
    """How far an environment came. Only READY ones are used.

    UNFINISHED: cancelled, failed or interrupted. BROKEN: was complete, no longer works. OUTDATED: complete, but made
    for another list of packages than this version of PromptOnce needs.
    """

    ABSENT = "absent"
    UNFINISHED = "unfinished"
    BROKEN = "broken"
    OUTDATED = "outdated"
    READY = "ready"


class Note(BaseModel):
    """Content of promptonce-engine.json.

    state "complete" is written only after the test of the environment passed. requirements: the packages it was made
    for. problem: the sentence the last installation or test ended with. size_bytes: on disk, 0 where not known.
    """

    state: Literal["unfinished", "broken", "complete"] = "unfinished"
    method: str = "uv"
    backend: str = "auto"
    requirements: list[str] = []
    versions: dict[str, str] = {}
    devices: list[str] = []
    size_bytes: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Layout:
    """Where things lie in the folder of an environment."""

    folder: Path

    @property
    def note(self) -> Path:
        """The note; a folder without one is not ours and is never removed."""
        return self.folder / "promptonce-engine.json"

    @property
    def log(self) -> Path:
        """What the installers said, the newest at the end."""
        return self.folder / "install.log"

    @property
    def lock(self) -> Path:
        """Held while an installation or a removal runs."""
        return self.folder / "install.lock"

    @property
    def uv_folder(self) -> Path:
        """Where pip puts uv."""
        return self.folder / "uv"

    @property
    def uv(self) -> Path:
        """The program uv: pip's --target has scripts in bin, on Windows too."""
        return self.uv_folder / "bin" / ("uv.exe" if sys.platform == "win32" else "uv")

    @property
    def pythons(self) -> Path:
        """Where uv keeps a Python it fetched."""
        return self.folder / "python"

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.folder / "venv"

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.venv.joinpath("Scripts", "python.exe") if sys.platform == "win32" else self.venv / "bin" / "python"

    @property
    def cache(self) -> Path:
        """Downloads of an installation under way; kept after one that failed, so that the next one is quicker."""
        return self.folder / "cache"

    @property
    def tmp(self) -> Path:
        """Temporary files of the installers: several GB, for which the system's own folder may be too small."""
        return self.folder / "tmp"

    def strangers(self) -> list[Path]:
        """What lies in the folder and is not ours; meaningful as long as there is no note."""
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if path != self.lock and not path.name.startswith(PREFIX)]

    def parts(self) -> tuple[Path, ...]:
        """The folders an installation makes. The note, the log and the lock are not among them."""
        return self.venv, self.pythons, self.uv_folder, self.cache, self.tmp


@dataclass(frozen=True)
class EnvironmentStatus:
    """What is there of an environment. sentence: what is wrong and what to do, "" when it is ready."""

    state: State
    layout: Layout
    note: Note | None
    sentence: str

    @property
    def ready(self) -> bool:
        """Whether a worker can be started in it."""
        return self.state is State.READY


def layout(folder: str | Path | None = None) -> Layout:
    """Layout of the environment: in the argument, else PROMPTONCE_ENGINE, else "engine" in the user's data folder."""
    chosen = folder or os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Layout(Path(chosen).expanduser().absolute())
    return Layout(Path(platformdirs.user_data_dir("PromptOnce", appauthor=False)) / "engine")


def requirements() -> list[str]:
    """All packages the environment of the worker needs, as pip takes them."""
    return [TORCH, SAM2, *other_requirements()]


def other_requirements() -> list[str]:
    """What the worker needs beside torch and sam2, which are installed in a way of their own."""
    lines = resource("engine-requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def status(folder: str | Path | None = None) -> EnvironmentStatus:
    """Look at what is there, without starting anything: whether it really works only a test tells."""
    place = layout(folder)
    note = read_note(place)
    if note is None:
        return EnvironmentStatus(State.ABSENT, place, None, "The engine is not installed on this computer: install it.")
    state, sentence = _judge(place, note)
    return EnvironmentStatus(state, place, note, sentence)


def _judge(place: Layout, note: Note) -> tuple[State, str]:
    if note.state == "unfinished":
        reason = f" ({note.problem})" if note.problem else ""
        return State.UNFINISHED, f"The installation of the engine was not finished: repair it, or remove it.{reason}"
    if note.state == "broken":
        return State.BROKEN, f"The engine does not work. {note.problem}"
    if not place.python.exists():
        return State.BROKEN, "The Python of the engine is gone from this computer: repair the engine."
    missing = [name for name in ("torch", "sam2") if not has_package(place, name)]
    if missing:
        return State.BROKEN, f"The engine has lost {' and '.join(missing)}: repair it."
    if note.requirements != requirements():
        return State.OUTDATED, "The engine was made for another version of PromptOnce: repair it."
    return State.READY, ""


def has_package(place: Layout, name: str) -> bool:
    """Whether a distribution is installed in the environment, as far as its files tell."""
    pattern = f"site-packages/{name}-*.dist-info"
    return any(any(place.venv.glob(f"{library}/{pattern}")) for library in ("lib/python3*", "Lib"))


def read_note(place: Layout) -> Note | None:
    """The note, or None where there is none; one that cannot be read counts as a broken environment's."""
    try:
        return Note.model_validate_json(place.note.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        return None if place.folder.is_file() else Note(state="broken", problem="Its note cannot be read: repair it.")


def write_note(place: Layout, note: Note) -> None:
    """Replace the note; InputError where the folder cannot be written to."""
    with replacing(place.note) as temporary:
        temporary.write_text(note.model_dump_json(indent=1), encoding="utf-8")


def record_test(place: Layout, problem: str) -> None:
    """Keep what a test of a finished environment found; an unfinished one stays unfinished."""
    note = read_note(place)
    if note is None or note.state == "unfinished":
        return
    found = note.model_copy(update={"state": "broken" if problem else "complete", "problem": problem})
    if found != note:
        with suppress(InputError):  # in a folder shared read-only the result cannot be kept
            write_note(place, found)
