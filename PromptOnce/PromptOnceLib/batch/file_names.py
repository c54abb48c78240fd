"""What the files of a run's folder are called, beside those of run_folder.records."""

from __future__ import annotations

from pathlib import Path

PLAN = "plan.json"
"""The cases and options; the only file that holds the paths of the images, so only its owner can read it."""
STATE = "state.jsonl"
SUMMARY = "summary.json"
LOCK = ".lock"


def is_run_folder(folder: Path) -> bool:
    """Whether a folder holds a run, finished or not."""
    return (folder / PLAN).is_file()
