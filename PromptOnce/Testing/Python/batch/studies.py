"""Small images in a folder, and a plan to segment them from one prompt."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from worker.disks import disk_frames, disk_prompt
from worker.fake_process import fake_python

from PromptOnceLib.batch.events import Event
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, PromptChoice, Selection
from PromptOnceLib.batch.run_folder.journal import JournalEntry, read_journal
from PromptOnceLib.prompts.prompt import write_prompt

SLICES = 5


def write_image(path: Path, seed: int = 0, slices: int = SLICES) -> Path:
    """A wandering bright disk."""
    return write_array(path, disk_frames(slices=slices, seed=seed))


def write_array(path: Path, array: np.ndarray, vector: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=vector), str(path))
    return path


def write_disk_prompt(path: Path, index: int = 2) -> Path:
    write_prompt(path, disk_prompt(index))
    return path


def file_prompt(folder: Path) -> PromptChoice:
    """A prompt file in a folder, made where it is not there."""
    path = folder / "prompt.json"
    if not path.exists():
        write_disk_prompt(path)
    return PromptChoice(kind="file", name=str(path))


def study(folder: Path, names: Iterable[str] = ("a", "b", "c")) -> BatchPlan:
    """Images of these names in folder/images, and the plan for them."""
    for seed, name in enumerate(names):
        write_image(folder / "images" / f"{name}.nii.gz", seed)
    return make_plan(Selection(source=folder / "images", prompt=file_prompt(folder)))


def quick_options(folder: Path, **changes: object) -> BatchOptions:
    """Options with the worker of worker/fake_process.py, which needs no torch."""
    return BatchOptions.model_validate({"python": fake_python(folder), **changes})


def steps_of(folder: Path) -> list[JournalEntry]:
    return read_journal(folder / "state.jsonl")


def computed(folder: Path) -> list[str]:
    """Cases that went to the worker, each time."""
    return [step.case for step in steps_of(folder) if step.event == "started"]


def segmentation(folder: Path, case: str) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "cases" / case / "segmentation.seg.nrrd")))


class Heard:
    """The events of a run."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.event == kind]


def children(process_id: int) -> list[int]:
    """Processes that a process has started."""
    found: list[int] = []
    for task in Path(f"/proc/{process_id}/task").glob("*"):
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def has_proc() -> bool:
    return Path("/proc/self/task").is_dir()
