"""The files of version 0.1.0 (commit 054f464) in data/, and what it found in them, which stands in recorded.json.

None of them may ever be made anew: a test that fails on them means that users lose work.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
MODEL_OF_THEN = "e06cf097bf8a68e92ee7b965ca53ec9b45789699e575aa8a08f866d5bd437583"
"""SHA-256 of the embedded model that the files were made with."""
CONFIG_OF_THEN = "14e7e0720cd29d38eb63ff298fca3b39c9175b1914577c8198363330dc35e5c0"
"""SHA-256 of its configuration."""
RECORDED: dict[str, Any] = json.loads((DATA / "recorded.json").read_text(encoding="utf-8"))
LIVER = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes - DICOM master list~^^~^^"
)
RED, BLUE = (0.9, 0.1, 0.2), (0.1, 0.4, 0.9)


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).astype(np.uint8).tobytes()).hexdigest()
