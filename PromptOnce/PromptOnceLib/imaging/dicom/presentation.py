"""How stored values are meant: rescaled, padding, and the window in which they are to be shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from PromptOnceLib.imaging.dicom.tags import Tags
from PromptOnceLib.imaging.volume import Array

_MODALITY_LUT, _VOI_LUT = 0x00283000, 0x00283010


@dataclass(frozen=True, eq=False)
class Table:
    """A lookup table: values[0] for `first` and all below, values[-1] for the end and all above."""

    first: int
    values: NDArray[np.float64]

    def __call__(self, array: Array) -> NDArray[np.float64]:
        """Values looked up."""
        places = np.clip(np.asarray(array, dtype=np.int64) - self.first, 0, len(self.values) - 1)
        return self.values[places]


@dataclass(frozen=True, eq=False)
class Transform:
    """From stored values to the modality's own, such as HU: slope and intercept, or a table.

    stored: lowest and highest value that can be stored. padding: range of stored values that mean nothing was measured.
    """

    slope: float
    intercept: float
    table: Table | None
    stored: tuple[int, int]
    padding: tuple[float, float] | None

    @classmethod
    def of(cls, tags: Tags) -> Transform:
        """The transform of a frame."""
        slope, intercept = tags.number(0x00281053), tags.number(0x00281052)
        bits = min(32, max(1, tags.integer(0x00280101, tags.integer(0x00280100, 16))))
        signed = tags.integer(0x00280103) == 1
        stored = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        tables = tags.items(_MODALITY_LUT)
        table = _table(tables[0], signed) if tables else None
        padding = _padding(tags, signed)
        return cls(1.0 if slope is None or slope == 0 else slope, intercept or 0.0, table, stored, padding)

    @property
    def whole(self) -> bool:
        """Whether it makes integers of integers."""
        return self.table is None and self.slope.is_integer() and self.intercept.is_integer()

    def __call__(self, stored: Array) -> NDArray[np.float64]:
        """The modality's values, float64."""
        if self.table is not None:
            return self.table(stored)
        return np.asarray(stored, dtype=np.float64) * self.slope + self.intercept

    def ends(self) -> tuple[float, float]:
        """Lowest and highest value it can give."""
        if self.table is not None:
            return float(self.table.values.min()), float(self.table.values.max())
        low, high = sorted(self(np.array(self.stored)).tolist())
        return low, high

    def padding_values(self) -> tuple[float, float] | None:
        """Range of values that mean that nothing was measured."""
        if self.padding is None:
            return None
        low, high = sorted(self(np.array(self.padding)).tolist())
        return low, high


def file_window(tags: Tags) -> tuple[float, float] | None:
    """Lower and upper end of the first window that the header gives, or of the span of its table."""
    level, width = tags.number(0x00281050), tags.number(0x00281051)
    if level is not None and width is not None and width > 0:
        return window_ends(level, width, tags.text(0x00281056))
    tables = tags.items(_VOI_LUT)
    table = _table(tables[0], signed=tags.integer(0x00280103) == 1) if tables else None
    if table is None or np.ptp(table.values) == 0:
        return None
    share = (table.values - table.values.min()) / np.ptp(table.values)
    rising = np.flatnonzero((share > 0.01) & (share < 0.99))
    if len(rising) < 2:
        return None
    return float(table.first + rising[0]), float(table.first + rising[-1])


def window_ends(level: float, width: float, function: str) -> tuple[float, float]:
    """Lower and upper end of a window as DICOM means level, width and VOI LUT function (PS3.3 C.11.2.1.2)."""
    if function.upper() in ("", "LINEAR") and width > 1:
        level, width = level - 0.5, width - 1
    return level - width / 2, level + width / 2


def _padding(tags: Tags, signed: bool) -> tuple[float, float] | None:
    value, limit = tags.number(0x00280120), tags.number(0x00280121)
    if value is None:
        return None
    low, high = sorted(_with_sign(one, signed) for one in (value, value if limit is None else limit))
    return low, high


def _with_sign(value: float, signed: bool) -> float:
    """A stored value of 16 bits whose sign the header may have left open, or stated differently from the pixels."""
    if signed:
        return value - 65536 if value > 32767 else value
    return value + 65536 if value < 0 else value


def _table(item: Tags, signed: bool) -> Table | None:
    """The table in an item of a LUT sequence; None where it is incomplete."""
    descriptor, data = item.numbers(0x00283002, 3), item.value(0x00283006)
    if descriptor is None or data is None:
        return None
    count = int(descriptor[0]) or 65536
    if isinstance(data, bytes):
        values = np.frombuffer(data, dtype="<u2" if len(data) >= 2 * count else "u1").astype(np.float64)
    else:
        values = np.atleast_1d(np.asarray(data, dtype=np.float64))
    if len(values) < count:
        return None
    return Table(int(_with_sign(descriptor[1], signed)), values[:count])
