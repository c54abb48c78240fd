"""What promptonce segment leaves when it is stopped, its worker dies, or disk or memory is too small."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
import SimpleITK as sitk
from worker.fake_process import INSTEAD, silent_python
from worker.gate import Gate
from worker.processes import wait_for_end

from cli.conftest import BOX, COMMAND, Run


@pytest.mark.usefixtures("_fake_worker")
def test_nobody_reading_the_progress_loses_no_result(disk_volume: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*COMMAND, "segment", disk_volume, "-o", "o.nii.gz", "--box", BOX, "--range", "4:6"],
        cwd=tmp_path, stderr=writing, check=False,
    )  # fmt: skip
    os.close(writing)
    assert ended.returncode == 0
    assert (tmp_path / "o.nii.gz").exists()


def test_ctrl_c_while_the_worker_starts_leaves_the_old_result(
    disk_volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, pipe = silent_python(tmp_path)
    monkeypatch.setenv(INSTEAD, str(silent))
    (tmp_path / "o.nii.gz").write_bytes(b"the old result")
    process = subprocess.Popen(
        [*COMMAND, "segment", disk_volume, "-o", "o.nii.gz", "--box", BOX, "--overwrite"],
        cwd=tmp_path, stderr=subprocess.PIPE,
    )  # fmt: skip
    worker = int(pipe.read_text())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 1
    assert (tmp_path / "o.nii.gz").read_bytes() == b"the old result"
    assert wait_for_end(worker), "the worker is still there"


@pytest.mark.usefixtures("_fake_worker")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_what_is_done(
    disk_volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with Gate(slices=5) as gate:
        monkeypatch.setenv(*gate.variable)
        process = subprocess.Popen(
            [*COMMAND, "segment", disk_volume, "-o", "out.nii.gz", "--box", BOX, "--csv", "out.csv"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # ignored where the tests run under nohup
        )  # fmt: skip
        gate.wait_until_stopped()
        process.send_signal(number)
        _, told = process.communicate(timeout=300)
        gate.wait_until_left()
    assert process.returncode == 1, told
    computed = [row["computed"] for row in csv.DictReader((tmp_path / "out.csv").open())]
    assert computed == ["false"] * 5 + ["true"] * 5 + ["false"], "five slices from the prompted one on"
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out.nii.gz"))).any()


@pytest.mark.usefixtures("_fake_worker")
@pytest.mark.parametrize("fault", ["the worker dies", "the folder goes away"])
def test_what_is_computed_is_kept(
    disk_volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    (tmp_path / "results").mkdir()
    with Gate(slices=5) as gate:
        monkeypatch.setenv(*gate.variable)
        process = subprocess.Popen(
            [*COMMAND, "segment", disk_volume, "-o", "results/out.nii.gz", "--box", BOX, "--csv", "results/out.csv",
             "--json"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        gate.wait_until_stopped()
        if fault == "the worker dies":
            gate.kill()
            expected = 5
        else:
            (tmp_path / "results").rmdir()
            gate.open()
            expected = 11
        out, told = process.communicate(timeout=120)
    assert process.returncode == 1, told
    report = json.loads(out)
    folder = Path(report["output"]).parent if fault == "the folder goes away" else tmp_path / "results"
    assert report["slices"] == expected
    assert report["cancelled"] is (expected == 5)
    assert any("ended unexpectedly" in said or "there is no folder" in said for said in report["notices"])
    assert str(folder).encode() in told or expected == 5
    rows = list(csv.DictReader((folder / "out.csv").open()))
    assert [row["computed"] for row in rows].count("true") == expected
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "out.nii.gz"))).any()
    assert folder.stat().st_mode & 0o077 == 0 or expected == 5


@pytest.mark.usefixtures("_fake_worker")
def test_a_full_disk_is_found_before_the_work(run: Run, disk_volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PromptOnceLib.cases.outputs.free_bytes", lambda folder: 1000)
    monkeypatch.setattr("PromptOnceLib.cli.worker_session.WorkerSession.run", None)
    ended = run("segment", disk_volume, "-o", "o.nii.gz", "--box", BOX)
    assert ended.status == 1
    assert "disk is full" in ended.err


@pytest.mark.usefixtures("_fake_worker")
def test_no_room_anywhere_has_status_1(run: Run, disk_volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("PromptOnceLib.cases.outputs.write_segmentation", full)
    ended = run("segment", disk_volume, "-o", "o.nii.gz", "--box", BOX, "--json")
    assert ended.status == 1
    assert ended.json["error"]["code"] == "disk_full"


def test_too_little_memory_is_said(run: Run, disk_volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PromptOnceLib.imaging.read.read_image_file", no_memory)
    ended = run("segment", disk_volume, "-o", "o.nii.gz", "--box", BOX, "--json")
    assert ended.status == 1
    assert "not enough memory" in ended.err
    assert ended.json["error"]["code"] == "out_of_memory"
