"""The doors: each takes a question and answers it its own way. Another door is one more function."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk

from doors.questions import DIRECTION, SPACING, Answer, Asked
from PromptOnceLib import api
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import BatchOptions, PromptChoice, Selection
from PromptOnceLib.batch.run_folder.records import read_case_record
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.cases.case import PromptSource
from PromptOnceLib.cli import worker_session
from PromptOnceLib.cli.main import main
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt import read_prompt
from PromptOnceLib.seeds.apply import SeedSource
from PromptOnceLib.seeds.library import SeedLibrary

Door = Callable[[Asked, pytest.MonkeyPatch, pytest.CaptureFixture[str]], Answer]


def command_line(asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    question, output = asked.question, asked.folder / "out.nii.gz"
    prompt = ["--prompt", asked.prompt]
    if question.seed:
        prompt = ["--seed", question.seed, "--start", question.start, "--library", asked.library]
    arguments = ["segment", asked.image, "-o", output, *prompt, "--json", "--quiet"]
    monkeypatch.setattr(worker_session, "worker_command", lambda: worker_command(asked.worker))
    monkeypatch.setattr(sys, "argv", ["promptonce", *map(str, arguments)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main()
    report = json.loads(capsys.readouterr().out)
    assert not ended.value.code, report
    masks = sitk.GetArrayFromImage(sitk.ReadImage(str(output)))
    return Answer(report["seed"] or "", report["axis"], report["seed_slice"], masks, tuple(report["notices"]))


def batch(asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    question, folder = asked.question, asked.folder / "run"
    choice = PromptChoice(kind="file", name=str(asked.prompt))
    if question.seed:
        auto = question.seed == "auto"
        choice = PromptChoice(kind="auto") if auto else PromptChoice(kind="seed", name=question.seed)
    plan = make_plan(Selection(source=asked.image.parent, prompt=choice))
    options = BatchOptions(python=asked.worker, start=question.start, formats=("nii.gz",), library=asked.library)
    summary = run_batch(plan, options, folder)
    assert summary.succeeded, summary
    case = folder / "cases" / "image"
    record = read_case_record(case)
    masks = sitk.GetArrayFromImage(sitk.ReadImage(str(case / record.files[0])))
    seed = "" if record.identity.seed is None else record.identity.seed.name
    return Answer(seed, record.axis, record.seed_slice, masks, record.notices)


def script(asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    question = asked.question
    monkeypatch.setattr(api, "worker_command", lambda: worker_command(asked.worker))
    prompt: PromptSource = read_prompt(asked.prompt)
    if question.seed:
        prompt = SeedSource((SeedLibrary(asked.library).get(question.seed),), question.start)
    result = api.segment(asked.image, prompt=prompt)
    case = result.run.case
    label = case.prompt.label if isinstance(case.prompt, SharedSeed) else ""
    return Answer(label, "kji"[case.axis.axis], case.prompt.slice, result.mask(), result.notices)


def console(asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    from mrml.scene import boot
    from mrml.volumes import add_volume

    from PromptOnceLib.mrml.logic.console import Console

    question = asked.question
    boot().Clear(0)
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(DIRECTION, (3, 3)) * np.array((-1.0, -1.0, 1.0))[:, None] * np.array(SPACING)
    node = add_volume(question.frames.astype(np.int16), matrix)
    command = worker_command(asked.worker)
    logic = Console(
        lambda: SubprocessTransport(command, worker_environment()),
        lambda: None,
        pytest.fail,
        library_folder=lambda: str(asked.library),
    )
    try:
        prompt = read_prompt(asked.prompt)
        if question.seed:
            prompt = logic.promptFromSeed(question.seed, node, start=question.start)
        run = logic.segmentVolume(node, prompt)
    finally:
        logic.close()
    case, outcome = run.case, run.outcome()
    label = case.prompt.label if isinstance(case.prompt, SharedSeed) else ""
    masks = outcome.result.to_volume_order(0)
    return Answer(label, "kji"[case.axis.axis], case.prompt.slice, masks, tuple(run.notices))


NEEDS_SLICER = pytest.mark.skipif(importlib.util.find_spec("slicer") is None, reason="needs the package slicer-core")

DOORS = [
    pytest.param(batch, id="batch"),
    pytest.param(script, id="script"),
    pytest.param(console, id="console", marks=NEEDS_SLICER),
]
"""All that have to answer as the command line does."""
