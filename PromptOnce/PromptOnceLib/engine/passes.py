"""Which halves and objects go through the network in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from PromptOnceLib.engine.devices import Pipeline
from PromptOnceLib.engine.early_stop import Ending
from PromptOnceLib.engine.memory import Entry, Memory, together
from PromptOnceLib.engine.tracker import Features, Output


@dataclass(eq=False)
class Half:
    """A half on its way. slices: their indices in the order they are visited, the seed or start slice first."""

    slices: range
    ending: Ending = field(default_factory=Ending)
    ended: bool = False

    def reaches(self, place: int) -> bool:
        """Whether slices[place] is to be tracked."""
        return not self.ended and place < len(self.slices)


def in_groups(halves: Iterable[Half], before: int, pointers: int) -> list[list[Half]]:
    """Halves that may share a pass. before: frames before each; pointers: `Tracker.pointers`.

    Of a half with fewer frames than that, the network counts time in parts of its length: only halves of the same
    length can then share what encodes the time.
    """
    groups: dict[int, list[Half]] = {}
    for half in halves:
        groups.setdefault(min(before + len(half.slices), pointers), []).append(half)
    return list(groups.values())


def in_turns(halves: Sequence[Half], first: int) -> list[int]:
    """Slices of halves that advance together from place `first` on, in the order they are needed, each once."""
    places = zip_longest(*(half.slices[first:] for half in halves))
    return list(dict.fromkeys(index for place in places for index in place if index is not None))


@dataclass(frozen=True)
class Piece:
    """What one pass tracks: the same objects in one half or several, at the same place of each.

    memory: of each half's objects, one half after the other.
    """

    halves: list[Half]
    memory: Memory

    @property
    def objects(self) -> int:
        """How many objects there are in each half."""
        return self.memory.rows // len(self.halves)

    def features(self, of: dict[Half, Features]) -> Features:
        """The features of each half's slice, for every row of memory."""
        return Features.beside([of[half] for half in self.halves], self.objects)

    def rows(self) -> Iterator[tuple[Half, slice]]:
        """Which rows are each half's."""
        for number, half in enumerate(self.halves):
            yield half, slice(number * self.objects, (number + 1) * self.objects)

    def halves_apart(self) -> list[Piece]:
        """A piece for each half."""
        return [Piece([half], self.memory.part(rows)) for half, rows in self.rows()]

    def objects_apart(self) -> list[Piece]:
        """A piece for each object."""
        return [Piece(self.halves, self.memory.part(slice(i, None, self.objects))) for i in range(self.objects)]


def whole(halves: Sequence[Half], before: int, entries: Sequence[dict[int, Entry]]) -> Piece:
    """All objects in all halves of a group. entries: what each object's halves remember at first, by position."""
    longest = max(before + len(half.slices) for half in halves)
    return Piece(list(halves), Memory(longest, together(list(entries) * len(halves))))


def cut(pieces: Sequence[Piece], pipeline: Pipeline) -> list[Piece]:
    """Pieces no larger than the pipeline allows, objects in order."""
    if not pipeline.halves_together:
        pieces = [part for piece in pieces for part in (piece.halves_apart() if len(piece.halves) > 1 else [piece])]
    if not pipeline.objects_together:
        pieces = [part for piece in pieces for part in (piece.objects_apart() if piece.objects > 1 else [piece])]
    return list(pieces)


def reaching(pieces: Sequence[Piece], place: int) -> list[Piece]:
    """The pieces without the halves that have come to an end before `place`."""
    found: list[Piece] = []
    for piece in pieces:
        over = not all(half.reaches(place) for half in piece.halves)
        parts = piece.halves_apart() if over else [piece]
        found += [part for part in parts if part.halves[0].reaches(place)]
    return found


def of_each_half(pieces: Sequence[Piece], outputs: Sequence[Output]) -> dict[Half, list[Output]]:
    """What was found on each half's slice, objects in order; outputs: of each piece."""
    found: dict[Half, list[Output]] = {}
    for piece, output in zip(pieces, outputs, strict=True):
        for half, rows in piece.rows():
            found.setdefault(half, []).append(output.rows(rows))
    return found
