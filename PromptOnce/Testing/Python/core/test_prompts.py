"""Prompts: construction, checks against the image, JSON and files."""

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
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pydantic import ValidationError

from PromptOnceLib.core.errors import PromptError
from PromptOnceLib.core.prompts import (
    Box,
    ObjectPrompt,
    Point,
    Prompt,
    decode_mask,
    encode_mask,
    read_prompt,
    write_prompt,
)

SHAPE = (10, 40, 60)
MASK = np.zeros((40, 60), dtype=bool)
MASK[10:20, 15:30] = True

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


def point(x: float, y: float, positive: bool = True) -> Point:
    return Point(x=x, y=y, positive=positive)


def prompt(*objects: ObjectPrompt, index: int = 3) -> Prompt:
    return Prompt(axis=0, slice=index, objects=objects)


def refusal(*objects: ObjectPrompt, index: int = 3) -> str:
    """The sentence with which a prompt is refused."""
    with pytest.raises(PromptError) as caught:
        prompt(*objects, index=index).validate_for(SHAPE)
    return caught.value.message


# Construction


def test_a_box_given_with_swapped_corners_is_put_in_order() -> None:
    assert Box(x0=9, y0=2, x1=4, y1=8) == Box(x0=4, y0=2, x1=9, y1=8)
    assert Box(x0=9, y0=8, x1=4, y1=2) == Box(x0=4, y0=2, x1=9, y1=8)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, "5", None, True, [5], 10**400])
def test_a_coordinate_that_is_no_finite_number_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Point(x=wrong, y=1, positive=True)


def test_numpy_scalars_are_taken_as_numbers() -> None:
    made = Point(x=np.int64(4), y=np.float32(2.5), positive=np.bool_(True))  # type: ignore[arg-type]
    assert made == point(4, 2.5)
    assert Prompt(slice=np.int64(7), objects=()).slice == 7  # type: ignore[arg-type]


def test_a_number_is_not_taken_as_positive_or_negative() -> None:
    with pytest.raises(ValidationError):
        Point(x=1, y=1, positive=1)  # type: ignore[arg-type]


def test_prompts_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        prompt().slice = 4


def test_blanks_around_a_name_are_dropped_and_a_blank_name_is_refused() -> None:
    assert ObjectPrompt(name=" left lung ").name == "left lung"
    with pytest.raises(ValidationError):
        ObjectPrompt(name="  ")


# What the model takes


def test_box_corners_come_before_points_with_the_labels_of_sam2() -> None:
    item = ObjectPrompt(box=Box(x0=1, y0=2, x1=30, y1=20), points=(point(5, 6), point(7, 8, False)))
    points, labels = item.points_and_labels()
    assert points.dtype == np.float32
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(points, [[1, 2], [30, 20], [5, 6], [7, 8]])
    np.testing.assert_array_equal(labels, [2, 3, 1, 0])


def test_a_mask_prompt_has_no_points() -> None:
    points, labels = ObjectPrompt(mask=encode_mask(MASK)).points_and_labels()
    assert points.shape == (0, 2)
    assert labels.shape == (0,)


def test_the_mask_of_an_object_without_mask_is_an_error() -> None:
    with pytest.raises(PromptError, match="no mask"):
        ObjectPrompt().mask_array()


# Checks against the image


@pytest.mark.parametrize(
    "item",
    [
        ObjectPrompt(points=(point(-0.5, -0.5), point(59.5, 39.5))),
        ObjectPrompt(box=Box(x0=-0.5, y0=-0.5, x1=60, y1=40)),
        ObjectPrompt(box=Box(x0=5, y0=5, x1=9, y1=9), points=(point(20, 20, False),)),
        ObjectPrompt(mask=encode_mask(MASK)),
    ],
    ids=["points on the border", "box up to the exclusive bounds", "box and negative point", "mask"],
)
def test_a_prompt_that_fits_is_accepted(item: ObjectPrompt) -> None:
    prompt(item, index=0).validate_for(SHAPE)
    prompt(item, index=9).validate_for(SHAPE)


def test_several_objects_are_accepted() -> None:
    prompt(ObjectPrompt(name="a", points=(point(1, 1),)), ObjectPrompt(name="b", mask=encode_mask(MASK))).validate_for(
        SHAPE
    )


def test_a_prompt_without_object_is_refused() -> None:
    assert "no object" in refusal()


def test_an_object_with_nothing_marked_is_refused() -> None:
    assert "no box, point or mask" in refusal(ObjectPrompt())


def test_only_negative_points_are_refused() -> None:
    assert "only negative points" in refusal(ObjectPrompt(points=(point(5, 5, False),)))


@pytest.mark.parametrize(("x", "y"), [(-0.6, 5), (59.6, 5), (5, -0.6), (5, 39.6), (1e300, 5)])
def test_a_point_outside_the_image_is_refused(x: float, y: float) -> None:
    sentence = refusal(ObjectPrompt(points=(point(5, 5), point(x, y, False))))
    assert "the point at" in sentence
    assert "outside the slice, which has 60 columns (x) and 40 rows (y)" in sentence


@pytest.mark.parametrize("corners", [(-0.6, 1, 9, 9), (1, -0.6, 9, 9), (1, 1, 60.1, 9), (1, 1, 9, 40.1)])
def test_a_box_outside_the_image_is_refused(corners: tuple[float, ...]) -> None:
    box = Box(**dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True)))
    assert "reaches outside the slice" in refusal(ObjectPrompt(box=box))


@pytest.mark.parametrize("corners", [(5, 1, 5, 9), (1, 5, 9, 5), (5, 5, 5, 5), (30, 5, 30 + 1e-9, 9)])
def test_a_box_without_area_is_refused(corners: tuple[float, ...]) -> None:
    box = Box(**dict(zip(("x0", "y0", "x1", "y1"), corners, strict=True)))
    assert "no area" in refusal(ObjectPrompt(box=box))


def test_two_objects_of_one_name_are_refused() -> None:
    item = ObjectPrompt(name="lung", points=(point(5, 5),))
    assert 'called "lung"' in refusal(item, ObjectPrompt(name="lung ", points=(point(9, 9),)))


@pytest.mark.parametrize("index", [-1, 10])
def test_a_slice_that_the_image_has_not_is_refused(index: int) -> None:
    assert "the slices 0 to 9" in refusal(ObjectPrompt(points=(point(5, 5),)), index=index)


def test_an_empty_mask_is_refused() -> None:
    assert "mask is empty" in refusal(ObjectPrompt(mask=encode_mask(np.zeros((40, 60), dtype=bool))))


def test_a_mask_of_another_size_is_refused() -> None:
    sentence = refusal(ObjectPrompt(mask=encode_mask(MASK.T)))
    assert "60 rows and 40 columns, the slice has 40 and 60" in sentence


@pytest.mark.parametrize("rest", [{"box": Box(x0=1, y0=1, x1=9, y1=9)}, {"points": (point(5, 5),)}])
def test_a_mask_together_with_box_or_points_is_refused(rest: dict[str, Any]) -> None:
    assert "cannot be combined" in refusal(ObjectPrompt(mask=encode_mask(MASK), **rest))


def test_refusals_name_the_object() -> None:
    assert refusal(ObjectPrompt(name="spleen")).startswith('Object "spleen": ')


# Masks as text


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
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
