"""Put PyTorch into the Python that runs this: the build that fits the computer, as for the private environment.

    PYTHONPATH=PromptOnce .venv/bin/python -m PromptOnceLib.environment.get_torch torch==2.13.0

For `make`: it runs before any other package is installed, so it imports the standard library alone.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Sequence

from PromptOnceLib.environment.platform import Computer, check_computer, estimate, this_computer
from PromptOnceLib.errors import PromptOnceError

Run = Callable[[Sequence[str]], int]

_PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
_UV = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable)


def get_torch(requirement: str, computer: Computer, run: Run, say: Callable[[str], object]) -> int:
    """Install PyTorch where there is none; the exit status of what failed, 0 where nothing did.

    requirement: as pip takes it. run: runs a command and gives its exit status. say: is told what is about to be done
    and how much it downloads. Raises EngineError where PyTorch does not exist for this computer.
    """
    if importlib.util.find_spec("torch") is not None:
        say("PyTorch is there already and is kept.")
        return 0
    check_computer(computer)
    say(f"Getting PyTorch. {estimate('auto', computer).sentence}")
    if run((*_PIP, "uv")) == 0 and run((*_UV, "--torch-backend", "auto", requirement)) == 0:
        return 0
    say(
        "download.pytorch.org has not given PyTorch, so the package index's build is taken. "
        + estimate("pypi", computer).sentence
    )
    return run((*_PIP, requirement))


def _run(command: Sequence[str]) -> int:
    # What uv says where it fails is followed by a way that works, or by what pip says.
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL if command[2] == "uv" else None).returncode


if __name__ == "__main__":
    try:
        sys.exit(get_torch(sys.argv[1], this_computer(), _run, lambda text: print(text, flush=True)))
    except PromptOnceError as error:
        sys.exit(error.message)
