"""Zip files of seeds, whole or not as an export makes them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from PromptOnceLib.seeds.entry import encoded


def files_of(seed) -> dict[str, bytes]:
    return {f"{seed.id}/{name}": content for name, content in encoded(seed)}


def write(path: Path, files: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items() if isinstance(files, dict) else files:
            file.writestr(name, content)
    return path
