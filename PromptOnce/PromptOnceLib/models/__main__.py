"""A process that downloads one checkpoint: python -m PromptOnceLib.models.__main__ NAME [FOLDER].

It prints JSON lines: {"done": bytes, "total": bytes} while it works, {"error": sentence} when it failed. To end the
process cancels the download; what has arrived is taken up by the next one.
"""

from __future__ import annotations

import json
import sys
import time

from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.models.download import download
from PromptOnceLib.models.registry import load_registry

_SECONDS = 0.25  # between two lines


def main(name: str, folder: str | None) -> int:
    """Download the model; the exit status."""
    told = 0.0

    def progress(done: int, total: int | None) -> None:
        nonlocal told
        if time.monotonic() - told >= _SECONDS:
            told = time.monotonic()
            print(json.dumps({"done": done, "total": total}), flush=True)

    try:
        download(load_registry().get(name), folder, progress)
    except PromptOnceError as error:
        print(json.dumps({"error": error.message}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
