"""The command as a person types it, in this process or in one of its own, and a small volume to use it on."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from worker.disks import disk_frames

from PromptOnceLib.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict:
        """Standard output, which has to be one JSON value and nothing else."""
        return json.loads(self.out)


Run = Callable[..., Ended]
COMMAND = [sys.executable, "-m", "PromptOnceLib.cli"]
BOX = "32,22,68,58"
"""Around the disk of disk_volume on its slice 5."""


@pytest.fixture
def run_process(tmp_path: Path) -> Run:
    """Run promptonce with these arguments in an empty folder, in a process of its own."""

    def run(*arguments: str | Path) -> Ended:
        ended = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same in this process, many times as fast, with nothing on standard input."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr("sys.argv", ["promptonce", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture(scope="session")
def disk_volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume of eleven slices with a bright disk, and its reference beside it as disk_reference.nii.gz (label 3)."""
    folder = tmp_path_factory.mktemp("volumes")
    frames = disk_frames()
    y, x = np.mgrid[: frames.shape[1], : frames.shape[2]]
    labels = np.stack([3 * (np.hypot(x - 45 - k, y - 40) < 16) for k in range(len(frames))]).astype(np.uint8)
    for name, array in (("disk.nii.gz", frames.astype(np.int16)), ("disk_reference.nii.gz", labels)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((0.8, 0.9, 3.0))
        image.SetOrigin((-10, 20, 5))
        image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
        sitk.WriteImage(image, str(folder / name))
    return folder / "disk.nii.gz"


@pytest.fixture(scope="session")
def disk_reference(disk_volume: Path) -> Path:
    return disk_volume.with_name("disk_reference.nii.gz")
