"""PyTorch for a development environment: the build for the computer, or the package index's where there is no other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from environment.engine_environments import LINUX
from PromptOnceLib.environment import get_torch as module
from PromptOnceLib.environment.get_torch import get_torch
from PromptOnceLib.environment.platform import Computer
from PromptOnceLib.errors import EngineError

PACKAGE_PARENT = Path(module.__file__).parents[2]


class Commands:
    """Stands for the system: keeps commands, and has those fail that hold a word."""

    def __init__(self, failing: str = "nothing") -> None:
        self.failing, self.run, self.said = failing, list[str](), list[str]()

    def __call__(self, command: Sequence[str]) -> int:
        self.run.append(" ".join(command[2:]))
        return int(self.failing in self.run[-1])


@pytest.fixture
def _without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)


@pytest.mark.usefixtures("_without_torch")
def test_the_build_for_the_computer_is_taken_and_its_size_said_before() -> None:
    for computer, size in ((LINUX, "250 MB"), (Computer("Linux", "x86_64", nvidia=True), "3.0 GB")):
        commands = Commands()
        assert get_torch("torch==2.13.0", computer, commands, commands.said.append) == 0
        assert [line.split()[0] for line in commands.run] == ["pip", "uv"]
        assert "--torch-backend auto torch==2.13.0" in commands.run[1]
        assert len(commands.said) == 1
        assert f"{size} to download" in commands.said[0]


@pytest.mark.usefixtures("_without_torch")
def test_without_a_way_to_pytorchs_server_the_package_indexs_build_is_taken_and_said() -> None:
    for failing in ("--torch-backend", "install --quiet --disable-pip-version-check uv"):
        commands = Commands(failing)
        assert get_torch("torch==2.13.0", LINUX, commands, commands.said.append) == 0
        assert commands.run[-1].endswith("torch==2.13.0")
        assert commands.run[-1].startswith("pip")
        assert "3.0 GB to download" in commands.said[1]


@pytest.mark.usefixtures("_without_torch")
def test_what_fails_for_good_is_passed_on() -> None:
    commands = Commands("install")
    assert get_torch("torch==2.13.0", LINUX, commands, commands.said.append) == 1
    with pytest.raises(EngineError, match="Intel"):
        get_torch("torch==2.13.0", Computer("Darwin", "x86_64"), commands, commands.said.append)


def test_a_torch_that_is_there_is_kept() -> None:
    commands = Commands()
    assert get_torch("torch==2.13.0", LINUX, commands, commands.said.append) == 0
    assert commands.run == []


def test_it_runs_before_any_package_is_installed() -> None:
    command = [sys.executable, "-S", "-c", "import PromptOnceLib.environment.get_torch"]
    subprocess.run(command, env={"PYTHONPATH": str(PACKAGE_PARENT)}, check=True)
