"""The README as the package index shows it: links into the repository made absolute."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

try:
    from hatchling.metadata.plugin.interface import MetadataHookInterface
except ImportError:  # the tests use the function alone
    MetadataHookInterface = object  # type: ignore[misc, assignment]


def with_absolute_links(text: str, repository: str) -> str:
    """Markdown with its relative links and pictures made absolute. repository: its address on GitHub."""
    raw = repository.replace("https://github.com/", "https://raw.githubusercontent.com/")
    text = re.sub(r"!\[([^]]*)\]\((?!\w+:)([^)#]+)\)", rf"![\1]({raw}/main/\2)", text)
    return re.sub(r"(?<!!)\[([^]]*)\]\((?![\w+]+:|#)([^)]+)\)", rf"[\1]({repository}/blob/main/\2)", text)


class ReadmeHook(MetadataHookInterface):  # type: ignore[misc, unused-ignore]
    """Fills in the dynamic field readme."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """See hatchling."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = with_absolute_links(text, metadata["urls"]["Source"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
