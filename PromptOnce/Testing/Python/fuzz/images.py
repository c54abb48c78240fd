"""NIfTI, NRRD, MetaImage and pictures: what is read has the voxels and the size that another program finds in it."""

from __future__ import annotations

import gzip
import io
import random
import warnings
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from PIL import Image, ImageFile

from fuzz.mutations import as_bytes, cut, damaged, damaged_lines
from fuzz.reading import read, try_at_once
from fuzz.runner import Attempt, WrongError
from PromptOnceLib.imaging.volume import Volume

SIZE = (6, 5, 4)


def voxels(kind: type = np.int16) -> np.ndarray:
    """(k, j, i); every voxel another value."""
    return np.arange(int(np.prod(SIZE))).reshape(SIZE[::-1]).astype(kind)


def nifti(samples: Path) -> Attempt:
    """NIfTI-1 and -2, Analyze, pairs, packed or not: fields of the header set to odd values, cut, bits turned."""
    try_at_once()
    for name, kind in (("a.nii", nib.Nifti1Image), ("b.nii", nib.Nifti2Image), ("c.img", nib.Nifti1Pair)):
        for number in (np.uint8, np.int16, np.float32):
            image = kind(voxels(number).T, np.diag([0.8, 0.8, 2.5, 1.0]))
            image.set_qform(image.affine, 1)
            nib.save(image, samples / f"{number.__name__}-{name}")
    nib.save(nib.AnalyzeImage(voxels().T, np.eye(4)), samples / "analyze.img")
    names = sorted(path.name for path in samples.iterdir() if path.suffix != ".hdr")

    def attempt(rng: random.Random, folder: Path) -> bool:
        name = rng.choice(names)
        content = (samples / name).read_bytes()
        header = samples / f"{name[:-4]}.hdr"
        pair = header.exists()
        way = rng.random()
        if way < 0.02:
            sound, short = True, False
        else:
            sound, short = False, way < 0.2
        packed = rng.random() < 0.4
        start = header.read_bytes() if pair else content[: 352 if "-a" in name else 544]
        rest = content if pair else content[len(start) :]
        if not (sound or short):
            fields = _FIELDS_2 if "-b" in name else _FIELDS_1
            start = damaged(start, rng, fields if rng.random() < 0.7 else None)
        whole = rest if pair else start + rest
        if packed:
            whole, start = gzip.compress(whole, mtime=0), gzip.compress(start, mtime=0)
            if not (sound or short) and rng.random() < 0.3:
                whole = damaged(whole, rng)
        if short:
            whole = cut(whole, rng)
        end = ".gz" if packed else ""
        path = folder / f"{name}{end}"
        path.write_bytes(whole)
        if pair:
            (folder / f"{name[:-4]}.hdr{end}").write_bytes(start)
        found = read(path)
        if found is None:
            if sound:
                raise WrongError("a sound file is refused")
            return False
        if short:
            raise WrongError("a file that was cut off is read")
        _compare(found, _by_nibabel(path))
        return True

    return attempt


_FIELDS_1 = range(0, 348, 2)
_FIELDS_2 = range(0, 540, 4)


def _by_nibabel(path: Path) -> np.ndarray | None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            image = nib.load(path)
            # What SPM writes into unused fields of Analyze is no scale for other programs.
            spm = isinstance(image, nib.Spm99AnalyzeImage)
            return np.asarray(image.dataobj.get_unscaled() if spm else image.dataobj).T
        except Exception:  # what it does not read is not compared
            return None


def _compare(found: Volume, other: np.ndarray | None) -> None:
    """Equal voxels in the same order, where another program reads the file as grey values too."""
    if other is None or other.dtype.fields or other.dtype.kind not in "iuf":
        return
    other = other.reshape([1] * (3 - other.ndim) + [*other.shape]) if other.ndim < 3 else other
    if other.shape != found.array.shape:
        other = other.reshape([size for size in other.shape if size > 1])
        if other.shape != tuple(size for size in found.array.shape if size > 1):
            raise WrongError(f"{found.array.shape} voxels, where another program finds {other.shape}")
        other = other.reshape(found.array.shape)
    with np.errstate(all="ignore"):
        if not np.allclose(found.array.astype(np.float64), other.astype(np.float64), rtol=1e-5, equal_nan=True):
            raise WrongError("other voxels than another program finds")


