"""Which frames are compared for the likeness of seeds and a volume, and what the image encoder made of them.

The slice where a propagation starts, windowed and turned as each seed's frame is, against that frame. Descriptors of
seed frames are kept in the library; those that are missing and those of the volume come from a worker, so a Comparison
asks for them (`frames`) and is given them (`take`), whoever talks to the worker and whether he waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.core.intensity import to_uint8
from PromptOnceLib.core.likeness import likeness
from PromptOnceLib.core.seeds.features import read_features, write_features
from PromptOnceLib.core.seeds.library import SeedLibrary
from PromptOnceLib.core.seeds.orientation import FrameOrientation, turn_between
from PromptOnceLib.core.seeds.schema import Seed
from PromptOnceLib.core.seeds.source import seed_window
from PromptOnceLib.core.stack import central_slice, slices_along
from PromptOnceLib.core.volume import Volume


@dataclass(frozen=True, eq=False)
class Comparison:
    """Likeness of some seeds and a volume, before the descriptors are there.

    frames: uint8 (rows, columns) each, to be described in this order, by the model that `key` stands for: first those
    of the seeds in `missing`, then the volume's, one for each way in which seeds are windowed and turned.
    """

    library: SeedLibrary
    key: str | None
    frames: tuple[NDArray[np.uint8], ...]
    missing: tuple[str, ...]
    _kept: dict[str, NDArray[np.float32]]
    _view_of: dict[str, int]

    @classmethod
    def of(
        cls, library: SeedLibrary, seeds: Iterable[Seed], volume: Volume, axis: int, model_sha256: str | None
    ) -> Comparison:
        """Prepare the comparison of seeds, each of the plane of the volume's slices along an array axis.

        model_sha256: of the checkpoint that is going to describe the frames; descriptors of an unknown one are not
        kept. Raises SeedError for a seed of another plane.
        """
        key = None if model_sha256 is None else f"likeness-{model_sha256}"
        kept: dict[str, NDArray[np.float32]] = {}
        missing: list[Seed] = []
        views: dict[tuple[object, ...], int] = {}
        of_volume: list[NDArray[np.uint8]] = []
        view_of: dict[str, int] = {}
        values = slices_along(volume.array, axis)[central_slice(volume.array.shape[axis])]
        orientation = FrameOrientation.of(volume.geometry, axis)
        for seed in seeds:
            found = None if key is None else read_features(library, seed.id, key)
            if found is None:
                missing.append(seed)
            else:
                kept[seed.id] = found
            window, turn = seed_window(seed, volume), turn_between(orientation, seed.record.orientation)
            view = (window, turn)
            if view not in views:
                views[view] = len(of_volume)
                of_volume.append(np.ascontiguousarray(turn.of_slices(to_uint8(values[None], window))[0]))
            view_of[seed.id] = views[view]
        frames = (*(seed.frame for seed in missing), *of_volume)
        return cls(library, key, frames, tuple(seed.id for seed in missing), kept, view_of)

    def take(self, descriptors: NDArray[np.float32]) -> dict[str, float]:
        """Likeness, -1 to 1, by seed id, from the descriptors (n, C) of `frames`; keeps those of seeds."""
        of_seeds = dict(self._kept)
        for seed_id, descriptor in zip(self.missing, descriptors, strict=False):
            of_seeds[seed_id] = descriptor
            if self.key is not None:
                write_features(self.library, seed_id, self.key, descriptor)
        of_volume = descriptors[len(self.missing) :]
        return {
            seed_id: likeness(descriptor, of_volume[self._view_of[seed_id]])
            for seed_id, descriptor in of_seeds.items()
            if descriptor.shape == of_volume[self._view_of[seed_id]].shape
        }
