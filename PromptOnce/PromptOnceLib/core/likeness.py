"""How alike two frames are, by their descriptors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def likeness(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Cosine of two descriptors (C,), -1 to 1; 1 for equal directions, 0 where one of them is all zeros.

    Raises ValueError for descriptors of different lengths, which are those of different models.
    """
    if a.shape != b.shape:
        raise ValueError(f"descriptors of different models: {a.shape} and {b.shape}")
    x, y = a.astype(np.float64), b.astype(np.float64)
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(np.clip(x @ y / lengths, -1, 1)) if lengths else 0.0


def most_alike(of: NDArray[np.float32], others: NDArray[np.float32]) -> tuple[int, float]:
    """Index of the descriptor among others (n, C) that is most like the first (C,), and the likeness; the first of
    equals.
    """
    values = [likeness(of, other) for other in others]
    best = int(np.argmax(values))
    return best, values[best]
