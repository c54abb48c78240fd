"""The command promptonce: the same work without Slicer."""

from PromptOnceLib.cli.main import main

__all__ = ["main"]
