"""What all subcommands share: exit status, messages, progress, Ctrl-C, options that take several values."""

from __future__ import annotations

import contextlib
import json
import math
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from PromptOnceLib.cli.lazy_group import LazyGroup
from PromptOnceLib.cli.remedies import with_remedy
from PromptOnceLib.errors import InputError, ModelError, OutOfMemoryError, PromptOnceError

if TYPE_CHECKING:
    from PromptOnceLib.worker.protocol import FrameDone, SliceDone

FAILED, BAD_INPUT = 1, 2
_ONE_OF_SEVERAL = re.compile(r"^-?\d+(\.\d+)?(,-?\d+(\.\d+)?){1,2}$|^[a-z_]+=.")  # X,Y or X,Y,Z or key=value
_ORDER = "promptonce.order_of_options"


class GroupWithStatus(LazyGroup):
    """Ends every command with a sentence on standard error and an exit status; with --json also with an object."""

    def main(self, *args: Any, **extra: Any) -> Any:
        extra |= {"standalone_mode": False, "prog_name": "promptonce"}  # by any way that it was started
        typed = list(args[0] if args else extra.pop("args", None) or sys.argv[1:])
        args = (_with_settings_first(typed), *args[1:])
        try:
            status = super().main(*args, **extra)
        except click.ClickException as error:
            _to_stderr(error.show)
            status = self._failed(BAD_INPUT, "usage", error.format_message())
        except PromptOnceError as error:
            status = BAD_INPUT if isinstance(error, InputError) else FAILED
            sentence = with_remedy(error)
            lines = [f"promptonce: {sentence}"]
            if error.detail and (isinstance(error, ModelError) or not isinstance(error, InputError)):
                lines.append(f"  detail: {error.detail}")
            _to_stderr(lambda: click.echo("\n".join(lines), err=True))
            self._failed(status, error.code, sentence)
        except (click.Abort, KeyboardInterrupt):
            _to_stderr(lambda: click.echo("promptonce: interrupted.", err=True))
            status = self._failed(FAILED, "cancelled", "Interrupted.")
        except MemoryError:
            sentence = "There is not enough memory for that: close other programs, or crop the image."
            _to_stderr(lambda: click.echo(f"promptonce: {sentence}", err=True))
            status = self._failed(FAILED, OutOfMemoryError.code, sentence)
        except Exception as error:
            if isinstance(error, PermissionError) and error.filename is not None:
                sentence = f"{error.filename} cannot be opened: check that you may read it, or choose another place."
                _to_stderr(lambda: click.echo(f"promptonce: {sentence}", err=True))
                status = self._failed(BAD_INPUT, InputError.code, sentence)
            else:
                _to_stderr(traceback.print_exc)
                status = self._failed(FAILED, "unexpected", f"Unexpected error: {error}")
        sys.exit(status if isinstance(status, int) else 0)

    @staticmethod
    def _failed(status: int, code: str, message: str) -> int:
        if "--json" in sys.argv:
            click.echo(json.dumps({"version": 1, "error": {"code": code, "message": message}}))
        return status


def _with_settings_first(arguments: list[str]) -> list[str]:
    """--config FILE, wherever it stands, before the command: it is the same for all of them."""
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--config" and place + 1 < len(arguments):
            return [*arguments[place : place + 2], *arguments[:place], *arguments[place + 2 :]]
        if argument.startswith("--config="):
            return [argument, *arguments[:place], *arguments[place + 1 :]]
    return arguments


def _to_stderr(write: Callable[[], object]) -> None:
    """Write for a person, who may have closed the terminal; a result is not lost for that."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        write()


class CommandWithPoints(click.Command):
    """Lets an option take several points or pairs key=value: `--positive 10,20 30,40` is `--positive 10,20 --positive
    30,40`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        repeated = {name for p in self.params if isinstance(p, click.Option) and p.multiple for name in p.opts}
        spread: list[str] = []
        current: str | None = None
        for argument in args:
            name, equals, _ = argument.partition("=")
            if argument in repeated:
                current = argument
            elif equals and name in repeated:
                current = name
            elif current and spread[-1] != current:
                if not _ONE_OF_SEVERAL.match(argument):
                    current = None
                else:
                    spread.append(current)
            spread.append(argument)
        ctx.meta[_ORDER] = [option.name for option in self.make_parser(ctx).parse_args(list(spread))[2]]
        return super().parse_args(ctx, spread)


def order_of_options() -> list[str]:
    """Names of the current command's options in the order in which they were typed, each as often as it was."""
    return list(click.get_current_context().meta.get(_ORDER, ()))


