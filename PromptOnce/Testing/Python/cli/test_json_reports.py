"""What --json prints follows the schemas in docs/json, and these are those of the records."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Run
from PromptOnceLib.cli.json_reports import REPORTS

DOCS = Path(__file__).resolve().parents[4] / "docs"
BOX = ["--box", "32,22,68,58"]


def test_the_schemas_in_the_documents_are_those_of_the_records() -> None:
    wanted = runpy.run_path(str(DOCS / "json_schemas.py"))["schemas"]()
    written = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "json").glob("*.json")}
    assert written == wanted, "run python docs/json_schemas.py"


def test_every_report_has_a_version_and_every_field_is_described() -> None:
    for name, report in REPORTS.items():
        schema = report.model_json_schema(mode="serialization")
        assert schema["properties"]["version"]["const"] == 1, name
        assert schema["description"], name


@pytest.mark.usefixtures("_fake_worker")
def test_commands_print_what_the_schemas_say(run: Run, disk_volume: Path, disk_reference: Path) -> None:
    def printed(name: str, *arguments: Any) -> None:
        ended = run(*arguments, "--json")
        REPORTS[name].model_validate_json(ended.out)
        assert json.loads(ended.out)["version"] == 1
        properties = REPORTS[name].model_json_schema(mode="serialization")["properties"]
        assert set(json.loads(ended.out)) == set(properties)

    printed("show", "show", disk_volume, "-o", "a.png")
    printed("segment", "segment", disk_volume, "-o", "o.seg.nrrd", *BOX, "--reference", disk_reference)
    printed("evaluate", "evaluate", "o.seg.nrrd", disk_reference)
    printed("correct", "correct", disk_volume, "o.seg.nrrd", "--slice", "4", "--accept")
    printed("error", "segment", disk_volume, "-o", "o.seg.nrrd", *BOX)
    references = ["--prompt-from", "reference", "--reference", "{case}_reference.nii.gz"]
    printed("batch", "batch", disk_volume.parent, *references, "-o", "run")
