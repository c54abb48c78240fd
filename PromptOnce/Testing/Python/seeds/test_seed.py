"""Seeds: what a record takes and refuses, versions, and what comes from an image."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imaging.dicom_files import PATIENT, write_dicom

from PromptOnceLib.errors import PromptError, SeedError
from PromptOnceLib.imaging.read import read_volume
from PromptOnceLib.imaging.stack import make_stack
from PromptOnceLib.imaging.window import Window
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt, encode_mask
from PromptOnceLib.seeds.create import make_seed
from PromptOnceLib.seeds.entry import encoded
from PromptOnceLib.seeds.migrations import migrate
from PromptOnceLib.seeds.reliability import RoundTrip, applied_sentence, trust_of, trust_sentence
from PromptOnceLib.seeds.seed import Seed, record_from_json
from seeds.sample_seeds import DAY, one_object, sample_mask, sample_seed, sample_volume


def fields(**changes) -> str:
    return json.dumps({**json.loads(sample_seed().record.to_json()), **changes})


def test_a_seed_says_what_it_was_made_of():
    volume = sample_volume(direction=(-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    record = sample_seed(volume=volume, target="lungs").record
    assert (record.plane, record.orientation.rows, record.orientation.columns) == ("axial", "P", "R")
    assert record.spacing == (0.8, 0.8, 2.5)
    assert (record.slice, record.slices, record.shape, record.modality) == (1, 3, (8, 10), "CT")
    assert (record.window.lower, record.window.name, record.date) == (-1400, "lung", DAY)
    assert not record.is_picture


def test_the_json_of_a_record_reads_back_equal():
    record = sample_seed(round_trip=RoundTrip(dice=(0.93,), model="nano", date=DAY), note="two\nlines").record
    assert record_from_json(record.to_json()) == record


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"patient": "DOE"}, "patient"),
        ({"id": "../../etc"}, "id"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x1b[31m"}, "name"),
        ({"note": "x" * 2001}, "note"),
        ({"spacing": [0.5, -1, 1]}, "spacing"),
        ({"spacing": [0.5, "NaN", 1]}, "spacing"),
        ({"shape": [16384, 16384]}, "too large"),
        ({"shape": [4, 4]}, "outside"),
        ({"objects": []}, "objects"),
        ({"slice": 3}, "outside the stack"),
        ({"orientation": {"rows": "L", "columns": "R"}}, "same direction"),
        ({"window": {"lower": 2, "upper": 1, "name": "x"}}, "window"),
        ({"modality": "ct scan"}, "modality"),
        ({"scanner": {"patient": "DOE"}}, "scanner"),
        ({"scanner": {"model": "x" * 65}}, "scanner"),
        ({"round_trip": {"dice": [0.5, 0.5], "date": "2026-01-31"}}, "round trip"),
        ({"round_trip": {"dice": [1.5], "date": "2026-01-31"}}, "round_trip"),
        ({"date": "yesterday"}, "date"),
        ({"version": 2}, "Update PromptOnce"),
        ({"version": None}, "no version"),
        ({"version": -1}, "no longer"),
    ],
)
def test_a_field_that_is_wrong_is_named(change, what):
    with pytest.raises(SeedError, match=what):
        record_from_json(fields(**change))


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"version": 1}', b"NaN"])
def test_text_that_is_no_seed_is_refused(text):
    with pytest.raises(SeedError):
        record_from_json(text)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_any_value_in_any_field_is_read_or_refused(value):
    valid = json.loads(fields())
    for field in valid:
        with suppress(SeedError):
            assert record_from_json(json.dumps({**valid, field: value})).version == 1


def test_an_older_version_is_brought_up_step_by_step():
    def from_zero(old):
        old["name"] = old.pop("title")
        return old

    old = {"version": 0, "title": "Lungs"}
    assert migrate(old, {0: from_zero}) == {"version": 1, "name": "Lungs"}
    assert old == {"version": 0, "title": "Lungs"}
    steps = {0: from_zero, 1: lambda fields: {**fields, "new": True}}
    assert migrate(old, steps, current=2) == {"version": 2, "name": "Lungs", "new": True}


def test_an_older_version_without_what_its_migration_needs_is_called_damaged():
    with pytest.raises(SeedError, match="damaged"):
        migrate({"version": 0}, {0: lambda fields: {"name": fields["title"]}})


def test_a_mask_prompt_leaves_its_text_out_and_prompts_by_the_accepted_mask():
    drawn = ObjectPrompt(name="lungs", mask=encode_mask(sample_mask((8, 10))))
    seed = sample_seed(objects=(drawn,))
    assert seed.record.objects[0].box is None
    assert seed.record.objects[0].points == ()
    assert "mask" not in json.loads(seed.record.to_json())["objects"][0]


def test_a_seed_needs_a_mask_that_is_not_empty_for_every_object():
    volume = sample_volume()
    stack = make_stack(volume, 0, Window(-1000, 1000, "test"))
    prompt = Prompt(slice=1, objects=(one_object(),))
    with pytest.raises(SeedError, match="one accepted mask"):
        make_seed(volume, stack, prompt, [], name="a")
    with pytest.raises(SeedError, match="empty"):
        make_seed(volume, stack, prompt, [np.zeros((8, 10))], name="a")
    with pytest.raises(SeedError, match="size"):
        make_seed(volume, stack, prompt, [np.ones((8, 9))], name="a")
    with pytest.raises(SeedError, match="spacing"):
        make_seed(volume, stack, prompt, [np.ones((8, 10))], name="a", spacing=(1, 1, 1))
    outside = Prompt(slice=1, objects=(one_object(box=Box(x0=0, y0=0, x1=99, y1=99)),))
    with pytest.raises(PromptError, match="outside"):
        make_seed(volume, stack, outside, [np.ones((8, 10))], name="a")


def test_the_date_of_a_seed_is_today_by_default():
    volume = sample_volume()
    stack = make_stack(volume, 0, Window(-1000, 1000, "test"))
    seed = make_seed(volume, stack, Prompt(slice=1, objects=(one_object(),)), [np.ones((8, 10))], name="a")
    assert abs((dt.datetime.now(dt.timezone.utc).date() - seed.record.date).days) <= 1


def test_a_frame_of_another_size_or_type_is_refused():
    seed = sample_seed()
    for frame in (seed.frame[:-1], seed.frame.astype(np.float32)):
        with pytest.raises(SeedError, match="frame"):
            Seed(seed.record, frame, seed.masks)


def test_nothing_that_identifies_a_patient_gets_into_any_file(tmp_path):
    pixels = np.arange(80, dtype=np.int16).reshape(1, 8, 10)
    secrets = {
        "t0010_0030": "19700101",
        "t0008_0080": "ST ELSEWHERE",
        "t0008_0090": "HOUSE^GREGORY",
        "t0008_0050": "ACC0815",
        "t0008_0020": "20010203",
        "t0020_0010": "STUDY77",
    }
    path = write_dicom(tmp_path / "patient.dcm", pixels, **secrets, t0008_1090="Scanner 9")
    volume = read_volume(path)
    seed = sample_seed(volume=volume)
    assert seed.record.scanner is not None
    assert seed.record.scanner.model == "Scanner 9"
    written = b"".join(content for _, content in encoded(seed))
    for secret in (PATIENT, "ID4711", "1.2.3", "patient.dcm", str(tmp_path), *secrets.values()):
        assert secret.encode() not in written


@pytest.mark.parametrize(
    ("dice", "word"), [(1.0, "good"), (0.9, "good"), (0.85, "fair"), (0.8, "fair"), (0.79, "poor")]
)
def test_a_round_trip_is_put_in_words(dice, word):
    assert trust_of(dice) == word
    assert word in trust_sentence(RoundTrip(dice=(0.99, dice), date=DAY))
    assert word in applied_sentence(dice)


def test_a_seed_without_a_round_trip_is_not_called_good():
    assert "not known" in trust_sentence(None)
