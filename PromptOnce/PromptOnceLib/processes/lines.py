"""Lines out of the pieces in which a process's output arrives."""

from __future__ import annotations

import codecs
import re


class Lines:
    """Takes bytes, gives whole lines; bytes that are no UTF-8 are replaced, and a piece may end within a character."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._open = ""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete with these bytes, without their ends; a carriage return ends one too."""
        *whole, self._open = re.split(r"[\r\n]+", self._open + self._decoder.decode(data))
        return [line for line in whole if line.strip()]

    def rest(self) -> list[str]:
        """The last line, where it has no end."""
        last, self._open = self._open, ""
        return [last] if last.strip() else []
