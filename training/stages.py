"""The recipe: stretches of training with clips of one form, for two CPU cores and ten times as large for a GPU."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

GPU_FACTOR = 8  # clips and still images of a step, beside those of the CPU
GPU_FRAMES = 8  # of a clip


@dataclass(frozen=True)
class Stage:
    """One stretch of training with clips of one form.

    size: pixels a side. truth: share of frames remembered by their true mask, first and last step. mean_share and
    positive_weight: see losses.frame_loss.
    """

    steps: int
    clips: int
    objects: int
    frames: int
    size: int
    rate: float
    truth: tuple[float, float]
    mean_share: float
    positive_weight: float
    still: tuple[int, int] | None = None  # every other step has so many still images with so many objects each

    def shape(self, step: int) -> tuple[int, int, int, int]:
        """(clips, objects, frames, size) of the batch of a step."""
        if self.still is not None and step % 2:
            return (*self.still, 1, self.size)
        return (self.clips, self.objects, self.frames, self.size)

    def on(self, device: torch.device) -> Stage:
        """The stage as the device takes it: on a GPU with ten times the frames a step, 8 times the clips, longer ones.

        A step of the last stage at 256 pixels then needs about 16 GB of the GPU's memory.
        """
        if device.type == "cpu":
            return self
        still = None if self.still is None else (GPU_FACTOR * self.still[0], self.still[1])
        frames = self.frames if self.frames == 1 else GPU_FRAMES
        return replace(self, clips=GPU_FACTOR * self.clips, frames=frames, still=still)


# Still images first, then short clips remembered by their true masks, then longer ones by the model's own masks
# and, in turn with them, still images again.
STAGES = (
    Stage(1800, 10, 5, 1, 128, 3e-3, (1.0, 1.0), 0.5, 3.0),
    Stage(1200, 4, 4, 4, 128, 2e-3, (1.0, 0.3), 0.3, 2.0, still=(10, 5)),
    Stage(500, 2, 3, 6, 256, 1.5e-3, (0.4, 0.3), 0.1, 1.0, still=(4, 5)),
    Stage(1700, 2, 3, 6, 256, 1e-3, (0.3, 0.0), 0.1, 1.0, still=(4, 5)),
    Stage(1000, 2, 3, 6, 256, 1e-3, (0.1, 0.0), 0.1, 1.0, still=(5, 5)),
)
