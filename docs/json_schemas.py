"""Writes docs/json: the JSON Schemas of what --json prints, from the records. A test says when to run it again."""

from __future__ import annotations

import json
from pathlib import Path

from PromptOnceLib.cli.json_reports import REPORTS

FOLDER = Path(__file__).parent / "json"


def schemas() -> dict[str, str]:
    """Contents of the files by name."""
    return {
        f"{name}.json": json.dumps(report.model_json_schema(mode="serialization"), indent=2, ensure_ascii=False) + "\n"
        for name, report in REPORTS.items()
    }


def main() -> None:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
