"""What all doors are asked: an image, a library of seeds, and a prompt; and what each of them answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from worker.disks import stack_of

from PromptOnceLib.imaging.stack import slices_along
from PromptOnceLib.imaging.volume import Geometry, Volume
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt, write_prompt
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.seed import Seed

SHAPE = (11, 64, 80)  # k, j, i
SPACING = (1.0, 1.0, 3.0)
DIRECTION = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)  # the identity in RAS


@dataclass(frozen=True, eq=False)
class Question:
    """frames: the image, uint8 in KJI order. seeds: the library. seed: the name of one, "auto", or "" for a box in its
    place. start: where a seed takes over. strategy: or one by which the prompt is taken from the reference, a ring.
    """

    frames: np.ndarray
    seeds: tuple[Seed, ...] = ()
    seed: str = ""
    start: str = "central"
    strategy: str = ""


@dataclass(frozen=True, eq=False)
class Asked:
    """A question as files in a folder, which every door may read. worker: Python of a worker that needs no torch."""

    question: Question
    folder: Path
    worker: Path

    @property
    def image(self) -> Path:
        """A folder with nothing but the image."""
        return self.folder / "images" / "image.nii.gz"

    @property
    def library(self) -> Path:
        return self.folder / "library"

    @property
    def reference(self) -> Path:
        """The ring, beside the folder of the image."""
        return self.folder / "labels" / "image.nii.gz"

    @property
    def prompt(self) -> Path:
        """The box, as a prompt file."""
        return self.folder / "prompt.json"


@dataclass(frozen=True, eq=False)
class Answer:
    """seed: the name of the one that was taken, "" for a box. masks: KJI. notices: what the user is told."""

    seed: str
    axis: str
    slice: int
    masks: np.ndarray
    notices: tuple[str, ...]


def ask(question: Question, folder: Path, worker: Path) -> Asked:
    """Write a question's files."""
    asked = Asked(question, folder, worker)
    for path, array in ((asked.image, question.frames.astype(np.int16)), (asked.reference, ring())):
        path.parent.mkdir()
        image = sitk.GetImageFromArray(array)
        image.SetSpacing(SPACING)
        image.SetDirection(DIRECTION)
        sitk.WriteImage(image, str(path))
    SeedLibrary(asked.library).save_all(question.seeds)
    box = ObjectPrompt(name="disk", box=Box(x0=20, y0=14, x1=52, y1=46))
    write_prompt(asked.prompt, Prompt(axis=0, slice=5, objects=(box,)))
    return asked


def ring() -> np.ndarray:
    """The reference: a ring on every slice, whose centre of mass is no place for a point; uint8, KJI."""
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    distance = np.hypot(x - 40, y - 30)
    return np.repeat(((distance > 8) & (distance < 14))[None], SHAPE[0], axis=0).astype(np.uint8)


def disks(**centres: int) -> np.ndarray:
    """Noise, and bright disks: for each slice, as in k4=36, the column of the centre."""
    frames = np.clip(np.random.default_rng(1).normal(60, 8, SHAPE), 0, 110)
    frames[0, 0, :2] = 0, 255  # the same full range in all images
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    for name, column in centres.items():
        frames[int(name[1:])][np.hypot(x - column, y - 30) < 14] += 120
    return frames.astype(np.uint8)


def seed_of(name: str, frames: np.ndarray, index: int = 5, axis: int = 0) -> Seed:
    """A seed of the brightest on a slice, by full range."""
    slices, rows, columns = frames.shape
    volume = Volume(frames, Geometry((columns, rows, slices), SPACING, direction=DIRECTION))
    stack = replace(stack_of(np.ascontiguousarray(slices_along(frames, axis))), axis=axis)
    mask = stack.frames[index] > 128
    y, x = np.nonzero(mask)
    box = Box(x0=float(x.min()), y0=float(y.min()), x1=float(x.max()), y1=float(y.max()))
    prompt = Prompt(axis=axis, slice=index, objects=(ObjectPrompt(name="disk", box=box),))
    return make_seed(volume, stack, prompt, [mask], name=name, date=dt.date(2026, 1, 31), frame_confirmed=True)
