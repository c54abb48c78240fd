"""DICOM series and files of many frames: every slice that comes out is one that went in, at the place it states."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from imaging.dicom_files import write_series
from imaging.enhanced_files import slices, write_enhanced, write_file, write_slice
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, RLELossless

from fuzz.mutations import ODD_VALUES, cut, damaged
from fuzz.reading import read, try_at_once
from fuzz.runner import Attempt, WrongError
from PromptOnceLib.imaging.dicom.tags import as_it_is
from PromptOnceLib.imaging.volume import Volume

COUNT = 5
_PIXELS = 0x7FE00010
# What decides how stored pixels become values; where one is changed, other values are right.
_ABOUT_VALUES = frozenset({0x00281052, 0x00281053, 0x00280103, 0x00280101, 0x00280102, 0x00280004, 0x00080060})


def _frame(number: int) -> np.ndarray:
    return (np.arange(48).reshape(6, 8) + 100 * number).astype(np.int16)


def _write(samples: Path) -> None:
    positions = slices(COUNT)
    for name, tags in (("ct", {}), ("mr", {"modality": "MR"}), ("echoes", {"modality": "MR"})):
        folder = samples / name
        folder.mkdir()
        for number, position in enumerate(positions):
            for echo in range(2 if name == "echoes" else 1):
                extra: dict[str, Any] = {"EchoNumbers": echo + 1} if name == "echoes" else {}
                uid = f"1.2.3.{number}.{echo}"
                path = folder / f"i{number}{echo}.dcm"
                write_slice(path, _frame(number), position, **tags, SOPInstanceUID=uid, **extra)
    write_series(samples / "itk", [0.0, 2.5, 5.0, 7.5])
    frames = [_frame(number) for number in range(COUNT)]
    phases = [{"FrameContentSequence": {"TemporalPositionIndex": number % 2 + 1}} for number in range(COUNT)]
    for name, groups in (("enhanced", None), ("phases", phases)):
        (samples / name).mkdir()
        write_enhanced(samples / name / "mf.dcm", frames, positions, groups=groups)
    for name, modality in (("xray", "DX"), ("ultrasound", "US")):
        (samples / name).mkdir()
        pixels = _frame(1) if name == "xray" else np.stack(frames)
        write_file(samples / name / "a.dcm", pixels.astype(np.uint16), modality, PixelSpacing=[0.2, 0.2])
    for name, syntax in (("rle", RLELossless), ("j2k", JPEG2000Lossless)):
        shutil.copytree(samples / "ct", samples / name)
        for path in (samples / name).iterdir():
            dataset = pydicom.dcmread(path)
            try:
                dataset.compress(syntax)
            except Exception:  # no encoder here
                shutil.rmtree(samples / name)
                break
            dataset.save_as(path)


def dicom(samples: Path) -> Attempt:
    """One file of a folder with values replaced, lost or doubled, bytes changed, or cut; read as folder or as file."""
    try_at_once()
    _write(samples)
    names = sorted(path.name for path in samples.iterdir())

    def attempt(rng: random.Random, folder: Path) -> bool:
        name = rng.choice(names)
        shutil.copytree(samples / name, folder / "a")
        files = sorted((folder / "a").iterdir())
        path, way = rng.choice(files), rng.random()
        content = path.read_bytes()
        comparable = way < 0.75
        if 0.03 < way < 0.2:
            path.write_bytes(cut(content, rng, 2))
        elif 0.2 < way < 0.65:
            comparable = _change_values(path, rng)
        elif 0.65 < way < 0.75:
            _change_files(files, rng)
        elif way > 0.75:
            path.write_bytes(damaged(content, rng, range(128, len(content) - 96) if rng.random() < 0.7 else None))
        volume = rng.choice((None, None, None, "1", "2"))
        remaining = sorted((folder / "a").iterdir())
        target = folder / "a" if rng.random() < 0.6 or not remaining else rng.choice(remaining)
        found = read(target, volume)
        if found is not None and 0.03 < way < 0.2 and (len(files) == 1 or target == path):
            raise WrongError("a file that was cut off is read")
        if found is not None and comparable:
            _compare(found, sorted((folder / "a").iterdir()))
        return found is not None

    return attempt


def _change_values(path: Path, rng: random.Random) -> bool:
    """Replace, lose or double elements anywhere in a header; whether the pixels keep their meaning."""
    with as_it_is():
        dataset = pydicom.dcmread(path)
        changed = set()
        for _ in range(rng.choice((1, 1, 2, 3))):
            parts = list(_all_parts(dataset))
            part, tag = rng.choice([(part, tag) for part in parts for tag in part.keys()])  # noqa: SIM118
            changed.add(int(tag))
            if tag == _PIXELS or rng.random() < 0.3:
                if tag != _PIXELS:
                    del part[tag]
                continue
            element = part[tag]
            if element.VR == "SQ":
                items = list(element.value)
                element.value = items[:-1] if rng.random() < 0.5 else items * 2
                continue
            try:
                part.add_new(tag, element.VR, _odd(element.value, rng))
            except Exception:  # not a value of this kind at all
                continue
        try:
            dataset.save_as(path, enforce_file_format=False)
        except Exception:
            return False
    return not changed & _ABOUT_VALUES


def _all_parts(dataset: Dataset) -> Any:
    """A dataset and all items of its sequences."""
    yield dataset
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _all_parts(item)


def _odd(value: Any, rng: random.Random) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str) and rng.random() < 0.6:
        values = list(value)
        what = rng.randrange(3)
        if what == 0 and values:
            values[rng.randrange(len(values))] = rng.choice((0, -1, 1e9, 0.001, 3.7, "nan", "inf", "x"))
        elif what == 1:
            values = values[:-1]
        else:
            values = values + values[:1]
        return values
    if isinstance(value, (int, float)) and rng.random() < 0.6:
        return type(value)(value) + rng.choice((1, -1, 0.001, 100))
    odd = rng.choice(ODD_VALUES)
    return odd if isinstance(odd, (int, float, str)) else str(odd)[:200]


def _change_files(files: list[Path], rng: random.Random) -> None:
    """Files lost, doubled, empty, or beside others."""
    path, what = rng.choice(files), rng.randrange(5)
    if what == 0:
        path.unlink()
    elif what == 1:
        shutil.copy(path, path.with_name("copy.dcm"))
    elif what == 2:
        path.write_bytes(b"")
    elif what == 3:
        path.with_name("notes.txt").write_bytes(rng.randbytes(200))
    else:
        path.write_bytes(rng.choice(files).read_bytes())


def _compare(found: Volume, files: list[Path]) -> None:
    """Every slice of a volume is a frame of a file, and lies where that states."""
    stored, all_known = [], True
    for path in files:
        try:
            with as_it_is():
                dataset = pydicom.dcmread(path)
                pixels = dataset.pixel_array
        except Exception:  # what another program does not read is not compared
            all_known = False
            continue
        for number, frame in enumerate(pixels if pixels.ndim == 3 else [pixels]):
            stored.append((frame.astype(np.float64), _position(dataset, number)))
    matrix = found.geometry.ijk_to_lps()
    for index, got in enumerate(found.array.astype(np.float64)):
        same = [place for frame, place in stored if frame.shape == got.shape and np.array_equal(frame, got)]
        if not same and all_known:
            raise WrongError(f"slice {index} is none that is stored")
        if any("does not state where" in notice or "without places" in notice for notice in found.notices):
            continue
        place = (matrix @ [0, 0, index, 1])[:3]
        known = [np.array(position, dtype=float) for position in same if position is not None]
        if known and min(np.linalg.norm(place - position) for position in known) > 0.2 * found.geometry.spacing[2]:
            raise WrongError(f"slice {index} lies at {place}, and states {known[0]}")


def _position(dataset: Dataset, frame: int) -> Any:
    try:
        groups = dataset.get("PerFrameFunctionalGroupsSequence")
        where = groups[frame].PlanePositionSequence[0] if groups else dataset
        found = [float(value) for value in where.ImagePositionPatient]
        return found if len(found) == 3 and np.isfinite(found).all() else None
    except Exception:  # no place, or none to be understood
        return None
