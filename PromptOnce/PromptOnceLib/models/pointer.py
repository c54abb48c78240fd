"""What a hub's pointer says of a large file: its SHA-256 and size, which nobody has published otherwise.

Git LFS keeps a text of three lines in the place of a large file. At a pinned revision it pins the file too. It is read
when a model is downloaded, kept beside the checkpoint, and what the checkpoint is compared with from then on.
"""

from __future__ import annotations

import re
from pathlib import Path

from PromptOnceLib.models.model_entry import ModelEntry

LONGEST = 1024  # bytes of a pointer (Git LFS specification)
_SHA256 = re.compile(r"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE = re.compile(r"^size ([1-9]\d{0,17})$", re.MULTILINE)


def pointer_path(checkpoint: Path) -> Path:
    """Where the pointer of a checkpoint is kept."""
    return checkpoint.with_name(checkpoint.name + ".pointer")


def pinned(entry: ModelEntry, checkpoint: Path) -> ModelEntry:
    """The entry with SHA-256 and size as the pointer beside the checkpoint says them.

    As it is where it needs no pointer, or none was kept.
    """
    if entry.pointer is None:
        return entry
    try:
        text = pointer_path(checkpoint).read_bytes()[:LONGEST].decode("utf-8", errors="replace")
    except OSError:
        return entry
    return said_by(entry, text) or entry


def said_by(entry: ModelEntry, text: str) -> ModelEntry | None:
    """The entry with what the text of a pointer says; None for a text that is none."""
    sha256, size = _SHA256.search(text), _SIZE.search(text)
    if sha256 is None or size is None:
        return None
    return entry.model_copy(update={"sha256": sha256[1], "bytes": int(size[1])})
