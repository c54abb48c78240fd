"""Sentences for the user, one for each part of the panel."""

from __future__ import annotations

from typing import Literal

from PromptOnceLib.gui.qt.signal import Signal

Part = Literal["volume", "prompt", "seeds", "run", "correct", "compare", "batch", "engine"]


class Notices:
    """What each part of the panel has to say now. changed: called with the part that says something else."""

    def __init__(self) -> None:
        self.changed: Signal[[Part]] = Signal()
        self._sentences: dict[Part, str] = {}

    def of(self, part: Part) -> str:
        """The sentence of a part; "" for none."""
        return self._sentences.get(part, "")

    def say(self, part: Part, sentence: str) -> None:
        """Show a sentence in a part, in place of the one before; "" takes it away."""
        if self.of(part) != sentence:
            self._sentences[part] = sentence
            self.changed(part)

    def clear(self) -> None:
        """Say nothing any more, in no part."""
        for part in list(self._sentences):
            self.say(part, "")

    def __str__(self) -> str:
        """All sentences with their parts, for a log."""
        return "; ".join(f"{part}: {sentence}" for part, sentence in self._sentences.items() if sentence)
