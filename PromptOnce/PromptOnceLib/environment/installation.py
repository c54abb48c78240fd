"""The private Python environment of the worker: its folder, and the state it is in.

Everything lies in one folder, so that removing the folder removes the environment:

    promptonce-engine.json   the manifest: that the folder is ours, and how far the installation came
    install.log              output of the installers, the newest at the end
    install.lock             while an installation or a removal runs
    uv/                      the installer uv
    python/                  a Python, where uv had to fetch one
    venv/                    the environment
    cache/, tmp/             while an installation runs, or after one that did not end; several GB
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from PromptOnceLib.errors import EngineError, InputError
from PromptOnceLib.files.atomic import PREFIX, replacing
from PromptOnceLib.files.folders import user_folder
from PromptOnceLib.files.lock import LockedError, exclusive_lock
from PromptOnceLib.files.names import is_file
from PromptOnceLib.resources import resource

FOLDER_VARIABLE = "PROMPTONCE_ENGINE"

TORCH = "torch>=2.5.1"
SAM2 = "sam2==1.1.0"
"""Exact, because the engine calls methods inside sam2 that carry no promise."""


class EnvironmentState(str, Enum):
    """How far an environment came. Only READY ones are used.

    UNFINISHED: cancelled, failed or interrupted. BROKEN: was complete, no longer works. OUTDATED: complete, but made
    for another list of packages than this version of PromptOnce needs.
    """

    ABSENT = "absent"
    UNFINISHED = "unfinished"
    BROKEN = "broken"
    OUTDATED = "outdated"
    READY = "ready"


class InstallManifest(BaseModel):
    """Content of promptonce-engine.json. Fields of other versions of PromptOnce are ignored.

    state "complete" is written only after the test of the environment passed. backend: the build of PyTorch.
    requirements: the packages it was made for. problem: the sentence the last installation or test ended with.
    size_bytes: on disk, 0 where not known.
    """

    state: Literal["unfinished", "broken", "complete"] = "unfinished"
    backend: str = "auto"
    requirements: list[str] = []
    versions: dict[str, str] = {}
    devices: list[str] = []
    size_bytes: int = 0
    problem: str = ""


class Layout:
    """Where things lie in the folder of an environment; the module's docstring says what they are."""

    def __init__(self, folder: Path) -> None:
        windows = sys.platform == "win32"
        self.folder = folder
        self.manifest = folder / "promptonce-engine.json"
        self.log = folder / "install.log"
        self.lock = folder / "install.lock"
        self.uv_folder = folder / "uv"
        # pip's --target has scripts in bin, on Windows too.
        self.uv = self.uv_folder / "bin" / ("uv.exe" if windows else "uv")
        self.pythons = folder / "python"
        self.venv = folder / "venv"
        self.python = self.venv.joinpath("Scripts", "python.exe") if windows else self.venv / "bin" / "python"
        self.cache = folder / "cache"
        self.tmp = folder / "tmp"

    @property
    def made_folders(self) -> tuple[Path, ...]:
        """The folders an installation makes."""
        return self.venv, self.pythons, self.uv_folder, self.cache, self.tmp

    def foreign_files(self) -> list[Path]:
        """What lies in the folder and is not ours; meaningful as long as there is no manifest."""
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if path != self.lock and not path.name.startswith(PREFIX)]


@dataclass(frozen=True)
class EnvironmentStatus:
    """What is there of an environment. sentence: what is wrong and what to do, "" when it is ready."""

    state: EnvironmentState
    layout: Layout
    manifest: InstallManifest | None
    sentence: str

    @property
    def ready(self) -> bool:
        """Whether a worker can be started in it."""
        return self.state is EnvironmentState.READY


def layout(folder: str | Path | None = None) -> Layout:
    """Layout of the environment: in the argument, else PROMPTONCE_ENGINE, else "engine" in the user's data folder."""
    return Layout(user_folder("engine", FOLDER_VARIABLE, folder))


def requirements() -> list[str]:
    """All packages the environment of the worker needs, as pip takes them."""
    return [TORCH, SAM2, *other_requirements()]


def other_requirements() -> list[str]:
    """What the worker needs beside torch and sam2, which are installed in a way of their own."""
    lines = resource("engine-requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def status(folder: str | Path | None = None) -> EnvironmentStatus:
    """Look at what is there, without starting anything: whether it really works only a test shows."""
    place = layout(folder)
    manifest = read_manifest(place)
    if manifest is None:
        return EnvironmentStatus(
            EnvironmentState.ABSENT, place, None, "The engine is not installed on this computer: install it."
        )
    state, sentence = _judge(place, manifest)
    return EnvironmentStatus(state, place, manifest, sentence)


def _judge(place: Layout, manifest: InstallManifest) -> tuple[EnvironmentState, str]:
    if manifest.state == "unfinished":
        reason = f" ({manifest.problem})" if manifest.problem else ""
        return (
            EnvironmentState.UNFINISHED,
            f"The installation of the engine was not finished: repair it, or remove it.{reason}",
        )
    if manifest.state == "broken":
        return EnvironmentState.BROKEN, f"The engine does not work. {manifest.problem}"
    if not place.python.exists():
        return EnvironmentState.BROKEN, "The Python of the engine is gone from this computer: repair the engine."
    missing = [name for name in ("torch", "sam2") if not has_package(place, name)]
    if missing:
        return EnvironmentState.BROKEN, f"The engine has lost {' and '.join(missing)}: repair it."
    if manifest.requirements != requirements():
        return EnvironmentState.OUTDATED, "The engine was made for another version of PromptOnce: repair it."
    return EnvironmentState.READY, ""


def has_package(place: Layout, name: str) -> bool:
    """Whether a distribution is installed in the environment, as far as its files tell."""
    pattern = f"site-packages/{name}-*.dist-info"
    try:
        return any(any(place.venv.glob(f"{library}/{pattern}")) for library in ("lib/python3*", "Lib"))
    except OSError:
        return False


def read_manifest(place: Layout) -> InstallManifest | None:
    """The manifest, or None where there is none; one that cannot be read counts as a broken environment's."""
    try:
        return InstallManifest.model_validate_json(place.manifest.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        if is_file(place.folder):
            return None
        return InstallManifest(state="broken", problem=f"{place.manifest.name} cannot be read: repair it.")


def write_manifest(place: Layout, manifest: InstallManifest) -> None:
    """Replace the manifest; InputError where the folder cannot be written to."""
    with replacing(place.manifest) as temporary:
        temporary.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")


def record_test(place: Layout, problem: str) -> None:
    """Keep the result of testing a finished environment; an unfinished one stays unfinished."""
    manifest = read_manifest(place)
    if manifest is None or manifest.state == "unfinished":
        return
    tested = manifest.model_copy(update={"state": "broken" if problem else "complete", "problem": problem})
    if tested != manifest:
        with suppress(InputError):  # in a folder shared read-only the result cannot be kept
            write_manifest(place, tested)


@contextmanager
def changing(place: Layout) -> Iterator[None]:
    """Make the folder, and keep other programs from installing or removing until the block ends.

    Raises EngineError while another program does, InputError where the folder cannot be made or written to.
    """
    with ExitStack() as held:
        try:
            place.folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(exclusive_lock(place.lock))
        except LockedError as error:
            raise EngineError(
                "The engine is being installed or removed by another window or program: wait until that has ended."
            ) from error
        except OSError as error:
            raise InputError(
                f"The folder {place.folder} cannot be made or written to: choose another one.", str(error)
            ) from error
        yield
