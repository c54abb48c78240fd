"""What scheduler, workers and the one who began a run call the same things."""

from __future__ import annotations

import re
from pathlib import Path

from PromptOnceLib.batch.run_folder.leases import LEASES

_RUNNER = "dask-"


def topic_of(run: str) -> str:
    """The topic of a run's events, and the name of the plugin of its engines. run: a name that no other run has."""
    return f"promptonce-{run}"


def runner_of(address: str) -> str:
    """The name of a worker among the runners of a run."""
    return _RUNNER + re.sub(r"\W+", "-", address)


def cancel_file(folder: Path) -> Path:
    """The file that tells the workers to give up the cases under way. folder: of the run."""
    return folder / LEASES / ".cancelled"
