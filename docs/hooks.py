"""The documentation's pages: notebooks as pages, and links that leave the folder.

The pages read well on GitHub as they stand. For the site pictures of Screenshots are taken in, notebooks become pages,
and links to other files of the repository lead to its address.
"""

from __future__ import annotations

import importlib.util
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

_DOCS = Path(__file__).resolve().parent
_PICTURES = "Screenshots"
_LINK = re.compile(r"(!?)\[([^]]*)\]\((?!\w+:|#|/)([^)#\s]+)(#[\w-]+)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the screenshots, and a page for each notebook."""
    for path in sorted((_DOCS.parent / _PICTURES).glob("*.png")):
        files.append(File.generated(config, f"{_PICTURES}/{path.name}", abs_src_path=str(path)))
    render = _render()
    for path in render.NOTEBOOKS:
        name = f"notebooks/{path.stem}.md"
        files.append(File.generated(config, name, content=render.as_markdown(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links that leave docs/ lead to the repository, pictures of Screenshots to where on_files has put them."""
    here = posixpath.dirname(page.file.src_uri)

    def led(match: re.Match[str]) -> str:
        picture, text, target, anchor = match[1], match[2], match[3], match[4] or ""
        place = posixpath.normpath(posixpath.join("docs", here, target))
        if place.startswith("docs/"):
            return match[0].replace(".ipynb)", ".md)")
        if place.startswith(f"{_PICTURES}/"):
            return f"{picture}[{text}]({posixpath.relpath(place, here or '.')})"
        kind = "tree" if (_DOCS.parent / place).is_dir() else "blob"
        return f"{picture}[{text}]({config.repo_url.rstrip('/')}/{kind}/main/{place}{anchor})"

    return _LINK.sub(led, markdown)


def _render() -> Any:
    spec = importlib.util.spec_from_file_location("render", _DOCS / "notebooks" / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
