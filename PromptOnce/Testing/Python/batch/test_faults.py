"""What goes wrong around a batch, one fault each: what is finished stays whole, and the rest is done when it is gone.

Kills at random places are in test_kills.py, signals to single commands in cli/test_segment.py.
"""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from imaging.enhanced_files import write_file
from worker.gate import Gate

from batch.studies import computed, file_prompt, quick_options, study, write_array, write_image
from batch.test_kills import Runner, check_nothing_is_half, check_nothing_was_done_twice
from PromptOnceLib.batch.events import BatchSummary
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import BatchOptions, BatchPlan, Selection
from PromptOnceLib.batch.run_folder import case_folder, journal
from PromptOnceLib.batch.run_folder.records import is_whole
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.errors import InputError, RunFolderError
from PromptOnceLib.files.atomic import PREFIX

pytestmark = pytest.mark.usefixtures("_posix")


@dataclass
class World:
    """A batch of three cases, a to c, and its folder."""

    folder: Path
    plan: BatchPlan
    options: BatchOptions

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def case(self) -> Path:
        """Of the second case."""
        return self.out / "cases" / "b"

    def run(self, **changes: object) -> BatchSummary:
        options = self.options.model_copy(update=changes)
        return run_batch(self.plan, options, self.out, resume=(self.out / "plan.json").exists())

    def whole(self) -> set[str]:
        return {path.name for path in (self.out / "cases").glob("[!.]*") if is_whole(path)}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, study(tmp_path), quick_options(tmp_path))


def check_sentence(message: str, world: World) -> None:
    assert message.endswith("."), message
    assert not any(word in message for word in ("Unexpected", "Traceback", str(world.folder))), message


def check_the_rest_is_done(world: World) -> None:
    """Without the fault a run ends well, and computes nothing that was finished."""
    done = world.whole() if (world.out / "cases").exists() else set()
    before = len(computed(world.out)) if (world.out / "state.jsonl").exists() else 0
    assert world.run().succeeded
    assert world.whole() == {"a", "b", "c"}
    assert not done & set(computed(world.out)[before:])
    assert not list(world.out.rglob(f"{PREFIX}*"))
    check_nothing_is_half(world.out)


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


# --- disks


@contextmanager
def failing(where: object, name: str, code: int, after: int) -> Iterator[None]:
    """A function of the system that fails from its call number `after` on."""
    real, calls = getattr(where, name), []

    def fails(*arguments: object, **options: object) -> object:
        calls.append(arguments)
        if len(calls) > after:
            raise OSError(code, os.strerror(code))
        return real(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, fails)
        yield


DISKS = {
    "full while results are written": (case_folder, "write_outputs", errno.ENOSPC, 1),
    "quota used up while results are written": (case_folder, "write_outputs", errno.EDQUOT, 1),
    "broken while results are written": (case_folder, "write_outputs", errno.EIO, 1),
    "read-only while results are written": (case_folder, "write_outputs", errno.EROFS, 1),
    "gone while results are written": (case_folder, "write_outputs", errno.ENOENT, 1),
    "no permission while results are written": (case_folder, "write_outputs", errno.EACCES, 1),
    "full while pictures are written": (case_folder, "_write_thumbnail", errno.ENOSPC, 3),
    "full while a record is written": (case_folder, "write_case_record", errno.ENOSPC, 1),
    "full while a folder appears": (case_folder, "_put_in_place", errno.ENOSPC, 1),
    "broken while steps are noted": (journal.os, "fsync", errno.EIO, 6),
    "full while steps are noted": (journal.os, "fsync", errno.ENOSPC, 12),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", DISKS)
def test_a_faulty_disk_stops_the_run_and_leaves_nothing_half(world: World, fault: str) -> None:
    where, name, code, after = DISKS[fault]
    with failing(where, name, code, after):
        summary = world.run()
    assert not summary.succeeded
    assert summary.stopped_code == ("disk_full" if code in (errno.ENOSPC, errno.EDQUOT) else "cannot_write")
    check_sentence(summary.stopped, world)
    check_nothing_is_half(world.out)
    check_the_rest_is_done(world)


# --- the folder of a run, between two runs


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A run that ended well."""
    folder = tmp_path_factory.mktemp("finished")
    world = World(folder, study(folder), quick_options(folder))
    assert world.run().succeeded
    return world


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _newer(path: Path) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"version": 99}))


def _appended(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


FOLDERS: dict[str, tuple[Callable[[World], object], str]] = {
    "the record is cut off": (lambda world: _half(world.case / "record.json"), "b"),
    "the record is of a newer version": (lambda world: _newer(world.case / "record.json"), "b"),
    "the record is gone": (lambda world: (world.case / "record.json").unlink(), "b"),
    "the segmentation is gone": (lambda world: (world.case / "segmentation.seg.nrrd").unlink(), "b"),
    "the segmentation is cut off": (lambda world: _half(world.case / "segmentation.seg.nrrd"), "b"),
    "the table is empty": (lambda world: (world.case / "slices.csv").write_bytes(b""), "b"),
    "the folder of a case is gone": (lambda world: shutil.rmtree(world.case), "b"),
    "a step was noted by half": (lambda world: _appended(world.out / "state.jsonl", b'{"case": "a", "ev'), ""),
    "there is noise among the steps": (lambda world: _appended(world.out / "state.jsonl", b"\xff\0\n[]\n"), ""),
    "the steps are gone": (lambda world: (world.out / "state.jsonl").unlink(), "abc"),
    "the run's record is gone": (lambda world: (world.out / "run.json").unlink(), ""),
    "the report is gone": (lambda world: (world.out / "report.html").unlink(), ""),
    "half a case was left": (lambda world: (world.out / "cases" / f"{PREFIX}x-new").mkdir(), ""),
    "the lock of a dead program is left": (lambda world: (world.out / "run.lock").touch(), ""),
    "an image is older": (lambda world: os.utime(world.folder / "images" / "b.nii.gz", (1, 1)), ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FOLDERS)
def test_a_run_whose_folder_was_damaged_is_taken_up_and_made_whole(finished: World, tmp_path: Path, fault: str) -> None:
    world = World(tmp_path, study(tmp_path), finished.options)
    shutil.copytree(finished.out, world.out)
    damage, again = FOLDERS[fault]
    before = computed(world.out)
    damage(world)
    summary = world.run()
    assert summary.succeeded
    assert world.whole() == {"a", "b", "c"}
    assert summary.finished == len(again)
    steps = computed(world.out)
    assert steps[len(before) :] == list(again) or steps == list(again)
    assert (world.out / "report.html").stat().st_size
    assert (world.out / "run.json").stat().st_size


@pytest.mark.parametrize("damage", [_half, lambda path: path.write_bytes(b"{}"), _newer])
def test_a_run_whose_plan_is_damaged_is_refused_and_left_alone(
    finished: World, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    world = World(tmp_path, study(tmp_path), finished.options)
    shutil.copytree(finished.out, world.out)
    damage(world.out / "plan.json")
    with pytest.raises(RunFolderError, match=r"plan\.json is damaged or of another version"):
        world.run()
    assert world.whole() == {"a", "b", "c"}


# --- signals


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
