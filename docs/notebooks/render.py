"""Run the notebooks and keep the pictures they show, for the documentation: python docs/notebooks/render.py.

The notebooks themselves are stored without outputs. A picture is called after its notebook and its place in it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).resolve().parent
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
_SECONDS = 900
_WIDTH, _COLOURS = 900, 64  # pictures in a repository stay small


def executed(path: Path) -> Any:
    """The notebook with its outputs; raises CellExecutionError where a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    return NotebookClient(notebook, timeout=_SECONDS, kernel_name="python3").execute()


def pictures(notebook: Any) -> Iterator[tuple[int, bytes]]:
    """The PNG pictures of an executed notebook, each with the number of its cell."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            png = output.get("data", {}).get("image/png")
            if png:
                yield number, base64.b64decode(png)


def as_markdown(path: Path) -> str:
    """A stored notebook as a page: its text, its code, and the pictures that were kept of each cell."""
    notebook = nbformat.read(path, as_version=4)
    parts = []
    for number, cell in enumerate(notebook.cells):
        parts.append(cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```")
        picture = FOLDER / picture_name(path, number)
        if picture.exists():
            parts.append(f"![What the cell shows]({picture.name})")
    return "\n\n".join(parts) + "\n"


def picture_name(path: Path, number: int) -> str:
    """File name of the picture of a cell."""
    return f"{path.stem}-{number}.png"


def main() -> None:
    """Run all notebooks and write their pictures anew."""
    for path in NOTEBOOKS:
        for old in FOLDER.glob(f"{path.stem}-*.png"):
            old.unlink()
        for number, png in pictures(executed(path)):
            picture = Image.open(io.BytesIO(png)).convert("RGB")
            picture.thumbnail((_WIDTH, 4 * _WIDTH))
            picture.quantize(_COLOURS).save(FOLDER / picture_name(path, number), optimize=True)


if __name__ == "__main__":
    main()
