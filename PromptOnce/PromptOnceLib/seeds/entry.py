"""One seed as files: seed.json, frame.png, and mask-1.png for the first object and so on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.errors import SeedError
from PromptOnceLib.files.png import PngHeader, decode_png, encode_png, png_header
from PromptOnceLib.seeds.seed import Seed, SeedRecord, record_from_json

RECORD_FILE = "seed.json"
FRAME_FILE = "frame.png"
ENTRY_NAME = re.compile(r"[0-9a-f]{32}")
FILE_NAME = re.compile(r"seed\.json|frame\.png|mask-[1-9][0-9]?\.png")

LARGEST_RECORD = 4 * 2**20  # bytes; thousands of points are far below
LARGEST_PICTURE = 64 * 2**20


def mask_file(index: int) -> str:
    """Name of the file of an object's mask; index counts from 0."""
    return f"mask-{index + 1}.png"


def largest(name: str) -> int:
    """Greatest size in bytes of a file of this name."""
    return LARGEST_RECORD if name == RECORD_FILE else LARGEST_PICTURE


def encoded(seed: Seed) -> Iterator[tuple[str, bytes]]:
    """Names and contents of a seed's files."""
    yield RECORD_FILE, (seed.record.to_json() + "\n").encode("utf-8")
    yield FRAME_FILE, encode_png(seed.frame)
    for index, mask in enumerate(seed.masks):
        yield mask_file(index), encode_png(mask)


def decoded(files: Mapping[str, bytes]) -> Seed:
    """Seed from the contents of its files by name; others are ignored. Raises SeedError for a missing or bad one."""
    if RECORD_FILE not in files:
        raise SeedError(f"{RECORD_FILE} is missing.")
    return _with_pictures(record_from_json(files[RECORD_FILE]), files)


def read_record(folder: Path) -> SeedRecord:
    """What seed.json in an entry's folder says. Raises SeedError, FileNotFoundError where there is no such file."""
    record = record_from_json(_content(folder / RECORD_FILE))
    if record.id != folder.name:
        raise SeedError("The folder has not the name of the seed in it: copy seeds by exporting and importing them.")
    return record


def read_entry(folder: Path) -> Seed:
    """Seed from an entry's folder. Raises SeedError, FileNotFoundError where a file is not there (any more)."""
    record = read_record(folder)
    names = [FRAME_FILE, *(mask_file(index) for index in range(len(record.objects)))]
    return _with_pictures(record, {name: _content(folder / name) for name in names})


def _with_pictures(record: SeedRecord, files: Mapping[str, bytes]) -> Seed:
    names = [mask_file(index) for index in range(len(record.objects))]
    for name in (FRAME_FILE, *names):
        if name not in files:
            raise SeedError(f"{name} is missing.")
    frame = _pixels(files[FRAME_FILE], FRAME_FILE, record.shape, depth=8)
    return Seed(record, frame, tuple(_pixels(files[name], name, record.shape, depth=1) != 0 for name in names))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(largest(path.name) + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SeedError(f"{path.name} cannot be read: {error.strerror or error}.", repr(error)) from error
    if len(content) > largest(path.name):
        raise SeedError(f"{path.name} is too large to belong to a seed.")
    return content


def _pixels(content: bytes, name: str, shape: tuple[int, int], depth: int) -> NDArray[np.uint8]:
    """Grey pixels of a PNG of exactly this shape (rows, columns) and bit depth."""
    header = png_header(content)
    if header is None:
        raise SeedError(f"{name} is not a PNG image.")
    if header != PngHeader(*shape, depth, grey=True):
        raise SeedError(f"{name} is not a {depth}-bit grey image of {shape[0]} rows and {shape[1]} columns.")
    try:
        return decode_png(content, header)
    except ValueError as error:
        raise SeedError(f"{name} is damaged and cannot be read.", repr(error)) from error
