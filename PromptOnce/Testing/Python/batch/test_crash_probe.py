"""Images that end the program that reads them."""

from __future__ import annotations

import gzip
import math
import struct
import subprocess
from pathlib import Path

import pytest

from batch.studies import file_prompt, quick_options, steps_of, study
from PromptOnceLib.batch.background import BatchRequest, background_command, background_environment
from PromptOnceLib.batch.events import parse_event
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import Selection
from PromptOnceLib.batch.running.run_batch import run_batch

pytestmark = pytest.mark.usefixtures("_posix")


@pytest.mark.slow
def test_a_case_whose_reading_ends_the_program_is_set_aside(tmp_path: Path) -> None:
    plan, options, out = study(tmp_path), quick_options(tmp_path), tmp_path / "out"
    # Imported by every Python that is started: its reader of images dies of the second.
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(
        "import os\n"
        "from PromptOnceLib.imaging import read\n"
        "read_volume = read.read_volume\n"
        "read.read_volume = lambda path, *more: os._exit(134) if path.name[0] == 'b' else read_volume(path, *more)\n"
    )
    variables = background_environment({"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path / "broken")})

    def go_on() -> tuple[int, bytes]:
        request = BatchRequest(plan=plan, options=options, folder=out, resume=True)
        # A pipe that is closed would end the run, so it stays open until the process has ended.
        with subprocess.Popen(
            background_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=variables,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(request.model_dump_json().encode() + b"\n")
            process.stdin.flush()
            said = process.stdout.read()
        return process.returncode, said

    assert go_on()[0] == 134
    assert steps_of(out)[-1].event == "reading"
    for reused in (False, True):  # and it stays so
        status, said = go_on()
        summary = parse_event(said.splitlines()[-1]).summary
        assert status == 1
        assert summary.finished + summary.reused == 2
        assert (summary.reused == 2) is reused
        assert [(i.case, i.status, i.code) for i in summary.not_succeeded] == [("b", "set_aside", "crashes_reader")]
    # Without the fault it is read and done.
    assert run_batch(plan, options, out, resume=True).succeeded


def test_files_that_crash_or_hang_their_reader_cost_no_other_case(tmp_path: Path) -> None:
    study(tmp_path, "ac")
    images = tmp_path / "images"
    header = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\n"
    (images / "b.nrrd").write_bytes(f"{header}{'a' * 1100}\n\n12345678".encode())
    hanging = bytearray(gzip.decompress((images / "a.nii.gz").read_bytes()))
    hanging[296:300] = struct.pack("<f", math.inf)
    (images / "d.nii").write_bytes(hanging)
    plan = make_plan(Selection(source=images, prompt=file_prompt(tmp_path)))
    for resume in (False, True):
        summary = run_batch(plan, quick_options(tmp_path), tmp_path / "out", resume=resume)
        assert summary.finished + summary.reused == 2
        assert [(item.case, item.status, item.code) for item in summary.not_succeeded] == [
            ("b", "set_aside", "crashes_reader"),
            ("d", "failed", "bad_volume"),
        ]
