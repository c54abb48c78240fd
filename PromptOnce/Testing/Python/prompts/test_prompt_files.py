"""Prompts as text: masks, the JSON form, and files."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from PromptOnceLib.errors import PromptError
from PromptOnceLib.prompts.prompt import (
    Box,
    ObjectPrompt,
    Point,
    Prompt,
    decode_mask,
    encode_mask,
    read_prompt,
    write_prompt,
)
from prompts.sample_prompts import MASK, point, prompt

numbers = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0, 1)
masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20))
object_prompts = st.builds(
    ObjectPrompt,
    name=st.text(min_size=1).filter(str.strip),
    color=st.none() | st.tuples(shares, shares, shares),
    terminology=st.none() | st.text(),
    box=st.none() | st.builds(Box, x0=numbers, y0=numbers, x1=numbers, y1=numbers),
    points=st.lists(st.builds(Point, x=numbers, y=numbers, positive=st.booleans()), max_size=4),
    mask=st.none() | masks.map(encode_mask),
)
prompts = st.builds(
    Prompt,
    axis=st.none() | st.integers(0, 2),
    slice=st.integers(-5, 10**6),
    objects=st.lists(object_prompts, max_size=3),
)


# Masks as text


@given(masks)
def test_masks_survive_the_way_through_text(mask: np.ndarray) -> None:
    decoded = decode_mask(encode_mask(mask), mask.shape)
    assert decoded.dtype == bool
    np.testing.assert_array_equal(decoded, mask)


def test_every_value_but_zero_is_mask() -> None:
    np.testing.assert_array_equal(
        decode_mask(encode_mask(np.array([[0, 1, 255]], dtype=np.uint8))), [[False, True, True]]
    )


@pytest.mark.parametrize("shape", [(3,), (0, 5), (2, 3, 4)])
def test_a_mask_that_is_no_slice_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PromptError, match="one slice"):
        encode_mask(np.ones(shape, dtype=bool))


@given(st.data())
def test_a_damaged_mask_is_refused_or_read_but_never_crashes(data: st.DataObject) -> None:
    text = encode_mask(MASK)
    position = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:position] + data.draw(st.sampled_from("AZaz09+/=ä")) + text[position + 1 :]
    cut = damaged[: data.draw(st.integers(1, len(damaged)))]
    with contextlib.suppress(PromptError):
        assert decode_mask(cut, MASK.shape).shape == MASK.shape


def test_a_mask_that_claims_to_be_huge_is_refused_before_it_is_unpacked() -> None:
    png = base64.b64decode(encode_mask(MASK))
    header = b"IHDR" + struct.pack(">II", 300_000, 300_000) + png[24:29]
    text = base64.b64encode(png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]).decode()
    for shape in (MASK.shape, None):
        with pytest.raises(PromptError, match="mask prompt"):
            decode_mask(text, shape)


def test_an_image_with_grey_levels_is_no_mask() -> None:
    buffer = io.BytesIO()
    Image.fromarray(MASK.astype(np.uint8)).save(buffer, format="PNG")
    with pytest.raises(PromptError, match="1-bit"):
        decode_mask(base64.b64encode(buffer.getvalue()).decode())


# JSON


@given(prompts)
def test_prompts_survive_the_way_through_json(original: Prompt) -> None:
    assert Prompt.from_json(original.to_json()) == original


def test_the_json_form_is_the_documented_one() -> None:
    text = """{
      "version": 1, "axis": 0, "slice": 42,
      "objects": [{
        "name": "lungs", "color": [0.0, 0.5, 1], "terminology": null,
        "box": {"x0": 61, "y0": 90, "x1": 440, "y1": 402},
        "points": [{"x": 150, "y": 240, "positive": true}, {"x": 250.5, "y": 246, "positive": false}]}]}"""
    lungs = ObjectPrompt(
        name="lungs",
        color=(0, 0.5, 1),
        box=Box(x0=61, y0=90, x1=440, y1=402),
        points=(point(150, 240), point(250.5, 246, False)),
    )
    assert Prompt.from_json(text) == Prompt(axis=0, slice=42, objects=(lungs,))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"version": 2}, "another version than 1"),
        ({"slice": None}, "slice should be a valid integer"),
        ({"slice": 1.5}, "slice should be a valid integer"),
        ({"axis": 3}, "axis should be less than or equal to 2"),
        ({"object": []}, "no field object"),
        ({"objects": [{"points": [{"x": 1, "positive": True}]}]}, "objects[0].points[0].y is missing"),
        (
            {"objects": [{"points": [{"x": "1", "y": 2, "positive": True}]}]},
            "objects[0].points[0].x should be a valid number",
        ),
        ({"objects": [{"points": [{"x": math.nan, "y": 2, "positive": True}]}]}, "x should be a finite number"),
        ({"objects": [{"color": [0, 0, 2]}]}, "objects[0].color[2] should be less than or equal to 1"),
        ({"objects": [{"name": ""}]}, "objects[0].name should have at least 1 character"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_json_with_a_mistake_is_refused_with_its_place(change: dict[str, Any], sentence: str) -> None:
    text = json.dumps({"version": 1, "slice": 3, "objects": []} | change)
    with pytest.raises(PromptError) as caught:
        Prompt.from_json(text)
    assert sentence in caught.value.message


@given(st.text() | st.binary())
@example("[]")
@example("{}")
@example("[" * 5000)
def test_text_that_is_no_prompt_is_refused(text: str | bytes) -> None:
    with pytest.raises(PromptError):
        Prompt.from_json(text)


def test_the_detail_of_a_refusal_holds_no_values() -> None:
    with pytest.raises(PromptError) as caught:
        Prompt.from_json('{"slice": "DOE^JANE", "objects": []}')
    assert "DOE" not in caught.value.message + caught.value.detail + str(caught.value.__cause__)


# Files


def test_a_prompt_survives_the_way_through_a_file(tmp_path: Path) -> None:
    original = prompt(ObjectPrompt(name="Leber, groß", mask=encode_mask(MASK)))
    write_prompt(tmp_path / "liver.json", original)
    assert read_prompt(tmp_path / "liver.json") == original
    assert [path.name for path in tmp_path.iterdir()] == ["liver.json"]


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(prompt().to_json(), encoding="utf-8-sig")
    assert read_prompt(tmp_path / "p.json") == prompt()


def test_the_older_file_stays_when_a_prompt_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.json"
    write_prompt(path, prompt())

    def full_disk(self: Path, text: str, encoding: str) -> None:
        with self.open("w") as file:
            file.write(text[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(PromptError, match="disk is full"):
        write_prompt(path, prompt(index=9))
    assert read_prompt(path) == prompt()
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="cannot be opened"):
        read_prompt(tmp_path / "absent.json")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00binary", b"{", b""], ids=["binary", "cut", "empty"])
def test_a_file_that_is_no_prompt_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "volume.json"
    path.write_bytes(content)
    with pytest.raises(PromptError, match=r"volume\.json"):
        read_prompt(path)


def test_a_file_far_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "volume.nii"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(PromptError, match="too large"):
        read_prompt(path)
