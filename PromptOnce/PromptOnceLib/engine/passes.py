"""Which passes and objects go through the network together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from PromptOnceLib.engine.devices import Pipeline
from PromptOnceLib.engine.early_stop import EarlyStop
from PromptOnceLib.engine.memory import Entry, Memory, part, together
from PromptOnceLib.engine.tracker import Features, Output
from PromptOnceLib.engine.transfer import SliceOutput


@dataclass(eq=False)
class Pass:
    """A pass on its way. slices: their indices in the order they are visited, the seed or start slice first."""

    slices: range
    ending: EarlyStop = field(default_factory=EarlyStop)
    ended: bool = False

    def left_out_after(self, output: SliceOutput) -> range:
        """The slices that need not be computed after this one, the next in order, because all objects have ended; none
        while they may go on.
        """
        rest = self.slices[self.slices.index(output.slice) + 1 :]
        return rest if self.ending.has_come(output.masks, output.presence) else rest[:0]

    def reaches(self, place: int) -> bool:
        """Whether slices[place] is to be tracked."""
        return not self.ended and place < len(self.slices)


def in_groups(passes: Iterable[Pass], before: int, pointers: int) -> list[list[Pass]]:
    """Passes that may go through the network together. before: frames before each; pointers: `Tracker.pointers`.

    Of a pass with fewer frames than that, the network counts time in parts of its length: only passes of the same
    length can then share what encodes the time.
    """
    groups: dict[int, list[Pass]] = {}
    for pass_ in passes:
        groups.setdefault(min(before + len(pass_.slices), pointers), []).append(pass_)
    return list(groups.values())


def in_turns(passes: Sequence[Pass], first: int) -> list[int]:
    """Slices of passes that advance together from place `first` on, in the order they are needed, each once."""
    places = zip_longest(*(pass_.slices[first:] for pass_ in passes))
    return list(dict.fromkeys(index for place in places for index in place if index is not None))


@dataclass(frozen=True)
class Piece:
    """What goes through the network at once: the same objects in one pass or several, at the same place of each.

    memory: of each pass's objects, one pass after the other.
    """

    passes: list[Pass]
    memory: Memory

    @property
    def objects(self) -> int:
        """How many objects there are in each pass."""
        return self.memory.rows // len(self.passes)

    def features(self, of: dict[Pass, Features]) -> Features:
        """The features of each pass's slice, for every row of memory."""
        return Features.beside([of[pass_] for pass_ in self.passes], self.objects)

    def rows(self) -> Iterator[tuple[Pass, slice]]:
        """Which rows are each pass's."""
        for number, pass_ in enumerate(self.passes):
            yield pass_, slice(number * self.objects, (number + 1) * self.objects)

    def passes_apart(self) -> list[Piece]:
        """A piece for each pass."""
        return [Piece([pass_], self.memory.part(rows)) for pass_, rows in self.rows()]

    def objects_apart(self) -> list[Piece]:
        """A piece for each object."""
        return [Piece(self.passes, self.memory.part(slice(i, None, self.objects))) for i in range(self.objects)]


def whole(passes: Sequence[Pass], before: int, entries: Sequence[dict[int, Entry]]) -> Piece:
    """All objects in all passes of a group. entries: what each object's passes remember at first, by position."""
    longest = max(before + len(pass_.slices) for pass_ in passes)
    return Piece(list(passes), Memory(longest, together(list(entries) * len(passes))))


def cut(pieces: Sequence[Piece], pipeline: Pipeline) -> list[Piece]:
    """Pieces no larger than the pipeline allows, objects in order."""
    if not pipeline.passes_together:
        pieces = [part for piece in pieces for part in (piece.passes_apart() if len(piece.passes) > 1 else [piece])]
    if not pipeline.objects_together:
        pieces = [part for piece in pieces for part in (piece.objects_apart() if piece.objects > 1 else [piece])]
    return list(pieces)


def reaching(pieces: Sequence[Piece], place: int) -> list[Piece]:
    """The pieces without the passes that have come to an end before `place`."""
    found: list[Piece] = []
    for piece in pieces:
        over = not all(pass_.reaches(place) for pass_ in piece.passes)
        parts = piece.passes_apart() if over else [piece]
        found += [part for part in parts if part.passes[0].reaches(place)]
    return found


def remembered_of_each_pass(
    pieces: Sequence[Piece], outputs: Sequence[Output], position: int
) -> dict[Pass, list[tuple[Output, Entry]]]:
    """As of_each_pass, with what each piece's memory keeps of the slice at this position."""
    found: dict[Pass, list[tuple[Output, Entry]]] = {}
    for piece, output in zip(pieces, outputs, strict=True):
        entry = piece.memory.tracked[position]
        for pass_, rows in piece.rows():
            found.setdefault(pass_, []).append((output.rows(rows), part(entry, rows)))
    return found


def of_each_pass(pieces: Sequence[Piece], outputs: Sequence[Output]) -> dict[Pass, list[Output]]:
    """What was found on each pass's slice, objects in order; outputs: of each piece."""
    found: dict[Pass, list[Output]] = {}
    for piece, output in zip(pieces, outputs, strict=True):
        for pass_, rows in piece.rows():
            found.setdefault(pass_, []).append(output.rows(rows))
    return found
