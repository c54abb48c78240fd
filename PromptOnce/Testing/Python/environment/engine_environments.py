"""What the tests of the engine's environment share: a runner without processes, and an installation on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PromptOnceLib.environment.install import Installation
from PromptOnceLib.environment.install_plan import InstallPlan, plan_installation
from PromptOnceLib.environment.installation import InstallManifest, Layout, requirements, write_manifest
from PromptOnceLib.environment.platform import Computer
from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.processes.runner import OnEnd, OnOutput

LINUX = Computer("Linux", "x86_64")
TORCH_STEP, SAM2_STEP, TEST_STEP = "Getting PyTorch", "Getting SAM 2", "Testing"


class FakeRunner:
    """Keeps what it was asked to start; the test says what the process writes and how it ends."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.environments: list[Mapping[str, str]] = []
        self.kills = 0
        self._on_output: OnOutput | None = None
        self._on_end: OnEnd | None = None

    def start(self, command: Sequence[str], environment: Mapping[str, str], on_output: OnOutput, on_end: OnEnd) -> None:
        assert self._on_end is None, "a process is running already"
        self.commands.append(tuple(command))
        self.environments.append(environment)
        self._on_output, self._on_end = on_output, on_end

    def kill(self) -> None:
        self.kills += 1
        self._on_output = self._on_end = None

    @property
    def running(self) -> bool:
        return self._on_end is not None

    def write(self, data: bytes) -> None:
        assert self._on_output is not None
        self._on_output(data)

    def end(self, status: int | None = 0) -> None:
        on_end, self._on_end = self._on_end, None
        assert on_end is not None
        on_end(status)


class Installed:
    """An installation on a fake runner, and what it told."""

    def __init__(self, plan: InstallPlan) -> None:
        self.plan, self.place = plan, plan.layout
        self.runner = FakeRunner()
        self.progress: list[tuple[str, float, str]] = []
        self.ends: list[PromptOnceError | None] = []
        self.installation = Installation(plan, self.runner, lambda *told: self.progress.append(told), self.ends.append)

    def start(self) -> Installed:
        self.installation.start()
        return self

    def advance_to(self, index: int) -> Installed:
        """Let the steps before the one with this index succeed."""
        while len(self.runner.commands) <= index:
            self.succeed()
        return self

    def succeed(self) -> None:
        """Let the running step do what it should: pip leaves a dist-info, the test writes a report."""
        title = self.progress[-1][0]
        if title == TORCH_STEP:
            make_venv(self.place, "torch")
        elif title == SAM2_STEP:
            make_venv(self.place, "sam2")
        elif title == TEST_STEP:
            self.runner.write(report_line())
        self.runner.end(0)

    def finish(self) -> Installed:
        """Let all steps succeed."""
        self.advance_to(len(self.plan.steps) - 1)
        self.succeed()
        return self


def engine_plan(folder: Path, **options: Any) -> InstallPlan:
    """A plan for a Linux computer, whatever this one is."""
    options = {"backend": "cpu", "computer": LINUX, "variables": {"PATH": "/bin"}, **options}
    return plan_installation(folder / "engine", **options)


def start_installation(folder: Path, **options: Any) -> Installed:
    return Installed(engine_plan(folder, **options)).start()


def make_venv(place: Layout, *packages: str) -> None:
    """The files of an environment that `status` looks at."""
    place.python.parent.mkdir(parents=True, exist_ok=True)
    place.python.touch(mode=0o755)
    for package in packages:
        site = "Lib/site-packages" if place.python.suffix else "lib/python3.12/site-packages"
        (place.venv / site / f"{package}-1.0.dist-info").mkdir(parents=True, exist_ok=True)


def make_complete(place: Layout, **fields: Any) -> InstallManifest:
    """An environment as a finished installation leaves it."""
    make_venv(place, "torch", "sam2")
    manifest = InstallManifest(state="complete", requirements=requirements(), **fields)
    write_manifest(place, manifest)
    return manifest


def report_line(**fields: Any) -> bytes:
    """What the test process writes when all is well, but for the fields."""
    good = {
        "promptonce_check": 1,
        "python": "3.12.4",
        "machine": "x86_64",
        "executable": "/somewhere/python",
        "versions": {"torch": "2.13.0+cpu", "sam2": "1.1.0"},
        "missing": [],
        "broken": {},
        "devices": [{"name": "cpu", "description": "CPU, 2 threads", "seconds": 0.01, "error": ""}],
        "seconds": 3.1,
        "size_bytes": 1_234_000_000,
    }
    return b"a library said hello\n\n" + json.dumps({**good, **fields}).encode() + b"\n"
