"""NIfTI-1 and -2, Analyze and FreeSurfer files, through nibabel: nothing that is missing is filled in.

nibabel reads all of them, with a gzip inside whatever they are called.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import nibabel as nib
import numpy as np

from PromptOnceLib.errors import InputError
from PromptOnceLib.imaging.formats.nifti_place import place_of
from PromptOnceLib.imaging.formats.pixel_kind import check_kind, incomplete, unreadable
from PromptOnceLib.imaging.formats.quiet import quiet_nibabel
from PromptOnceLib.imaging.nifti_forms import to_lps_mm
from PromptOnceLib.imaging.volume import Array, Geometry

_SINGLE = (".nii", ".nii.gz")
_PAIR = ((".hdr", ".img"), (".hdr.gz", ".img.gz"))
_FREESURFER = (".mgz", ".mgh")
_KINDS = "NIfTI, Analyze, FreeSurfer"

_BY_MAGIC: dict[bytes, Any] = {
    b"n+1\0": nib.Nifti1Image,
    b"ni1\0": nib.Nifti1Pair,
    b"n+2\0": nib.Nifti2Image,
    b"ni2\0": nib.Nifti2Pair,
}
_HEADER_BYTES = 540
_CHUNK = 1 << 20
_LARGEST_SCALE = 1e30  # scaled voxels are kept in float32, which ends at 3e38
_GZIP_MAGIC = b"\x1f\x8b"
_BEST_COMPRESSION = 1100  # more than deflate can reach: a file of n bytes holds less than n times this


@dataclass(frozen=True, eq=False)
class NiftiFile:
    """array: KJI, of the type in the file, with the channels last where it holds colours; notices: for the user."""

    array: Array
    geometry: Geometry
    notices: tuple[str, ...] = ()


def is_nifti(path: Path) -> bool:
    """Whether a file is for `read_nifti`, by its name or by its contents."""
    name = path.name.lower()
    return name.endswith((*_SINGLE, *_FREESURFER)) or _header_class(path) is not None


def read_nifti(path: Path) -> NiftiFile:
    """Image of a NIfTI, Analyze or FreeSurfer file; of a pair either file may be named.

    Raises VolumeError for files that are damaged, cut off, or no volume of numbers, GeometryError for a place that
    cannot be used.
    """
    with _as_our_errors(path), quiet_nibabel(), ExitStack() as held:
        image = _open(path, held)
        size = _size(image, path)
        array = _voxels(image, size, path)
        geometry, notices = place_of(image, size, path)
        return NiftiFile(array, geometry, notices)


def nifti_size(path: Path) -> tuple[int, int, int]:
    """Voxels along i, j, k, from the header alone; errors as of `read_nifti`."""
    with _as_our_errors(path), quiet_nibabel(), ExitStack() as held:
        return _size(_open(path, held), path)


def write_nifti(path: Path, labels: Array, geometry: Geometry) -> None:
    """Write a label map (KJI) as NIfTI-1, not atomically; a name that ends in .gz is compressed.

    The forms, codes and units are those of the NIfTI image that the geometry was read from; without one both forms
    state the geometry, in mm, with the code "scanner". The same labels give the same bytes. Raises OSError, and
    HeaderDataError where an axis is too long for NIfTI-1.
    """
    header = nib.Nifti1Header()
    if geometry.nifti is not None:
        geometry.nifti.write_to(header)
    else:
        to_ras = to_lps_mm(geometry.ijk_to_lps())  # the same two signs in either direction
        header.set_data_shape(geometry.size)
        header.set_qform(to_ras, code="scanner")
        header.set_sform(to_ras, code="scanner")
        header.set_xyzt_units("mm")
    header.set_data_dtype(labels.dtype)
    image = nib.Nifti1Image(labels.T, None, header)
    with path.open("wb") as file:
        if path.suffix.lower() != ".gz":
            image.to_stream(file)
            return
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as compressed:
            image.to_stream(compressed)


@contextmanager
def _as_our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except (EOFError, zlib.error) as error:
        raise incomplete(path.name) from error
    except Exception as error:  # nibabel raises whatever a damaged header brings about
        raise unreadable(path.name, _KINDS, detail=repr(error)) from error


def _open(path: Path, held: ExitStack) -> Any:
    """The image of nibabel whose files stay open until `held` is left; its voxels are not read yet."""
    kind = _header_class(path)
    if kind is None:
        raise unreadable(path.name, _KINDS)
    file_map = kind.make_file_map()
    files = _files(path)
    for role, holder in file_map.items():
        if role not in ("header", "image"):
            continue
        file = files[role]
        if not file.exists():
            raise unreadable(path.name, _KINDS, " The file with its voxels must lie beside it.")
        holder.fileobj = held.enter_context(_decompressed(file))
    return kind.from_file_map(file_map, mmap=False)


def _files(path: Path) -> dict[str, Path]:
    """Header and voxels of a pair; the file itself twice where it is none."""
    lower = path.name.lower()
    for header, voxels in _PAIR:
        for suffix in (header, voxels):
            if lower.endswith(suffix):
                stem = path.name[: -len(suffix)]
                return {"header": _beside(path, stem, header), "image": _beside(path, stem, voxels)}
    return {"header": path, "image": path}


def _beside(path: Path, stem: str, suffix: str) -> Path:
    """The file of this stem and ending, compressed or not, in small or capital letters."""
    plain = suffix.removesuffix(".gz")
    endings = [suffix, suffix.upper(), plain, plain.upper(), f"{plain}.gz"]
    candidates = [path.with_name(stem + ending) for ending in endings]
    return next((candidate for candidate in candidates if candidate.exists()), candidates[0])


def _header_class(path: Path) -> Any | None:
    """The class of nibabel for a file, by its first bytes; FreeSurfer's by its name, as it has none to tell it by."""
    lower = path.name.lower()
    if lower.endswith(_FREESURFER):
        return nib.MGHImage
    header = _files(path)["header"]
    if not header.is_file():
        return None
    with _decompressed(header) as file:
        try:
            start = file.read(_HEADER_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return None
    found = _BY_MAGIC.get(start[344:348]) or _BY_MAGIC.get(start[4:8])
    if found is None and lower.endswith(tuple(sum(_PAIR, ()))) and nib.AnalyzeHeader.may_contain_header(start):
        found = nib.AnalyzeImage
    return found


@contextmanager
def _decompressed(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        if file.peek(2)[:2] != _GZIP_MAGIC:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as contents:
            yield contents  # type: ignore[misc]  # reads like a binary file


def _size(image: Any, path: Path) -> tuple[int, int, int]:
    """Voxels along i, j, k; VolumeError for what is not one volume of numbers, or would not fit into its file."""
    shape = tuple(map(int, image.shape))
    if not shape or min(shape) < 1 or len(shape) > 7:
        raise unreadable(path.name, _KINDS, detail=f"dimensions {shape}")
    dtype = image.get_data_dtype()
    vector = len(shape) == 5 and shape[3] == 1
    components, volumes = (shape[4], 1) if vector else (1, math.prod(shape[3:]))
    check_kind(path.name, volumes, components, colour=False, complex_numbers=dtype.kind == "c")
    file = _files(path)["image"]
    with file.open("rb") as raw:
        compressed = raw.read(2) == _GZIP_MAGIC
    most = file.stat().st_size * (_BEST_COMPRESSION if compressed else 1)
    offset = int(getattr(image.dataobj, "offset", 0))
    if offset + math.prod(shape) * dtype.itemsize > most:
        raise incomplete(path.name)
    i, j, k = (*shape[:3], 1, 1)[:3]
    return i, j, k


def _voxels(image: Any, size: tuple[int, int, int], path: Path) -> Array:
    """Voxels in KJI order; whole numbers stay whole unless the header scales them, which gives float32 as in ITK."""
    proxy = image.dataobj
    scaled = (proxy.slope, proxy.inter) != (1.0, 0.0)
    if max(abs(proxy.slope), abs(proxy.inter)) > _LARGEST_SCALE:
        raise unreadable(path.name, _KINDS, detail=f"scaled by {proxy.slope}, {proxy.inter}")
    try:
        precision = np.float64 if proxy.dtype.itemsize == 8 and proxy.dtype.kind == "f" else np.float32
        array: Any = np.asanyarray(proxy, dtype=precision) if scaled else proxy.get_unscaled()
    except OSError as error:  # nibabel's own, where fewer bytes come than the header promises
        raise incomplete(path.name) from error
    _to_the_end(image)
    if array.dtype.names:  # colours: one byte each for red, green, blue and alpha
        channels = len(array.dtype.names)
        colours: Array = np.stack([array[name] for name in array.dtype.names], axis=-1)
        return np.ascontiguousarray(colours.reshape((*size, channels), order="F").transpose(2, 1, 0, 3))
    native = array.dtype.newbyteorder("=") if array.dtype.itemsize <= 8 else np.dtype(np.float64)
    in_order: Array = array.astype(native, copy=False).reshape(size, order="F").T
    return in_order


def _to_the_end(image: Any) -> None:
    """Read what follows the voxels: at the very end a compressed file has its checksum."""
    file = image.file_map.get("image", image.file_map.get("header")).fileobj
    while file.read(_CHUNK):
        pass
