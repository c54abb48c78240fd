"""What a hub's pointer says of a large file: its SHA-256 and size, which nobody has published otherwise.

Git LFS keeps a text of three lines in the place of a large file. At a pinned revision it pins the file too. It is read
when a model is downloaded, kept beside the checkpoint, and what the checkpoint is compared with from then on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PromptOnceLib.errors import DownloadError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.models.http import open_remote
from PromptOnceLib.models.model_entry import ModelEntry

_LONGEST = 1024  # bytes of a pointer (Git LFS specification)
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
        text = pointer_path(checkpoint).read_bytes()[:_LONGEST].decode("utf-8", errors="replace")
    except OSError:
        return entry
    return _with(entry, text) or entry


def fetch_pointer(
    entry: ModelEntry, checkpoint: Path, timeout: tuple[float, float], check: Callable[[], object]
) -> ModelEntry:
    """Read the pointer from the hub, keep it, and return the entry with what it says.

    timeout, check: as `open_remote` takes them. Raises requests.RequestException, and DownloadError where the hub gives
    no pointer.
    """
    address = str(entry.pointer)
    with open_remote(address, None, 0, timeout, check) as body:
        content = b""
        for piece in body.pieces:
            content += piece
            if len(content) > _LONGEST:
                break
        found = None
        if body.status == 200 and len(content) <= _LONGEST:
            found = _with(entry, content.decode("utf-8", errors="replace"))
    if found is None:
        raise DownloadError(
            f"The hub does not say what the file of the model {entry.name} should be, so it cannot be checked: try "
            "again later. Nothing was downloaded.",
            f"{address}: status {body.status}, {len(content)} bytes",
        )
    with replacing(pointer_path(checkpoint)) as temporary:
        temporary.write_bytes(content)
    return found


def _with(entry: ModelEntry, text: str) -> ModelEntry | None:
    sha256, size = _SHA256.search(text), _SIZE.search(text)
    if sha256 is None or size is None:
        return None
    return entry.model_copy(update={"sha256": sha256[1], "bytes": int(size[1])})
