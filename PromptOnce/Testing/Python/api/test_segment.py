"""PromptOnceLib for scripts: what the README shows, several objects, cancelling, and what is refused."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from imaging.enhanced_files import blob, slices, write_enhanced
from worker.disks import disk_frames, disk_prompt
from worker.gate import Gate

import PromptOnceLib as po
from PromptOnceLib.api import loaded_model
from PromptOnceLib.cases import outputs
from PromptOnceLib.cases.samples import write_sample
from PromptOnceLib.errors import (
    GeometryError,
    InputError,
    PromptError,
    ResultsFolderError,
    SeedError,
    SeveralVolumesError,
)
from PromptOnceLib.imaging.volume import Geometry
from PromptOnceLib.prompts.prompt import encode_mask
from PromptOnceLib.segmentation.io import read_segmentation
from PromptOnceLib.segmentation.metrics import dice

README = Path(__file__).resolve().parents[4] / "README.md"


def disk_volume(slices: int = 11) -> po.Volume:
    frames = disk_frames(slices=slices)
    return po.Volume(frames.astype(np.int16), Geometry((frames.shape[2], frames.shape[1], slices), (1.0, 1.0, 3.0)))


def disk_labels(volume: po.Volume) -> np.ndarray:
    y, x = np.mgrid[: volume.array.shape[1], : volume.array.shape[2]]
    return np.stack([np.hypot(x - 45 - k, y - 40) < 16 for k in range(len(volume.array))]).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> Iterator[po.Session]:
    with po.Session(device="cpu", precision="float32", threads=1) as opened:
        yield opened


def test_one_of_several_volumes_is_read_by_its_number(tmp_path: Path) -> None:
    groups = [{"MREchoSequence": {"EffectiveEchoTime": 5.0 * (1 + k // 3)}} for k in range(6)]
    path = write_enhanced(tmp_path / "mf.dcm", [blob(k) for k in range(6)], slices(3) * 2, "MR", groups)
    assert po.read(path, 2).array.max(axis=(1, 2)).tolist() == [7, 7, 7]
    assert po.read(str(path), volume="echo time 10 ms").array.min(axis=(1, 2)).tolist() == [3, 4, 5]
    with pytest.raises(SeveralVolumesError, match="echo time 5 ms"):
        po.read(path)


def test_the_readmes_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    write_sample("chest", tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(block, names)
    result, mask = names["result"], names["mask"]
    assert isinstance(result, po.Segmentation)
    assert result.dice() > 0.5
    assert mask.shape == (34, 128, 128)
    assert mask.dtype == np.uint8
    assert np.array_equal(read_segmentation(tmp_path / "lungs.seg.nrrd").masks[0], mask)


def test_importing_the_package_loads_nothing_and_it_offers_the_names_of_the_api() -> None:
    code = "import sys, PromptOnceLib; print([m for m in sys.modules if m.split('.')[0] in ('numpy', 'SimpleITK')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
    assert set(po.__all__) <= set(dir(po))
    assert all(getattr(po, name) is not None for name in po.__all__)
    stub = (Path(po.__file__).with_suffix(".pyi")).read_text(encoding="utf-8")
    assert set(re.findall(r'^    "(\w+)",$', stub, re.MULTILINE)) == set(po.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = po.nothing


def test_several_objects_of_a_prompt_have_masks_by_name_and_a_table(model: po.Session, tmp_path: Path) -> None:
    volume = disk_volume()
    ground = po.ObjectPrompt(name="ground", box=po.Box(x0=2, y0=60, x1=40, y1=78))
    prompt = po.Prompt(slice=5, objects=(*disk_prompt().objects, ground))
    seen: list[tuple[int, int]] = []
    result = po.segment(
        volume, prompt=prompt, window="full", model=model, on_progress=lambda done, total: seen.append((done, total))
    )
    assert result.names == ("disk", "ground")
    assert seen == [(n, 11) for n in range(1, 12)]
    masks = result.masks
    assert dice(masks["disk"], disk_labels(volume)) > 0.9
    assert result.dice(disk_labels(volume), "disk") == dice(masks["disk"], disk_labels(volume))
    assert (masks["ground"] != masks["disk"]).any()
    assert result.millilitres == {name: pytest.approx(mask.sum() * 0.003) for name, mask in masks.items()}
    assert result.ml == pytest.approx((masks["disk"] | masks["ground"]).sum() * 0.003)
    assert not result.cancelled
    assert [(row.object_name, row.slice) for row in result.slices] == [
        (name, index) for name in ("disk", "ground") for index in range(11)
    ]
    assert np.array_equal(sitk.GetArrayFromImage(result.sitk("ground")), masks["ground"])
    with pytest.raises(InputError, match=r"several objects: take masks\[name\] for one of disk, ground"):
        _ = result.mask
    with pytest.raises(InputError, match='no object "liver"'):
        result.sitk("liver")
    with pytest.raises(InputError, match="nothing to compare"):
        result.dice()
    result.save(tmp_path / "disk.seg.nrrd", csv=tmp_path / "disk.csv", sheet=tmp_path / "disk.png")
    assert {path.name for path in tmp_path.iterdir()} == {"disk.seg.nrrd", "disk.csv", "disk.png"}
    with pytest.raises(InputError):
        result.save(tmp_path / "disk.txt")


def test_a_prompt_from_labels_is_compared_with_a_reference_in_a_range(model: po.Session) -> None:
    volume = disk_volume()
    labels = disk_labels(volume)
    result = po.segment(
        volume, prompt_from=labels, reference=labels, name="disk", window="full", first=4, last=6, model=model
    )
    assert result.names == ("disk",)
    assert [row.slice for row in result.slices if row.computed] == [4, 5, 6]
    assert 0 < result.dice() < 1
    assert result.dice(labels) == result.dice()
    assert result.dice(result.sitk()) == 1
    assert result.show().width > 500
    rows = result.table if isinstance(result.table, list) else result.table.to_dict("records")
    assert [row["slice"] for row in rows if row["computed"]] == [4, 5, 6]
    assert rows[5]["object"] == "disk"
    assert rows[5]["dice"] > 0.9


def test_objects_that_a_file_names_are_prompted_and_compared_by_name(model: po.Session, tmp_path: Path) -> None:
    volume = disk_volume()
    labels = disk_labels(volume).astype(np.uint8)
    labels[:, 60:78, 2:40] = 2
    sitk.WriteImage(volume.geometry.to_image(labels), str(tmp_path / "two.nrrd"))
    text = f"{tmp_path / 'two.nrrd'}:1=disk,2=ground"
    result = po.segment(volume, prompt_from=text, reference=text, window="full", model=model)
    assert result.names == ("disk", "ground")
    for number, name in enumerate(result.names, start=1):
        expected = dice(result.masks[name], labels == number)
        assert result.dice(name=name) == result.dice(text, name) == expected
        (row,) = (row for row in result.slices if (row.object_name, row.slice) == (name, 4))
        assert row.dice == dice(result.masks[name][4], labels[4] == number)
    assert result.dice() == dice(result.masks["disk"] | result.masks["ground"], labels > 0)
    alone = po.segment(volume, prompt=disk_prompt(5), reference=text, window="full", model=model)
    assert alone.dice() == alone.dice(text) == dice(alone.mask, labels == 1)
    with pytest.raises(PromptError, match="no name yet"):
        po.segment(volume, prompt_from=text, name="both", window="full", model=model)


def test_a_run_that_is_cancelled_keeps_what_is_done(model: po.Session) -> None:
    volume, seen = disk_volume(300), []
    result = po.segment(
        volume,
        prompt=disk_prompt(5),
        window="full",
        model=model,
        on_progress=lambda done, _: seen.append(done),
        should_cancel=lambda: bool(seen),
    )
    assert result.cancelled
    assert result.mask[5].any()
    assert 0 < sum(row.computed for row in result.slices) < 300


@pytest.mark.usefixtures("_fake_worker")
def test_what_is_computed_is_kept_when_the_worker_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    with Gate(slices=5) as gate:
        monkeypatch.setenv(*gate.variable)
        # Asked all the time: the worker is killed as soon as it stands at the gate.
        killed: list[bool] = []

        def watching() -> bool:
            if not killed and gate.stopped():
                gate.kill()
                killed.append(True)
            return False

        result = po.segment(disk_volume(), prompt=disk_prompt(5), window="full", should_cancel=watching)
    assert result.cancelled
    assert "ended unexpectedly" in result.notices[-1]
    assert sum(row.computed for row in result.slices) == 5
    assert result.mask[5].any()


@pytest.mark.usefixtures("_fake_worker")
def test_a_result_that_cannot_be_saved_is_kept_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = po.segment(disk_volume(), prompt=disk_prompt(5), window="full")
    write = outputs.write_segmentation

    def full_there(path: Path, *rest: object) -> object:
        if path.parent.name == "there":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, *rest)

    monkeypatch.setattr(outputs, "write_segmentation", full_there)
    (tmp_path / "there").mkdir()
    with pytest.raises(ResultsFolderError, match="The results are in") as error:
        result.save(tmp_path / "there" / "disk.nii.gz")
    (kept,) = tmp_path.glob("promptonce-results-*/disk.nii.gz")
    assert str(kept.parent) in error.value.message


def test_what_cannot_be_segmented_is_refused_before_a_worker_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(loaded_model, "start_segmenter", unwanted)
    volume = disk_volume()
    with pytest.raises(InputError, match="one prompt"):
        po.segment(volume)
    with pytest.raises(InputError, match="one prompt"):
        po.segment(volume, box=(30, 20, 60, 60), prompt=disk_prompt())
    with pytest.raises(PromptError):
        po.segment(volume, box=(30, 20, 600, 60))
    with pytest.raises(InputError, match="range"):
        po.segment(volume, box=(30, 20, 60, 60), first=7)
    with pytest.raises(GeometryError, match="do not lie on the grid"):
        po.segment(volume, prompt_from=np.ones((2, 3, 4), np.uint8))
    with pytest.raises(PromptError, match="S1 segments everything"):
        po.segment(volume, prompt_from=np.ones_like(volume.array), strategy="S1")
    with pytest.raises(PromptError, match="goes with a prompt from a segmentation"):
        po.segment(volume, box=(30, 20, 60, 60), strategy="S5")
    for wrong in ({"zoom": "big"}, {"between": "x"}, {"clean_up": "Largest"}, {"direction": "up"}):
        with pytest.raises(InputError, match="it is"):
            po.segment(volume, box=(30, 20, 60, 60), **wrong)
    with pytest.raises(InputError, match="clean_up cannot be 'Largest'"):
        po.batch.run([volume], tmp_path / "run", prompt=tmp_path / "p.json", clean_up="Largest")
    with pytest.raises(InputError, match="slice is the number of a slice, from 0, not '5'"):
        po.segment(volume, box=(30, 20, 60, 60), slice="5")
    with pytest.raises(PromptError, match="one point too"):
        po.segment(volume, points=(30, 30))
    with pytest.raises(PromptError, match="go with a seed"):
        po.segment(volume, box=(30, 20, 60, 60), by="mask")
    with pytest.raises(PromptError, match="A name goes with one object"):
        po.segment(volume, objects={"a": {"box": (30, 20, 60, 60)}, "b": {"box": (30, 20, 60, 60)}}, name="c")
    with pytest.raises(PromptError, match="four numbers"):
        po.segment(volume, box=(30, 20, 60))
    with pytest.raises(PromptError, match='"liver" does not know "colour"'):
        po.segment(volume, objects={"liver": {"colour": 1}})
    with pytest.raises(PromptError, match='"liver" marks nothing'):
        po.segment(volume, objects={"liver": {}})
    with pytest.raises(SeedError, match="no seed called"):
        po.segment(volume, seed="lungs", library=tmp_path)
    with pytest.raises(SeedError, match="it is empty"):
        po.segment(volume, seed="auto", library=tmp_path)


def test_several_objects_points_and_masks_by_hand_are_those_of_a_prompt(model: po.Session) -> None:
    volume, drawn = disk_volume(), disk_labels(disk_volume())[5]
    by_hand = po.segment(
        volume,
        objects={"disk": {"points": [(50, 40), (5, 5, 0)]}, "drawn": {"mask": drawn}},
        window="full",
        model=model,
    )
    points = (po.Point(x=50, y=40, positive=True), po.Point(x=5, y=5, positive=False))
    drawn_object = po.ObjectPrompt(name="drawn", mask=encode_mask(drawn > 0))
    prompt = po.Prompt(slice=5, objects=(po.ObjectPrompt(name="disk", points=points), drawn_object))
    same = po.segment(volume, prompt=prompt, window="full", model=model)
    for name in ("disk", "drawn"):
        assert np.array_equal(by_hand.masks[name], same.masks[name])
    one = po.segment(volume, mask=drawn, name="drawn", window="full", model=model)
    assert dice(one.mask, disk_labels(volume)) > 0.9
    two = po.segment(volume, positive=[(50, 40)], negative=[(5, 5)], name="disk", window="full", model=model)
    assert dice(two.mask, same.masks["disk"]) > 0.9
