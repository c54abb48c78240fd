"""Seeds for the small stack with a disk, made from the disk of another image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.prompts.conditioning import ConditioningFrame, SharedSeed
from PromptOnceLib.prompts.prompt import ObjectPrompt, encode_mask
from worker.disks import disk_frames, disk_prompt


def other_frame(rows: int = 84, columns: int = 92) -> NDArray[np.uint8]:
    """A frame of another image, of another size; the disk lies where disk_prompt(5) has it."""
    return disk_frames(6, rows, columns, seed=7)[5]


def disk_mask(rows: int = 84, columns: int = 92) -> NDArray[np.bool_]:
    """The disk on other_frame."""
    y, x = np.mgrid[:rows, :columns]
    return np.hypot(x - 50, y - 40) < 16


def disk_seed(start: int = 5, by: str = "prompt", frames: int = 1) -> SharedSeed:
    item = disk_prompt(5).objects[0]
    if by == "mask":
        item = ObjectPrompt(name="disk", mask=encode_mask(disk_mask()))
    return SharedSeed((ConditioningFrame(other_frame(), (item,)),) * frames, start, 0)
