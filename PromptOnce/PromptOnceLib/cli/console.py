"""What all subcommands share: exit status, messages, progress, Ctrl-C, options that take several values."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

import click
from tqdm import tqdm

from PromptOnceLib.core.errors import InputError, PromptOnceError
from PromptOnceLib.worker.protocol import SliceDone

FAILED, BAD_INPUT = 1, 2
_PAIR = re.compile(r"^-?\d+(\.\d+)?,-?\d+(\.\d+)?$")


class GroupWithStatus(click.Group):
    """Turns the errors of the core into a sentence on standard error and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PromptOnceError as error:
            click.echo(f"promptonce: {error.message}", err=True)
            if error.detail and not isinstance(error, InputError):
                click.echo(f"  detail: {error.detail}", err=True)
            if "--json" in sys.argv:
                click.echo(json.dumps({"error": {"code": error.code, "message": error.message}}))
            ctx.exit(BAD_INPUT if isinstance(error, InputError) else FAILED)


class CommandWithPoints(click.Command):
    """Lets an option take several points: `--positive 10,20 30,40` is `--positive 10,20 --positive 30,40`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        repeated = {name for p in self.params if isinstance(p, click.Option) and p.multiple for name in p.opts}
        spread: list[str] = []
        current: str | None = None
        for argument in args:
            if argument in repeated:
                current = argument
            elif current and spread[-1] != current:
                if not _PAIR.match(argument):
                    current = None
                else:
                    spread.append(current)
            spread.append(argument)
        return super().parse_args(ctx, spread)


class Coordinates(click.ParamType):
    """Comma-separated pixel coordinates, `count` of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._count = name.count(",") + 1

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not {self.name} in pixels, for example {self._example()}.", param, ctx)
        if len(numbers) != self._count:
            self.fail(f"{value!r} has {len(numbers)} numbers; {self.name} needs {self._count}.", param, ctx)
        return numbers

    def _example(self) -> str:
        return ",".join(str(10 * (i + 1)) for i in range(self._count))


class SliceRange(click.ParamType):
    """A:B, the first and the last slice, both included; either may be left out."""

    name = "A:B"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, int | None]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d*):(\d*)", str(value))
        if match is None:
            self.fail(f"{value!r} is not a range of slices A:B, for example 10:25.", param, ctx)
        first, last = (int(part) if part else None for part in match.groups())
        return first, last


class Reporter:
    """Sentences and progress on standard error; silent when quiet."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: tqdm[Any] | None = None

    def say(self, text: str) -> None:
        """A line for the person at the terminal."""
        if not self._quiet:
            (self._bar.write(text, file=sys.stderr) if self._bar is not None else click.echo(text, err=True))

    def slice_done(self, event: SliceDone) -> None:
        """Move the progress bar: slices per second and time left."""
        if self._bar is None:
            self._bar = tqdm(total=event.total, unit="slice", desc="Propagating", disable=self._quiet, file=sys.stderr)
        self._bar.update(event.done - self._bar.n)

    def end(self) -> None:
        """Close the progress bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class CtrlC:
    """Within it the first Ctrl-C asks to cancel, the second interrupts at once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.requested = False
        self._say = say

    def __enter__(self) -> CtrlC:
        self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self._say("Cancelling; what is done is kept. Press Ctrl-C again to stop at once.")
