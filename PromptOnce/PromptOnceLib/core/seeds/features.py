"""Features of seed frames, kept in the library because an image encoder takes long to compute them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.core.atomic import replacing
from PromptOnceLib.core.errors import SeedError
from PromptOnceLib.core.seeds.library import SeedLibrary
from PromptOnceLib.core.seeds.store import FEATURES

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

    key: of lower-case letters, digits, - and _; it names all that they depend on, so the checkpoint's SHA-256 belongs
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
