"""A request to the worker, under way or over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from PromptOnceLib.errors import PromptOnceError
from PromptOnceLib.worker import protocol

EventHandler = Callable[[protocol.Event], None]
A = TypeVar("A", bound=protocol.Answer)


@dataclass
class Job:
    """A request under way. reply or error is set when it is over."""

    id: int
    on_event: EventHandler | None = None
    on_end: Callable[[Job], None] | None = None
    expected: type[protocol.Answer] = protocol.Answer
    reply: protocol.Answer | None = None
    error: PromptOnceError | None = None

    @property
    def over(self) -> bool:
        """Whether the reply or an error has come."""
        return self.reply is not None or self.error is not None

    def result(self, expected: type[A]) -> A:
        """The reply of a job that is over, of the kind that answers its request. Raises what the worker reported."""
        if self.error is not None:
            raise self.error
        assert isinstance(self.reply, expected)
        return self.reply

    def end(self, reply: protocol.Answer | None, error: PromptOnceError | None) -> None:
        """Note how it ended and tell whoever wants to know."""
        self.reply, self.error = reply, error
        if self.on_end is not None:
            self.on_end(self)
