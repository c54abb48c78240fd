"""What is learned from: masks of objects on slices, with boxes around them and the slices' image features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from PromptOnceLib.engine.stores.feature_store import FeatureStore
from PromptOnceLib.engine.tracker import Features, Tracker
from PromptOnceLib.errors import TrainingError
from PromptOnceLib.models.model_card import Role
from PromptOnceLib.prompts.from_mask import tight_box
from PromptOnceLib.prompts.prompt import Box


@dataclass(frozen=True, eq=False)
class CaseSlices:
    """The slices of one case.

    frames: uint8 (n, rows, columns). masks: as bits, uint8 (m, rows, columns / 8 rounded up), one object each.
    slices: the frame of each mask.
    """

    frames: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    slices: tuple[int, ...]
    role: Role


@dataclass(frozen=True, eq=False)
class TrainingMask:
    """One object on one slice. case, index: which mask of which case. box: the smallest around it, in slice pixels."""

    case: int
    index: int
    box: Box

    def jittered(self, rng: np.random.Generator, share: float, shape: tuple[int, int]) -> Box:
        """A box as a person might draw it: each side moved by up to `share` of the box's extent, within the slice.

        shape: (rows, columns).
        """
        box, (rows, columns) = self.box, shape
        left, right, top, bottom = rng.uniform(-share, share, 4)
        width, height = box.x1 - box.x0, box.y1 - box.y0
        x0, x1 = np.clip([box.x0 + left * width, box.x1 + right * width], 0, columns)
        y0, y1 = np.clip([box.y0 + top * height, box.y1 + bottom * height], 0, rows)
        # Half the extent is the largest share: the sides of a small box may meet.
        return Box(x0=float(x0), y0=float(y0), x1=float(x1), y1=float(y1)) if x1 > x0 and y1 > y0 else box


class SampleSet:
    """All samples of the cases, with features that are computed once, as far as the store keeps them.

    tracker: with the model that is trained; its encoders do not change meanwhile. Raises TrainingError for masks that
    do not go with their frames or are empty.
    """

    def __init__(self, tracker: Tracker, cases: Sequence[CaseSlices], store: FeatureStore) -> None:
        self._tracker, self.cases, self._store = tracker, cases, store
        self.samples: dict[Role, list[TrainingMask]] = {"training": [], "validation": [], "test": []}
        for number, case in enumerate(cases):
            count, rows, columns = case.frames.shape
            fits = case.masks.shape == (len(case.slices), rows, -(-columns // 8)) and max(case.slices) < count
            if not fits or not case.masks.any(axis=(1, 2)).all():
                raise TrainingError("The masks of a case do not go with its slices: read the cases again.")
            for index in range(len(case.slices)):
                box = tight_box(_unpacked(case, index))
                self.samples[case.role].append(TrainingMask(number, index, box))

    @property
    def frames(self) -> list[tuple[int, int]]:
        """All frames, as case and place in it."""
        return [(number, index) for number, case in enumerate(self.cases) for index in range(len(case.frames))]

    @property
    def kept(self) -> int:
        """Of how many frames the store has the features."""
        return sum(number in self._store for number in range(len(self.frames)))

    def shape(self, sample: TrainingMask) -> tuple[int, int]:
        """Rows and columns of a sample's slice."""
        rows, columns = self.cases[sample.case].frames.shape[1:]
        return int(rows), int(columns)

    def mask(self, sample: TrainingMask) -> NDArray[np.bool_]:
        """The object, bool (rows, columns)."""
        return _unpacked(self.cases[sample.case], sample.index)

    def target(self, sample: TrainingMask) -> torch.Tensor:
        """The object on the grid of the network's masks: shares, float32 (1, 1, size / 4, size / 4), on the CPU."""
        mask = torch.from_numpy(self.mask(sample)).float()[None, None]
        side = self._tracker.model.image_size // 4
        return F.interpolate(mask, (side, side), mode="bilinear", align_corners=False, antialias=True)

    def encode(self, case: int, index: int) -> Features:
        """Features of a frame, from the store where it has them; tensors of which gradients may be taken further on."""
        number = sum(len(other.frames) for other in self.cases[:case]) + index
        kept = self._store.get(number)
        if kept is None:
            made = self._tracker.encode(self.cases[case].frames[index])
            self._store.put(number, made)
            # Made in inference mode: a copy is not bound to that.
            kept = Features([one.clone() for one in made.maps], made.positions, made.sizes)
        return kept

    def forget(self) -> None:
        """Give up the features that are kept; those that are asked for later are computed again."""
        self._store.clear()

    def features(self, sample: TrainingMask) -> Features:
        """Features of a sample's slice on the device."""
        found = self.encode(sample.case, self.cases[sample.case].slices[sample.index])
        device = self._tracker.placement.device
        return Features([one.to(device) for one in found.maps], found.positions, found.sizes)


def _unpacked(case: CaseSlices, index: int) -> NDArray[np.bool_]:
    return np.unpackbits(case.masks[index], axis=-1, count=case.frames.shape[2]).astype(bool)
