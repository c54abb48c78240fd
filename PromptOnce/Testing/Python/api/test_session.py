"""A session: marks that are looked at, propagated and corrected, with the same masks as in one go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import PromptOnceLib as po
from api.test_segment import disk_labels, disk_volume
from PromptOnceLib.cases.correction import read_saved_result
from PromptOnceLib.errors import InputError, PromptError, SeedError
from PromptOnceLib.segmentation.metrics import dice

BOX = (30, 20, 70, 62)


@pytest.fixture(scope="module")
def session() -> Iterator[po.Session]:
    with po.Session(device="cpu", precision="float32", threads=1) as opened:
        yield opened


def test_marks_give_masks_at_once_and_the_same_result_as_in_one_go(session: po.Session) -> None:
    volume = disk_volume()
    session.set_image(volume, window="full")
    by_box = session.box(*BOX, name="disk")
    assert by_box.shape == volume.array.shape[1:]
    assert by_box.dtype == np.uint8
    assert dice(by_box, disk_labels(volume)[5]) > 0.9
    session.point(5, 5, False, name="disk")
    ground = session.box(2, 60, 40, 78, name="ground")
    assert not np.array_equal(ground, by_box)
    marked = {"disk": {"box": BOX, "negative": [(5, 5)]}, "ground": {"box": (2, 60, 40, 78)}}
    in_one_go = po.segment(volume, objects=marked, window="full", model=session)
    result = session.propagate()
    for name, mask in in_one_go.masks.items():
        assert np.array_equal(result.masks[name], mask)


def test_marks_on_several_slices_are_all_kept(session: po.Session) -> None:
    volume = disk_volume()
    labels = disk_labels(volume)
    session.set_image(volume, window="full")
    session.paint(labels[2], slice=2)
    session.paint(labels[8], slice=8)
    result = session.propagate(reference=labels)
    assert np.array_equal(result.mask[2], labels[2])
    assert np.array_equal(result.mask[8], labels[8])
    assert result.dice() > 0.9


def test_a_correction_settles_its_slice_and_is_saved_with_the_result(session: po.Session, tmp_path: Path) -> None:
    volume = disk_volume()
    labels = disk_labels(volume)
    session.set_image(volume, window="full")
    session.box(*BOX)
    first = session.propagate()
    accepted = session.correct(np.int64(7), accept=True)
    assert np.array_equal(accepted.mask, first.mask)
    corrected = session.correct(9, mask=labels[9])
    assert np.array_equal(corrected.mask[9], labels[9])
    assert np.array_equal(corrected.mask[:8], first.mask[:8]), "what lies beyond the accepted slice stays as it was"
    again = session.correct(9, points=[(54, 40)])
    assert dice(again.mask[9], labels[9]) > 0.8
    again.save(tmp_path / "disk.seg.nrrd")
    saved = read_saved_result(volume, tmp_path / "disk.seg.nrrd")
    assert saved.prompts.object("object").indices == (5, 7, 9)


@pytest.mark.parametrize("threads", [0, -1, "all"])
def test_a_number_of_threads_that_is_none_is_refused(threads: Any) -> None:
    with pytest.raises(InputError, match="threads is a number"):
        po.Session(model="nano", device="cpu", threads=threads)


def test_what_cannot_be_done_is_said(session: po.Session) -> None:
    fresh = po.Session()
    with pytest.raises(InputError, match="no image"):
        fresh.box(*BOX)
    session.set_image(disk_volume(), window="full")
    with pytest.raises(PromptError, match="Nothing is marked"):
        session.propagate()
    with pytest.raises(InputError, match="propagate first"):
        session.correct(3, accept=True)
    with pytest.raises(PromptError, match="outside"):
        session.box(30, 20, 600, 62)
    session.box(*BOX, name="a")
    session.box(2, 60, 40, 78, name="b")
    session.propagate()
    with pytest.raises(InputError, match="name one of a, b"):
        session.correct(3, accept=True)
    with pytest.raises(InputError, match="one correction"):
        session.correct(3, name="a", accept=True, points=[(50, 40)])
    session.clear()
    with pytest.raises(PromptError, match="Nothing is marked"):
        session.propagate()


def test_a_marked_slice_becomes_a_seed_that_segments_the_next_image(
    session: po.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    session.set_image(disk_volume(), window="full")
    session.paint(disk_labels(disk_volume())[5], name="disk")
    with pytest.raises(SeedError, match="confirm"):
        session.save_seed("disk", frame_confirmed=False, library=tmp_path)
    session.save_seed("disk", frame_confirmed=True, round_trip=False, library=tmp_path, target="disk")
    assert [seed.name for seed in po.seeds.list(tmp_path)] == ["disk"]
    following = disk_volume(7)
    (match,) = po.match_seeds(following, target="disk", library=tmp_path)
    assert match.usable
    for named in ("disk", "auto"):
        result = po.segment(following, seed=named, start=5, by="mask", library=tmp_path, model=session)
        assert dice(result.mask, disk_labels(following)) > 0.5
        assert result.run.case.prompt.slice == 5
    po.seeds.rename("disk", "round", tmp_path)
    po.seeds.export("round", "~/seeds.zip", tmp_path)
    po.seeds.delete("round", tmp_path)
    assert po.seeds.list(tmp_path) == []
    assert [seed.name for seed in po.seeds.import_from("~/seeds.zip", tmp_path / "other")] == ["round"]
    assert po.seeds.restore("round", tmp_path).name == po.seeds.get("round", tmp_path).name