class Coordinates(click.ParamType):  # type: ignore[type-arg]
    """Comma-separated coordinates, as many as the name has, in pixels or mm."""

    def __init__(self, name: str, unit: str = "pixels") -> None:
        self.name = name
        self._unit = unit
        self._count = name.count(",") + 1

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not {self.name} in {self._unit}, for example {self._example()}.", param, ctx)
        if not all(math.isfinite(number) for number in numbers):
            self.fail(f"{value!r} is not {self.name} in {self._unit}.", param, ctx)
        if len(numbers) != self._count:
            self.fail(f"{value!r} has {len(numbers)} numbers; {self.name} needs {self._count}.", param, ctx)
        return numbers

    def _example(self) -> str:
        return ",".join(str(10 * (i + 1)) for i in range(self._count))


class SliceRange(click.ParamType):  # type: ignore[type-arg]
    """A:B, the first and the last slice, both included; either may be left out."""

    name = "A:B"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, int | None]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{0,9}):(\d{0,9})", str(value), re.ASCII)
        if match is None:
            self.fail(f"{str(value)[:40]!r} is not a range of slices A:B, for example 10:25.", param, ctx)
        first, last = (int(part) if part else None for part in match.groups())
        return first, last


_UNNOTICED = 1.0  # seconds


class Reporter:
    """Sentences and progress on standard error; silent when quiet, or once nobody reads them.

    On a terminal progress is a bar that lives; elsewhere, as in the log of a cluster's job, a line for every tenth of
    the work, and none where the output is for a program (as_json).
    """

    def __init__(self, quiet: bool, as_json: bool = False) -> None:
        self._quiet = quiet
        self._live = sys.stderr is not None and sys.stderr.isatty()
        self._lines = not self._live and not as_json
        self._bar: tqdm[Any] | None = None
        self._tenths = 0

    def say(self, text: str) -> None:
        """A line for the person at the terminal."""
        if self._quiet:
            return
        if self._bar is None:
            self._write(lambda: click.echo(text, err=True))
        else:
            bar = self._bar
            self._write(lambda: bar.write(text, file=sys.stderr))

    def progress(self, event: SliceDone | FrameDone, what: str = "Propagating", unit: str = "slice") -> None:
        """Move the progress: slices, or whatever is counted, per second and time left."""
        self._count(event.done, event.total, what, unit)

    def counter(self, what: str, unit: str) -> Callable[[int, int], None]:
        """A function that is told how many are done, of how many."""
        return lambda done, total: self._count(done, total, what, unit)

    @contextmanager
    def reading(self) -> Iterator[Callable[[int, int], None]]:
        """What `read_volume` tells its progress to; it shows where the reading takes longer than a second."""

        def move(done: int, total: int) -> None:
            if self._bar is not None and self._bar.total != total:
                self.end()
            if self._live and not self._quiet:
                self._write(lambda: self._move_bar(done, total, "Reading", "image", _UNNOTICED))

        try:
            yield move
        finally:
            self.end()

    def end(self) -> None:
        """Close the progress bar; the next progress begins anew."""
        bar, self._bar, self._tenths = self._bar, None, 0
        if bar is not None:
            self._write(bar.close)

    def _count(self, done: int, total: int, what: str, unit: str) -> None:
        if self._quiet:
            return
        if self._live:
            self._write(lambda: self._move_bar(done, total, what, unit))
            return
        tenths = 10 * done // max(1, total)
        if self._lines and tenths > self._tenths:
            self._write(lambda: click.echo(f"{what}: {done} of {total} {unit}s, {10 * tenths} %", err=True))
        self._tenths = tenths

    def _move_bar(self, done: int, total: int, what: str, unit: str, delay: float = 0) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, unit=unit, desc=what, file=sys.stderr, delay=delay)
        self._bar.update(done - self._bar.n)

    def _write(self, write: Callable[[], object]) -> None:
        try:
            write()
        except (OSError, ValueError, AttributeError):  # the terminal or the pipe is closed
            self._quiet, self._bar = True, None


class CtrlC:
    """Within it Ctrl-C cancels: at once, or, while `gentle`, by setting `requested`; the second time always at once.

    So do the signals by which systems end programs and terminals that are closed (SIGTERM, SIGHUP), but for the second
    time: several of them may come at once.
    """

    def __init__(self) -> None:
        self.gentle = False
        self.requested = False

    def __enter__(self) -> CtrlC:
        known = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
        # Ignored is what somebody wanted so, with nohup for example.
        heard = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
        self._previous = {number: signal.signal(number, self._handle) for number in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.gentle or (self.requested and number == signal.SIGINT):
            raise KeyboardInterrupt
        self.requested = True
