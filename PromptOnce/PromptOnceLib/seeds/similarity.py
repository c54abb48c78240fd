"""How similar frames are, by embeddings of the image encoder; those of seed frames are kept in the library.

Compared is the slice where a propagation starts, windowed and turned as each seed's frame is. Embeddings that are
missing come from a worker, so a Comparison asks for them (`frames`) and is given them (`take`): for both the blocking
and the asynchronous client.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import SeedError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.imaging.orientation import FrameOrientation, turn_between
from PromptOnceLib.imaging.stack import central_slice, slices_along
from PromptOnceLib.imaging.volume import Volume
from PromptOnceLib.imaging.window import to_uint8
from PromptOnceLib.seeds.apply import seed_window
from PromptOnceLib.seeds.library import SeedLibrary
from PromptOnceLib.seeds.seed import Seed
from PromptOnceLib.seeds.store import FEATURES


def similarity(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Cosine of two embeddings (C,), -1 to 1; 1 for equal directions, 0 where one of them is all zeros.

    Raises ValueError for embeddings of different lengths, which are those of different models.
    """
    if a.shape != b.shape:
        raise ValueError(f"embeddings of different models: {a.shape} and {b.shape}")
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.clip(x @ y / lengths, -1, 1)) if lengths else 0.0


def most_similar(of: NDArray[np.float32], others: NDArray[np.float32]) -> tuple[int, float]:
    """Index of the embedding among others (n, C) most similar to the first (C,), and the similarity; the first of
    equals.
    """
    values = [similarity(of, other) for other in others]
    best = int(np.argmax(values))
    return best, values[best]


_KEY = re.compile(r"[0-9a-z_-]{1,100}")
_LARGEST = 16 * 2**20  # bytes


def read_features(library: SeedLibrary, seed_id: str, key: str) -> NDArray[np.float32] | None:
    """Features that were written under this key; None where there are none, or a damaged file."""
    try:
        with _path(library, seed_id, key).open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            return None
        features: NDArray[Any] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, TypeError, MemoryError, OverflowError, KeyError):
        return None  # it is a cache: what cannot be read is computed again
    return features if features.dtype == np.float32 and np.isfinite(features).all() else None


def write_features(library: SeedLibrary, seed_id: str, key: str, features: NDArray[np.float32]) -> bool:
    """Keep features of a seed's frame.

    key: of lower-case letters, digits, - and _; it names all that they depend on, so the model's encoder_key belongs
    in it. features: float32 of any shape. Returns False where the library cannot be written to, which does not matter.
    """
    path = _path(library, seed_id, key)
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(features, dtype=np.float32), allow_pickle=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, error=SeedError) as temporary:
            temporary.write_bytes(buffer.getvalue())
    except (OSError, SeedError):
        return False
    return True


def _path(library: SeedLibrary, seed_id: str, key: str) -> Path:
    if not re.fullmatch(r"[0-9a-f]{32}", seed_id) or not _KEY.fullmatch(key):
        raise SeedError("Features are kept under a seed's id and a key of letters, digits, - and _.", key[:100])
    return library.folder / FEATURES / seed_id / f"{key}.npy"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Similarity of some seeds and a volume, before the embeddings are there.

    frames: uint8 (rows, columns) each, to be embedded in this order, by the model that `key` stands for: first those
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
        cls, library: SeedLibrary, seeds: Iterable[Seed], volume: Volume, axis: int, encoder_key: str | None
    ) -> Comparison:
        """Prepare the comparison of seeds, each of the plane of the volume's slices along an array axis.

        encoder_key: that of the model that is going to embed the frames (ModelFiles); embeddings of an unknown one are
        not kept. Raises SeedError for a seed of another plane.
        """
        key = None if encoder_key is None else f"likeness-{encoder_key}"
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

    def take(self, embeddings: NDArray[np.float32]) -> dict[str, float]:
        """Similarity, -1 to 1, by seed id, from the embeddings (n, C) of `frames`; keeps those of seeds."""
        of_seeds = dict(self._kept)
        for seed_id, embedding in zip(self.missing, embeddings, strict=False):
            of_seeds[seed_id] = embedding
            if self.key is not None:
                write_features(self.library, seed_id, self.key, embedding)
        of_volume = embeddings[len(self.missing) :]
        return {
            seed_id: similarity(embedding, of_volume[self._view_of[seed_id]])
            for seed_id, embedding in of_seeds.items()
            if embedding.shape == of_volume[self._view_of[seed_id]].shape
        }
