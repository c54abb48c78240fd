"""Scanner: the whitelist of tags, and how their text is cleaned."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from PromptOnceLib.imaging.scanner import Scanner

TAGS = {
    "0008|0060": "CT",
    "0008|0070": "SIEMENS ",
    "0008|1090": "Biograph40_mCT 4R\0",
    "0008|1010": "PETCT2",
    "0018|0015": "CHEST",
    "0008|103e": "CT  Body\n3.0",
    "0018|1210": "Br38f\\3",
    "0018|0020": "GR\\IR",
    "0018|0050": "3 ",
    "0010|0010": "DOE^JANE",
    "0010|0020": "ID4711",
    "0010|0030": "19700101",
    "0008|0080": "HOSPITAL",
}


def test_only_the_whitelisted_tags_are_read():
    asked = set()

    def tag(key: str) -> str:
        asked.add(key)
        return TAGS.get(key, "")

    scanner = Scanner.from_tags(tag)
    assert scanner == Scanner(
        modality="CT",
        manufacturer="SIEMENS",
        model="Biograph40_mCT 4R",
        station="PETCT2",
        body_part="CHEST",
        series_description="CT Body 3.0",
        kernel="Br38f\\3",
        sequence="GR\\IR",
        slice_thickness=3.0,
    )
    assert not any(key.startswith(("0010", "0008|0080", "0008|0090", "0008|0020")) for key in asked)


def test_the_sequence_name_goes_before_the_scanning_sequence():
    tags = TAGS | {"0018|0024": "*tfl3d1"}
    assert Scanner.from_tags(lambda key: tags.get(key, "")).sequence == "*tfl3d1"


@pytest.mark.parametrize("thickness", ["", "thick", "-1", "0", "nan", "inf", "1\\2"])
def test_a_slice_thickness_that_is_no_thickness_is_unknown(thickness):
    assert Scanner.from_tags(lambda key: thickness if key == "0018|0050" else "").slice_thickness is None


def test_text_in_latin_1_is_readable_and_can_be_written_to_json():
    undecoded = b"Sch\xe4del".decode("utf-8", "surrogateescape")
    scanner = Scanner.from_tags(lambda key: undecoded if key == "0008|103e" else "")
    assert scanner.series_description == "Schädel"
    assert Scanner.model_validate_json(scanner.model_dump_json()) == scanner


def test_a_scanner_cannot_be_changed_or_extended():
    with pytest.raises(ValidationError):
        Scanner().modality = "MR"
    with pytest.raises(ValidationError):
        Scanner.model_validate({"patient_name": "DOE^JANE"})
