"""The recipe: stretches of training with clips of one form, for two CPU cores and ten times as large for a GPU."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from training.dataset import Shape

GPU_FACTOR = 16  # clips of a step, beside those of the CPU
GPU_STILL_FACTOR = 8  # still images, likewise: they take the processes that make batches longest
GPU_FRAMES = 8  # of a clip
GPU_LONG_FRAMES, GPU_LONG_SKIPPED, GPU_LARGE_FRAMES = 18, 12, 10  # where there are large clips
GPU_RATE = 1.6  # times the rate: gradients of so many clips are surer
LARGE_EVERY = 2  # steps


@dataclass(frozen=True)
class Stage:
    """One stretch of training with clips of one form.

    size: pixels a side. truth: share of frames remembered by their true mask, first and last step. mean_share and
    positive_weight: see losses.frame_loss. close: share of the clips that are crops around an object. ends: share of
    some objects that are made to end within a clip; few do by themselves within some slices. still: images and objects
    of every other step. frozen: see forward.Pass. skipped: the most frames of a clip that are tracked without learning
    from them. large: clips, objects, frames and size of every other step, so that what is learnt on small frames holds
    on large ones. memory_alone: what answers a prompt stays as it is (graft.ANSWERS), so that prompted slices and
    clicks keep their masks; presence learns. together: every step has clips, still images at the size of the large
    clips, large clips and still images again, so that neither memory nor decoder learns at the other's cost, and two
    processes have about as much to do. large_close: what `close` is for still images and large clips, where it differs.
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
    still: tuple[int, int] | None = None
    close: float = 0.2
    ends: float = 0.5
    frozen: bool = False
    skipped: int = 0
    large: tuple[int, int, int, int] | None = None
    memory_alone: bool = False
    together: bool = False
    large_close: float | None = None

    def shapes(self, step: int) -> tuple[Shape, ...]:
        """What the batches of a step hold."""
        clips = Shape(self.clips, self.objects, self.frames, self.size, self.close, self.ends)
        large_close = self.close if self.large_close is None else self.large_close
        still = self.still and Shape(*self.still, 1, self.size, large_close, self.ends)
        large = self.large and Shape(*self.large, large_close, self.ends)
        if self.together:
            still = still._replace(size=large.size)
            return clips, still, large, still
        if still and step % 2:
            return (still,)
        return (large if large and step % LARGE_EVERY == LARGE_EVERY - 1 else clips,)

    def on(self, device: torch.device) -> Stage:
        """The stage as the device takes it: on a GPU many times the clips, longer ones, and everything learns.

        A step of the last stage then needs about 25 GB of the GPU's memory.
        """
        if device.type == "cpu":
            return self
        frames = self.frames if self.frames == 1 else max(self.frames, GPU_FRAMES)
        more = replace(self, clips=GPU_FACTOR * self.clips, frames=frames, frozen=False, memory_alone=False)
        if self.still is not None:
            more = replace(more, still=(GPU_STILL_FACTOR * self.still[0], self.still[1]))
        if self.large is None:
            return more
        clips, objects, _, size = self.large
        large = (GPU_FACTOR * clips, objects, GPU_LARGE_FRAMES, size)
        longer = {"frames": GPU_LONG_FRAMES, "skipped": GPU_LONG_SKIPPED, "rate": GPU_RATE * self.rate}
        return replace(more, large=large, **longer)


LONG_CLIPS = Stage(
    2000,
    3,
    5,
    12,
    128,
    5e-4,
    (0.2, 0.0),
    0.1,
    1.0,
    close=0.7,
    ends=0.15,
    frozen=True,
    skipped=6,
    large=(1, 4, 8, 256),
)
MEMORY = replace(LONG_CLIPS, rate=6e-4, truth=(0.1, 0.0), close=0.6, ends=0.25, memory_alone=True)
# Still images first, then short clips remembered by their true masks, then longer ones by the model's own masks
# and, in turn with them, still images again; then long ones, then these for the memory alone; in the end all at once.
STAGES = (
    Stage(1800, 10, 5, 1, 128, 3e-3, (1.0, 1.0), 0.5, 3.0),
    Stage(1200, 4, 4, 4, 128, 2e-3, (1.0, 0.3), 0.3, 2.0, still=(10, 5)),
    Stage(500, 2, 3, 6, 256, 1.5e-3, (0.4, 0.3), 0.1, 1.0, still=(4, 5)),
    Stage(1700, 2, 3, 6, 256, 1e-3, (0.3, 0.0), 0.1, 1.0, still=(4, 5)),
    Stage(1000, 2, 3, 6, 256, 1e-3, (0.1, 0.0), 0.1, 1.0, still=(5, 5)),
    LONG_CLIPS,
    MEMORY,
    replace(
        MEMORY,
        frames=14,
        rate=5e-4,
        ends=0.35,
        truth=(0.0, 0.0),  # as in inference; were one mask in twenty true, half of the clips would meet one
        still=(8, 5),
        skipped=8,
        large=(1, 5, 8, 256),
        frozen=False,
        memory_alone=False,
        together=True,
        large_close=0.3,
    ),
)
