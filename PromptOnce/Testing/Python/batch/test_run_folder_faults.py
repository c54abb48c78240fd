"""A disk that fails under the folder of a run, and a folder that is damaged between two runs."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from batch.disturbed import World, check_nothing_is_half, check_sentence, check_the_rest_is_done
from batch.studies import computed, quick_options, study
from PromptOnceLib.batch.run_folder import case_folder, journal
from PromptOnceLib.errors import RunFolderError
from PromptOnceLib.files.atomic import PREFIX

pytestmark = pytest.mark.usefixtures("_posix")


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
