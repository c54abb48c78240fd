"""Damage: to bytes, to lines of text, and to the values of a JSON document."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Sequence
from typing import Any

_NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 2**15 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64)
_FLOATS = (float("nan"), float("inf"), float("-inf"), -0.0, 1e-320, 1e300, -1e300, 3.4e38, 1e9, 0.5)
TEXTS = (
    "", " ", "0", "-1", "nan", "inf", "-inf", "1e400", "9" * 400, "\u0663", "\u00e9", "\U0001f600", "null", "true",
    "x" * 1100, "../../etc/passwd", "/dev/zero", "~nobody", "%s%n", "\x00", "\ud800", "a\nb", "\t", '"', "'", ";", "..",
    "CON", "\u202e",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    *_NUMBERS, *_FLOATS, *TEXTS, None, True, False, [], {}, [[]], {"": None}, 10**400, [0] * 1000, "A" * 100_000,
)  # fmt: skip


def damaged(content: bytes, rng: random.Random, places: range | None = None) -> bytes:
    """Bytes with one to four faults. places: where they begin; everywhere by default."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(_BYTE_FAULTS)(content, _place(content, places, rng), rng)
    return content


def cut(content: bytes, rng: random.Random, least: int = 1) -> bytes:
    """Bytes that end too early, by `least` at least."""
    return content[: rng.randrange(max(1, len(content) - least))]


def _place(content: bytes, places: range | None, rng: random.Random) -> int:
    places = range(len(content) + 1) if places is None else places
    return min(rng.choice(places or range(1)), len(content))


def _flip(content: bytes, at: int, rng: random.Random) -> bytes:
    return content[:at] + bytes(byte ^ 1 << rng.randrange(8) for byte in content[at : at + 1]) + content[at + 1 :]


def _random_bytes(content: bytes, at: int, rng: random.Random) -> bytes:
    length = rng.choice((1, 2, 4, 8, 40))
    return content[:at] + rng.randbytes(length) + content[at + length :]


def _number(content: bytes, at: int, rng: random.Random) -> bytes:
    code = rng.choice("bhiqfd")
    order = rng.choice("<>")
    if code in "fd":
        value = struct.pack(order + "d", rng.choice(_FLOATS))
        with_code = rng.choice(_FLOATS)
        value = value if code == "d" else struct.pack(order + "f", max(-3e38, min(3e38, with_code)))
    else:
        bits = 8 * struct.calcsize(code)
        value = (rng.choice(_NUMBERS) % 2**bits).to_bytes(bits // 8, "little" if order == "<" else "big")
    return content[:at] + value + content[at + len(value) :]


def _insert(content: bytes, at: int, rng: random.Random) -> bytes:
    return content[:at] + rng.randbytes(rng.choice((1, 3, 16, 2000))) + content[at:]


def _remove(content: bytes, at: int, rng: random.Random) -> bytes:
    return content[:at] + content[at + rng.choice((1, 2, 8, 100)) :]


def _repeat(content: bytes, at: int, rng: random.Random) -> bytes:
    return content[:at] + content[at : at + rng.choice((1, 8, 64, 512))] * rng.choice((2, 3, 50)) + content[at:]


def _cut(content: bytes, at: int, rng: random.Random) -> bytes:
    return content[:at]


_BYTE_FAULTS: Sequence[Callable[[bytes, int, random.Random], bytes]] = (
    _flip, _flip, _random_bytes, _number, _number, _insert, _remove, _repeat, _cut,
)  # fmt: skip


def damaged_lines(text: str, rng: random.Random, separators: str = ":=,;") -> str:
    """Text with one to four lines changed, lost, doubled, exchanged, or of odd values."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        what = rng.randrange(8)
        if what == 0:
            del lines[at]
        elif what == 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif what == 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif what == 3:
            lines.insert(at, "".join(chr(rng.choice((10, 32, 44, 58, 65, 233, 0x1F600))) for _ in range(20)))
        elif what == 4:
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = rng.choice(TEXTS)
            lines[at] = " ".join(words)
        else:
            separator = rng.choice(separators)
            head, found, tail = lines[at].partition(separator)
            value = rng.choice((rng.choice(TEXTS), str(rng.choice(_NUMBERS)), str(rng.choice(_FLOATS)), tail + tail))
            lines[at] = f"{head}{found or separator}{' ' if tail.startswith(' ') else ''}{value}"
        if not lines:
            return ""
    return "\n".join(lines)


def as_bytes(text: str) -> bytes:
    """Text as a file may hold it, also with what is no character."""
    return text.encode("utf-8", "surrogatepass")


def damaged_json(document: Any, rng: random.Random) -> Any:
    """A copy of a document with one to three values replaced, lost, renamed, doubled or put elsewhere."""
    document = json.loads(json.dumps(document))
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(document))
        if not places:
            return rng.choice(ODD_VALUES)
        parent, key = rng.choice(places)
        what = rng.randrange(6)
        if what == 0:
            del parent[key]
        elif what == 1 and isinstance(parent, dict):
            parent[rng.choice((key + "x", key.upper(), "", "__class__", rng.choice(TEXTS)))] = parent.pop(key)
        elif what == 2 and isinstance(parent, list):
            parent.insert(0, parent[key])
        elif what == 3:
            other, place = rng.choice(places)
            parent[key] = json.loads(json.dumps(other[place]))
        else:
            parent[key] = rng.choice(ODD_VALUES)
    return document


def _places(value: Any) -> Any:
    """Containers and keys of all values in a document."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])


def json_bytes(document: Any, rng: random.Random) -> bytes:
    """A damaged document as bytes: mostly JSON of damaged values, else its text damaged, or nested without an end."""
    way = rng.randrange(10)
    if way == 0:
        depth = rng.choice((50, 1000, 100_000))
        return b'{"a":' * depth if rng.random() < 0.5 else b"[" * depth + b"]" * depth
    if way <= 2:
        return damaged(json.dumps(document).encode(), rng)
    if way == 3:
        return as_bytes(damaged_lines(json.dumps(document, indent=1, ensure_ascii=False), rng))
    changed = damaged_json(document, rng)
    return as_bytes(json.dumps(changed, ensure_ascii=rng.random() < 0.5))