def _text_headers(write: Callable[[Path], list[Path]], separators: str, end: bytes) -> Callable[[Path], Attempt]:
    """Formats of a text header before the voxels."""

    def prepare(samples: Path) -> Attempt:
        try_at_once()
        files = [(path.name, path.read_bytes()) for path in write(samples)]
        sound = [read(samples / name) for name, _ in files]
        beside = {path.name: path.read_bytes() for path in samples.iterdir()}

        def attempt(rng: random.Random, folder: Path) -> bool:
            number = rng.randrange(len(files))
            name, content = files[number]
            expected = sound[number]
            assert expected is not None
            for other, stored in beside.items():
                if other != name:
                    (folder / other).write_bytes(stored)
            place = content.index(end) + len(end) if end in content else len(content)
            header, rest = content[:place], content[place:]
            way = rng.random()
            if 0.02 < way < 0.2 and rest:
                rest = cut(rest, rng)
            elif 0.2 < way < 0.75:
                header = as_bytes(damaged_lines(header[:-1].decode("latin-1"), rng, separators)) + header[-1:]
            elif way > 0.75:
                header = damaged(header, rng)
            (folder / name).write_bytes(header + rest)
            found = read(folder / name)
            if way < 0.2:
                whole = len(header + rest) == len(content)
                if found is None and whole:
                    raise WrongError("a sound file is refused")
                if found is not None and not np.array_equal(found.array, expected.array):
                    raise WrongError("a file that was cut off is read")
            elif found is not None and found.array.nbytes > 64 * len(content) + sum(map(len, beside.values())) * 64:
                raise WrongError(f"{found.array.nbytes} bytes out of {len(content)}")
            return found is not None

        return attempt

    return prepare


def _write_nrrd(samples: Path) -> list[Path]:
    paths = []
    for kind in (np.uint8, np.int16, np.float64):
        image = sitk.GetImageFromArray(voxels(kind))
        image.SetSpacing((0.8, 0.8, 2.5))
        for packed, ending in ((True, "nrrd"), (False, "nrrd"), (False, "nhdr")):
            path = samples / f"{kind.__name__}-{packed}.{ending}"
            sitk.WriteImage(image, str(path), useCompression=packed)
            paths.append(path)
    as_numbers = " ".join(map(str, range(120)))
    for encoding, content in (("ascii", as_numbers), ("hex", bytes(range(120)).hex())):
        path = samples / f"{encoding}.nrrd"
        text = "NRRD0004\n# c\ntype: uchar\ndimension: 3\nsizes: 6 5 4\nkinds: domain domain domain\nkey:=v\n"
        path.write_text(f"{text}encoding: {encoding}\n\n{content}")
        paths.append(path)
    return paths


def _write_metaimage(samples: Path) -> list[Path]:
    paths = []
    for kind in (np.uint8, np.int16, np.float32):
        image = sitk.GetImageFromArray(voxels(kind))
        image.SetSpacing((0.8, 0.8, 2.5))
        for packed, ending in ((True, "mha"), (False, "mha"), (False, "mhd"), (True, "mhd")):
            path = samples / f"{kind.__name__}-{packed}.{ending}"
            sitk.WriteImage(image, str(path), useCompression=packed)
            paths.append(path)
    return paths


nrrd = _text_headers(_write_nrrd, ":= ", b"\n\n")
metaimage = _text_headers(_write_metaimage, "= ", b"ElementDataFile = LOCAL\n")


_FORMATS = {"jpg": "JPEG", "tif": "TIFF", "tiff": "TIFF"}


def pictures(samples: Path) -> Attempt:
    """PNG, JPEG, BMP and TIFF of several modes: bits turned, numbers replaced, cut."""
    try_at_once()
    rng = np.random.default_rng(0)
    for mode, shape in (("L", (9, 7)), ("RGB", (9, 7, 3)), ("1", (9, 7)), ("I;16", (9, 7)), ("LA", (9, 7, 2))):
        pixels = rng.integers(0, 255, shape).astype(np.uint16 if mode == "I;16" else np.uint8)
        picture = Image.fromarray(pixels > 99) if mode == "1" else Image.fromarray(pixels)
        for ending in ("png", "jpg", "bmp", "tif", "tiff"):
            options = {"compression": "tiff_lzw"} if ending == "tiff" else {}
            buffer = io.BytesIO()
            try:
                picture.save(buffer, _FORMATS.get(ending, ending.upper()), **options)
            except (OSError, KeyError):
                continue
            path = samples / f"{mode.replace(';', '')}.{ending}"
            path.write_bytes(buffer.getvalue())
            if read(path) is None:
                path.unlink()
    names = sorted(path.name for path in samples.iterdir())
    assert len(names) > 10, names

    def attempt(rng: random.Random, folder: Path) -> bool:
        name = rng.choice(names)
        content = (samples / name).read_bytes()
        way = rng.random()
        if 0.02 < way < 0.25:
            content = cut(content, rng, 22)  # a PNG that lost its checksums and last chunk has all its pixels
        elif 0.25 < way < 0.6:
            content = damaged(content, rng, range(64))
        elif way > 0.6:
            content = damaged(content, rng)
        (folder / name).write_bytes(content)
        found = read(folder / name)
        if way <= 0.02 and found is None:
            raise WrongError("a sound file is refused")
        if 0.02 < way < 0.25 and found is not None:
            raise WrongError("a file that was cut off is read")
        if found is not None:
            _check_size(found, folder / name)
        return found is not None

    return attempt


def _check_size(found: Volume, path: Path) -> None:
    """As many rows and columns as Pillow finds."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(path) as picture:
            columns, rows = picture.size
    except Exception:  # what it does not read is not compared
        return
    if found.array.shape[1:] != (rows, columns):
        raise WrongError(f"{found.array.shape[1:]} rows and columns, where another program finds {(rows, columns)}")
