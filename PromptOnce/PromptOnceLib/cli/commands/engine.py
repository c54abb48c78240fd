"""promptonce engine: the Python environment the worker runs in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from PromptOnceLib.cli.terminal import CtrlC
from PromptOnceLib.environment import installation
from PromptOnceLib.environment.engine_python import Interpreter, Kind, interpreter
from PromptOnceLib.environment.install import Installation
from PromptOnceLib.environment.install_plan import InstallPlan, plan_installation
from PromptOnceLib.environment.installation import EnvironmentState
from PromptOnceLib.environment.platform import free_bytes, size
from PromptOnceLib.environment.remove import Removal
from PromptOnceLib.environment.verify import CheckReport, EngineTest
from PromptOnceLib.errors import EngineError, InputError, PromptOnceError
from PromptOnceLib.processes.runner import SubprocessRunner
from PromptOnceLib.processes.variables import clean_environment

folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Folder of the private environment [default: PROMPTONCE_ENGINE, else one in the user's data folder].",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
quiet_option = click.option("--quiet", is_flag=True, help="No progress.")


@click.group()
def engine() -> None:
    """Install, test and remove the engine: a Python environment with PyTorch and SAM 2.

    Slicer's module uses it, and so does the command promptonce if its own Python has no PyTorch or no SAM 2.

    \b
    Examples:
      promptonce engine status
      promptonce engine install
      promptonce engine install --backend cpu --folder /data/promptonce
      promptonce engine test --python ~/miniforge3/envs/sam2/bin/python
      promptonce engine remove
    """


@engine.command()
@folder_option
@json_option
def status(folder: Path | None, as_json: bool) -> None:
    """Show whether the private environment exists, its folder, versions and size. Starts nothing."""
    found = installation.status(folder)
    manifest = found.manifest or installation.InstallManifest()
    told = {
        "state": found.state.value,
        "message": found.sentence,
        "folder": str(found.layout.folder),
        "python": str(found.layout.python),
        "log": str(found.layout.log),
        "versions": manifest.versions,
        "devices": manifest.devices,
        "size_bytes": manifest.size_bytes,
    }
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{found.state.value}: {found.layout.folder}")
    if found.sentence:
        click.echo(found.sentence)
    if manifest.versions:
        click.echo(", ".join(f"{name} {version}" for name, version in manifest.versions.items()))
        click.echo(f"Devices: {', '.join(manifest.devices)}. {size(manifest.size_bytes)} on disk.")


@engine.command()
@folder_option
@click.option(
    "--backend",
    default="auto",
    show_default=True,
    help="Build of PyTorch: auto (what the graphics card needs), cpu, pypi (what the package index has), or its name, "
    "for example cu128.",
)
@click.option(
    "--base",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Python to create the environment from [default: the one that runs promptonce].",
)
@yes_option
@quiet_option
def install(folder: Path | None, backend: str, base: Path | None, yes: bool, quiet: bool) -> None:
    """Create the private environment: fetch uv, and with it PyTorch, SAM 2 and what they need. Ctrl-C cancels."""
    if installation.status(folder).ready:
        raise InputError("The engine is installed already. `promptonce engine test` tests it.")
    plan = plan_installation(folder, backend=backend, base_python=base)
    click.echo(f"{plan.sentence} Folder: {plan.layout.folder} ({size(free_bytes(plan.layout.folder))} free).")
    if not yes:
        click.confirm("Install?", abort=True)
    _install(plan, quiet)


@engine.command()
@folder_option
@click.option("--from-scratch", is_flag=True, help="Remove everything first and fetch it again.")
@click.option("--base", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="As for install.")
@quiet_option
def repair(folder: Path | None, from_scratch: bool, base: Path | None, quiet: bool) -> None:
    """Fetch what is missing of a private environment that is unfinished, broken or outdated, and test it."""
    found = installation.status(folder)
    if found.manifest is None:
        raise InputError(found.sentence)
    plan = plan_installation(folder, backend=found.manifest.backend, base_python=base)
    if from_scratch:
        _remove(found.layout)
    _install(plan, quiet)


@engine.command()
@folder_option
@yes_option
def remove(folder: Path | None, yes: bool) -> None:
    """Remove the private environment from this computer."""
    found = installation.status(folder)
    if not yes:
        held = f" ({size(found.manifest.size_bytes)})" if found.manifest and found.manifest.size_bytes else ""
        click.confirm(f"Remove the engine in {found.layout.folder}{held}?", abort=True)
    freed = _remove(found.layout)
    click.echo(f"The engine was removed: {size(freed)} freed." if freed else "The engine was removed.")


@engine.command()
@folder_option
@click.option("--python", type=click.Path(path_type=Path), help="Test this Python instead.")
@click.option("--own", is_flag=True, help="Test the Python that runs promptonce instead.")
@json_option
def test(folder: Path | None, python: Path | None, own: bool, as_json: bool) -> None:
    """Start the Python of the engine, import PyTorch and SAM 2 in it and compute a little on every device."""
    place = None
    if own:
        chosen = interpreter(Kind.OWN)
    elif python is not None:
        chosen = interpreter(Kind.EXISTING, python=python)
    else:
        found = installation.status(folder)
        if found.state not in (EnvironmentState.READY, EnvironmentState.BROKEN, EnvironmentState.OUTDATED):
            raise EngineError(found.sentence)
        place = found.layout
        chosen = Interpreter(place.python, clean_environment())
    report = _test(chosen, place)
    if as_json:
        click.echo(report.model_dump_json())
        return
    click.echo(", ".join(f"{name} {version}" for name, version in {"Python": report.python, **report.versions}.items()))
    for device in report.devices:
        click.echo(f"{device.name} ({device.description}): {device.error or 'works'}")
    click.echo(f"The engine works. Loading took {report.seconds:.1f} s.")


def _install(plan: InstallPlan, quiet: bool) -> None:
    runner, ended = SubprocessRunner(), list[PromptOnceError | None]()
    with _Percent(quiet) as bar:
        installation = Installation(plan, runner, bar.update, ended.append)
        installation.start()
        _run(runner, lambda: installation.over, installation.cancel, installation.poll)
    error = ended[0]
    if error is not None:
        click.echo(f"The log is in {plan.layout.log}.", err=True)
        raise error
    report = installation.report
    assert report is not None
    click.echo(f"The engine is ready: {size(report.size_bytes)} in {plan.layout.folder}.")
    for notice in report.notices:
        click.echo(notice, err=True)


def _test(chosen: Interpreter, place: installation.Layout | None) -> CheckReport:
    runner, ended = SubprocessRunner(), list[tuple[CheckReport | None, PromptOnceError | None]]()
    task = EngineTest(chosen.python, chosen.environment, runner, lambda *end: ended.append(end), place)
    task.start()
    _run(runner, lambda: task.over, task.cancel, lambda: None)
    report, error = ended[0]
    if error is not None or report is None:
        raise error or EngineError("The test gave no report.")
    return report


def _run(
    runner: SubprocessRunner, over: Callable[[], bool], cancel: Callable[[], None], poll: Callable[[], None]
) -> None:
    """Pump until it is over; Ctrl-C cancels."""
    with CtrlC() as interrupt:
        interrupt.gentle = True
        while not over():
            runner.pump(0.5)
            poll()
            if interrupt.requested:
                cancel()


def _remove(place: installation.Layout) -> int:
    """Remove the environment; its size in bytes, 0 where that is not known."""
    removal = Removal(place)
    removal.start()
    while not removal.wait(0.5):  # in between Ctrl-C is heard
        pass
    return removal.size_bytes


class _Percent:
    """A progress bar in percent with the step's title."""

    def __init__(self, quiet: bool) -> None:
        layout = "{desc:<28} {percentage:3.0f}%|{bar}| {elapsed}"
        self._bar: tqdm[Any] = tqdm(total=100, bar_format=layout, disable=quiet, file=sys.stderr, leave=False)

    def __enter__(self) -> _Percent:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self, title: str, share: float, line: str) -> None:
        """See environment.install.OnProgress; the lines are in the log."""
        self._bar.set_description_str(title, refresh=False)
        self._bar.update(100 * share - self._bar.n)
