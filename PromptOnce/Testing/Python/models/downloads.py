"""What the tests of downloads share: the content of the file, its entry, and a download that the server cuts."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from models.checkpoint_server import CheckpointServer
from PromptOnceLib.errors import DownloadError
from PromptOnceLib.models.download import download
from PromptOnceLib.models.model_entry import ModelEntry

CONTENT = random.Random(0).randbytes(1_000_000)
CHANGED = random.Random(1).randbytes(len(CONTENT))
CUT = 400_000


def entry_for(server: CheckpointServer, content: bytes = CONTENT, **fields: Any) -> ModelEntry:
    values = {
        "name": "tiny",
        "title": "Tiny",
        "url": server.url,
        "file": "model.pt",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "config": "sam2.1_hiera_t.yaml",
        "image_size": 1024,
        "licence": "Apache-2.0",
        "description": "A model for tests.",
    }
    return ModelEntry.model_validate({**values, **fields})


def cut_once(server: CheckpointServer, entry: ModelEntry, folder: Path) -> DownloadError:
    """Start a download that the server cuts, and let the server work again."""
    server.cut_after = CUT
    with pytest.raises(DownloadError) as caught:
        download(entry, folder)
    server.cut_after = None
    return caught.value


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}
