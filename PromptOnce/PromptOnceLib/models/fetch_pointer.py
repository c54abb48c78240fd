"""Reading a pointer from its hub. Apart from `pointer`, since the worker looks at models without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PromptOnceLib.errors import DownloadError
from PromptOnceLib.files.atomic import replacing
from PromptOnceLib.models.http import open_remote
from PromptOnceLib.models.model_entry import ModelEntry
from PromptOnceLib.models.pointer import LONGEST, pointer_path, said_by


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
            if len(content) > LONGEST:
                break
        found = None
        if body.status == 200 and len(content) <= LONGEST:
            found = said_by(entry, content.decode("utf-8", errors="replace"))
    if found is None:
        raise DownloadError(
            f"The hub does not say what the file of the model {entry.name} should be, so it cannot be checked: try "
            "again later. Nothing was downloaded.",
            f"{address}: status {body.status}, {len(content)} bytes",
        )
    with replacing(pointer_path(checkpoint)) as temporary:
        temporary.write_bytes(content)
    return found
