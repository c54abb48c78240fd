"""Faulty images, faulty workers and signals, one each: what is finished stays whole, and the rest is done later."""

from __future__ import annotations

import gzip
import os
import signal
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from imaging.enhanced_files import write_file
from worker.gate import Gate

from batch.disturbed import (
    World,
    check_nothing_is_half,
    check_nothing_was_done_twice,
    check_sentence,
    check_the_rest_is_done,
)
from batch.runner_process import Runner
from batch.studies import file_prompt, quick_options, write_array, write_image
from PromptOnceLib.batch.events import BatchSummary
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import Selection
from PromptOnceLib.errors import InputError

pytestmark = pytest.mark.usefixtures("_posix")


# --- images: the case fails by itself, with a sentence, and its neighbours are done


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _nifti_with(place: int, value: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        content = bytearray(gzip.decompress(write_image(path).read_bytes()))
        content[place : place + len(value)] = value
        path.write_bytes(gzip.compress(content))

    return write


def _cut(path: Path) -> None:
    content = write_image(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _bits_turned(path: Path) -> None:
    content = bytearray(write_image(path).read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


IMAGES: dict[str, Callable[[Path], object]] = {
    "gone.nii.gz": lambda path: None,
    "empty.nii.gz": lambda path: path.write_bytes(b""),
    "noise.nii.gz": lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
    "text.nii.gz": lambda path: path.write_text("no image"),
    "cut.nii.gz": _cut,
    "bits.nii.gz": _bits_turned,
    "pipe.nii.gz": _fifo,
    "device.nii.gz": lambda path: path.symlink_to("/dev/zero"),
    "dangling.nii.gz": lambda path: path.symlink_to("nowhere"),
    "loop.nii.gz": _loop,
    "folder.nii.gz": lambda path: path.mkdir(),
    "infinite.nii.gz": _nifti_with(280, struct.pack("<f", np.inf)),
    "gigabytes.nii.gz": _nifti_with(40, struct.pack("<4h", 3, 30000, 30000, 30000)),
    "dimensions.nii.gz": _nifti_with(40, struct.pack("<h", 99)),
    "four.nii.gz": lambda path: write_array(path, np.zeros((2, 5, 80, 96), np.int16)),
    "long-line.nrrd": lambda path: path.write_bytes(b"NRRD0004\nkey: " + b"x" * 3000 + b"\ntype: uchar\n\n"),
    "dimensions.mha": lambda path: path.write_text("ObjectType = Image\nNDims = 9999\nElementDataFile = LOCAL\n"),
    "report.dcm": lambda path: write_file(path, None, "SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11"),
    "small.nii.gz": lambda path: write_array(path, np.zeros((5, 20, 20), np.int16)),
}


@pytest.fixture(scope="module")
def of_images(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, BatchSummary]:
    """One run over all of them, with a sound image at either end; the images go bad after they were planned."""
    folder = tmp_path_factory.mktemp("images")
    names = ["0.nii.gz", *IMAGES, "z.nii.gz"]
    for name in names:
        write_image(folder / "images" / name) if not name.endswith(".dcm") else write_file(
            folder / "images" / name, np.zeros((80, 96), np.int16), "CT"
        )
    plan = make_plan(Selection(source=folder / "images", prompt=file_prompt(folder)))
    for name, spoil in IMAGES.items():
        (folder / "images" / name).unlink()
        spoil(folder / "images" / name)
    world = World(folder, plan, quick_options(folder))
    return world, world.run()


@pytest.mark.parametrize("name", IMAGES)
def test_a_faulty_image_fails_its_case_alone(of_images: tuple[World, BatchSummary], name: str) -> None:
    world, summary = of_images
    assert summary.finished == 2
    (case,) = [case for case in world.plan.cases if case.image is not None and case.image.name == name]
    (ended,) = [item for item in summary.not_succeeded if item.case == case.name]
    assert ended.status in ("failed", "set_aside")
    check_sentence(ended.message, world)


# --- workers


def _worker(script: str) -> Callable[[World], Path]:
    def write(world: World) -> Path:
        path = world.folder / "worker.sh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return path

    return write


def _not_executable(world: World) -> Path:
    path = _worker("exit 0")(world)
    path.chmod(0o600)
    return path


_SAYS = "; cat > /dev/null"  # and then nothing more, as long as somebody holds its input
_FAILED = '{"id":1,"type":"failed","code":"unknown_version","message":"Another version."}'
_DONE = """for id in 1 2 3; do echo '{"id":'$id',"type":"done"}'; done"""
WORKERS: dict[str, Callable[[World], Path]] = {
    "not there": lambda world: world.folder / "nowhere",
    "a folder": lambda world: world.folder,
    "not executable": _not_executable,
    "ends at once": _worker("exit 0"),
    "fails at once": _worker("echo no >&2; exit 3"),
    "kills itself": _worker("kill -9 $$"),
    "says nonsense": _worker(f"echo nonsense{_SAYS}"),
    "says another version": _worker(f"read line; echo '{_FAILED}'{_SAYS}"),
    "answers what was not asked": _worker(f"read line; {_DONE}{_SAYS}"),
    "says bytes without a line": _worker("head -c 100000 /dev/zero; exit 1"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", WORKERS)
def test_a_faulty_worker_stops_the_run_and_blames_no_case(world: World, fault: str) -> None:
    try:
        summary = world.run(python=WORKERS[fault](world))
    except InputError as error:  # before anything was begun
        check_sentence(error.message.replace(str(world.folder), ""), world)
    else:
        assert not summary.succeeded
        assert summary.finished == 0
        assert summary.stopped_code, summary
        check_sentence(summary.stopped, world)
    check_the_rest_is_done(world)


# --- signals; kills at random places are in test_kills.py, signals to single commands in cli/test_segment_trouble.py


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGQUIT])
def test_a_batch_that_gets_a_signal_keeps_what_is_finished(world: World, number: signal.Signals) -> None:
    with Gate(slices=7) as gate:  # the second case has two slices
        runner = Runner(world.plan, world.options, world.out, gate)
        gate.wait_until_stopped()
        runner.wait_for("case_ended")
        runner.process.send_signal(number)
        gate.open()
        runner.process.communicate()
    assert "a" in world.whole()
    check_nothing_is_half(world.out)
    check_the_rest_is_done(world)
    check_nothing_was_done_twice(world.out)
