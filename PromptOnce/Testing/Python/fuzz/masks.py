"""References and segmentation files: masks of zeros and ones on their grid, and the labels that are in the file."""

from __future__ import annotations

import base64
import json
import random
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from segmentation.sample_segmentations import GRID, apart, segments

from fuzz.mutations import as_bytes, cut, damaged, damaged_lines, json_bytes
from fuzz.reading import try_at_once
from fuzz.runner import Attempt, WrongError
from PromptOnceLib.cases.correction_record import TAG, CorrectionRecord
from PromptOnceLib.cases.recorded_result import read_recorded_result
from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.prompts.prompt import Box, ObjectPrompt, Prompt
from PromptOnceLib.prompts.prompt_set import PromptSet
from PromptOnceLib.segmentation.io import read_segmentation, write_segmentation
from PromptOnceLib.segmentation.reference import parse_reference, read_reference

_HEADER_ENDS = (b"\n\n", b"ElementDataFile = LOCAL\n")
_LABELS = ("1", "2", "3", "0", "-1", "1,2", "object 1", "OBJECT 1", "", ",", "1,,2", "x", "9" * 40, "\u0661", ":")


def _record() -> CorrectionRecord:
    box = Box(x0=0, y0=0, x1=3, y1=2)
    objects = tuple(ObjectPrompt(name=item.name, box=box) for item in segments(2))
    scores = ((0.5, 0.25, None),) * 2
    prompts = PromptSet.of(Prompt(axis=0, slice=1, objects=objects))
    return CorrectionRecord(axis=0, window="lung", prompts=prompts, presence=scores, predicted_iou=scores)


def _write(samples: Path) -> None:
    overlapping = [mask | apart()[0] for mask in apart()]
    tags = {TAG: _record().to_tag()}
    for ending in ("seg.nrrd", "nrrd", "nii.gz", "nii", "mha"):
        write_segmentation(samples / f"a.{ending}", apart(), segments(2), GRID, tags)
    write_segmentation(samples / "layers.seg.nrrd", overlapping, segments(2), GRID)


def _change(content: bytes, name: str, rng: random.Random) -> tuple[bytes, str]:
    """Other contents, and how they were made."""
    way = rng.random()
    if way < 0.03:
        return content, "sound"
    if way < 0.2:
        # What ends a packed file holds no voxel.
        return cut(content, rng, 12), "cut"
    end = next((end for end in _HEADER_ENDS if end in content), None)
    if name.endswith("seg.nrrd") and way < 0.3 and TAG.encode() in content:
        record = json_bytes(json.loads(_record().model_dump_json()), rng)
        packed = zlib.compress(record) if rng.random() < 0.9 else record
        return content.replace(_record().to_tag().encode(), base64.urlsafe_b64encode(packed)), "record"
    if end is not None and way < 0.8:
        header, rest = content.split(end, 1)
        return as_bytes(damaged_lines(header.decode("latin-1"), rng, ":=| ")) + end + rest, "header"
    return damaged(content, rng), "bytes"


def segmentations(samples: Path) -> Attempt:
    """.seg.nrrd with and without layers, and label maps; and the record of corrections in them."""
    try_at_once()
    _write(samples)
    names = sorted(path.name for path in samples.iterdir())

    def attempt(rng: random.Random, folder: Path) -> bool:
        name = rng.choice(names)
        content, way = _change((samples / name).read_bytes(), name, rng)
        (folder / name).write_bytes(content)
        try:
            found = read_segmentation(folder / name)
        except PromptOnceError:
            if way == "sound":
                raise WrongError("a sound file is refused") from None
            return False
        for mask in found.masks:
            if mask.shape != found.geometry.shape or mask.dtype != np.uint8 or mask.max(initial=0) > 1:
                raise WrongError(f"a mask of {mask.dtype} {mask.shape} for {found.geometry.shape}")
        if len(found.masks) != len(found.segments):
            raise WrongError("segments without masks")
        if way == "cut" and not np.array_equal(found.masks, read_segmentation(samples / name).masks):
            raise WrongError("a file that was cut off is read")
        _read_record(folder / name)
        return True

    return attempt


def _read_record(path: Path) -> None:
    """What it carries for corrections fits together."""
    try:
        found = read_recorded_result(path)
    except PromptOnceError:
        return
    result = found.result
    if result.axis not in (0, 1, 2) or result.presence.shape != result.masks.shape[:2]:
        raise WrongError("a record that does not fit its masks")


def references(samples: Path) -> Attempt:
    """Label maps, .seg.nrrd and pictures as references, with labels of every kind."""
    try_at_once()
    _write(samples)
    picture = np.zeros(GRID.shape[1:], np.uint8)
    picture[1:3, 2:4] = 1
    Image.fromarray(picture).save(samples / "a.png")
    Image.fromarray(picture).save(samples / "a.tif")
    files = {path.name: path.read_bytes() for path in samples.iterdir()}

    def attempt(rng: random.Random, folder: Path) -> bool:
        name = rng.choice(sorted(files))
        content, way = _change(files[name], name, rng)
        (folder / name).write_bytes(content)
        text = str(folder / name) + (f":{rng.choice(_LABELS)}" if rng.random() < 0.4 else "")
        notices: list[str] = []
        try:
            path, labels = parse_reference(text)
            found = read_reference(path, GRID, labels, notices.append)
        except PromptOnceError:
            return False
        if found.shape != GRID.shape or found.dtype not in (np.uint8, np.uint16):
            raise WrongError(f"labels of {found.dtype} {found.shape}")
        if way == "cut" and labels is None and not np.array_equal(found, read_reference(samples / name, GRID)):
            raise WrongError("a file that was cut off is read")
        if labels is not None and set(np.unique(found)) - {0, *labels, 1, 2}:
            raise WrongError("labels that were not asked for")
        return True

    return attempt
