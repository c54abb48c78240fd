"""The same work without Slicer: the command promptonce."""

from PromptOnceLib.cli.main import main

__all__ = ["main"]
