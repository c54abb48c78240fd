"""What the bench raises; importable without Qt."""

from __future__ import annotations


class BenchUnavailableError(Exception):
    """Something that the bench needs is missing on this computer; the message names it."""


class UnknownSignalError(RuntimeError):
    """Code under test names a signal that the sender does not have."""


class UnexpectedDialogError(AssertionError):
    """Code under test opened a modal dialog for which the test has no answer."""
