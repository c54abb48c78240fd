"""The doors: each takes a question and answers it its own way. Another door is one more function."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from bench.errors import BenchUnavailableError

import PromptOnceLib as po
from doors.questions import DIRECTION, SPACING, Answer, Asked, Question, ring
from PromptOnceLib.batch.planning.make_plan import make_plan
from PromptOnceLib.batch.planning.plan import BatchOptions, PromptChoice, Selection
from PromptOnceLib.batch.run_folder.records import read_case_record
from PromptOnceLib.batch.running.run_batch import run_batch
from PromptOnceLib.cli.main import main
from PromptOnceLib.environment.engine_python import PYTHON_VARIABLE
from PromptOnceLib.processes.transport import SubprocessTransport, worker_command, worker_environment
from PromptOnceLib.prompts.conditioning import SharedSeed
from PromptOnceLib.prompts.prompt import read_prompt
from PromptOnceLib.workflows.choose_seed import taken_sentence

Door = Callable[[Asked, pytest.MonkeyPatch, pytest.CaptureFixture[str]], Answer]


def command_line(asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    question, output = asked.question, asked.folder / "out.nii.gz"
    prompt = ["--prompt", asked.prompt]
    if question.seed:
        prompt = ["--seed", question.seed, "--start", question.start, "--library", asked.library]
    if question.strategy:
        prompt = ["--prompt-from", asked.reference, "--strategy", question.strategy, "--name", "disk"]
    arguments = ["segment", asked.image, "-o", output, *prompt, "--json", "--quiet"]
    monkeypatch.setenv(PYTHON_VARIABLE, str(asked.worker))
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
    references = None
    if question.strategy:
        choice = PromptChoice(kind="reference", name="disk", strategy=question.strategy)
        references = "labels/{case}.nii.gz"
    plan = make_plan(Selection(source=asked.image.parent, prompt=choice, references=references))
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
    monkeypatch.setenv(PYTHON_VARIABLE, str(asked.worker))
    if question.seed:
        result = po.segment(asked.image, seed=question.seed, start=question.start, library=asked.library)
    elif question.strategy:
        result = po.segment(asked.image, prompt_from=asked.reference, strategy=question.strategy, name="disk")
    else:
        result = po.segment(asked.image, prompt=read_prompt(asked.prompt))
    case = result.run.case
    label = case.prompt.label if isinstance(case.prompt, SharedSeed) else ""
    return Answer(label, "kji"[case.axis.axis], case.prompt.slice, result.mask, result.notices)


def in_ras() -> np.ndarray:
    """The image's IJK to RAS matrix, 4x4."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(DIRECTION, (3, 3)) * np.array((-1.0, -1.0, 1.0))[:, None] * np.array(SPACING)
    return matrix


def console(asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    from mrml.scene import boot
    from mrml.volumes import add_volume

    from PromptOnceLib.mrml.logic.console import Console

    question = asked.question
    boot().Clear(0)
    node = add_volume(question.frames.astype(np.int16), in_ras())
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
        if question.strategy:
            labels = add_volume(ring(), in_ras(), nodeClassName="vtkMRMLLabelMapVolumeNode")
            prompt = logic.promptFromReference(node, labels, name="disk", strategy=question.strategy)
        run = logic.segmentVolume(node, prompt)
    finally:
        logic.close()
    case, outcome = run.case, run.outcome()
    label = case.prompt.label if isinstance(case.prompt, SharedSeed) else ""
    masks = outcome.result.to_volume_order(0)
    return Answer(label, "kji"[case.axis.axis], case.prompt.slice, masks, tuple(run.notices))


def panel(asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Answer:
    """What a user does who takes the suggestion of the panel for "auto", along the seed's plane."""
    if asked.question.strategy:
        pytest.skip("the panel takes no prompt from a reference")
    from bench.boot import boot

    try:
        boot()
    except BenchUnavailableError as reason:
        pytest.skip(str(reason))
    import qt
    import slicer
    from bench.session import Bench
    from gui.user import User

    settings = {"kind": "existing", "python": asked.worker, "device": "cpu", "seeds_folder": asked.library}
    for name, value in settings.items():
        qt.QSettings().setValue(f"PromptOnce/{name}", str(value))
    bench = Bench()
    try:
        user = User(bench)
        matrix = slicer.util.vtkMatrixFromArray(in_ras())
        user.choose(slicer.util.addVolumeFromArray(asked.question.frames.astype(np.int16), matrix, "image"))
        taken = take_seed(user, asked.question) if asked.question.seed else draw_box(user, asked)
        bench.wait_until(lambda: not user.work.engine.working, "the end of the run", 90)
        run = user.work.runs.run
        assert run is not None, str(user.work.notices)
        case = run.case
        label = case.prompt.label if isinstance(case.prompt, SharedSeed) else ""
        masks = run.job.result.to_volume_order(0)
        return Answer(label, "kji"[case.axis.axis], case.prompt.slice, masks, (*taken, *run.notices))
    finally:
        bench.close()


def draw_box(user: Any, asked: Asked) -> tuple[str, ...]:
    """The box of the prompt file as markups, propagated."""
    prompt, objects = read_prompt(asked.prompt), user.case.objects
    objects.describe_selected(prompt.objects[0].name, objects.selected.color, None)
    objects.draw({objects.selected.key: prompt.objects[0]}, prompt.slice)
    user.work.current.edited()
    user.wait_for_panel()
    user.propagate()  # without waiting for the mask: the quick worker gives none
    return ()


def take_seed(user: Any, question: Question) -> tuple[str, ...]:
    """The first of the suggested seeds, applied; which one was taken and why, as the panel's list says it."""
    seeds, library = user.panel.seeds, user.work.seeds.library
    seeds.widget.collapsed = False
    user.wait_for_panel()
    if not library.matches[0].usable:
        user.pick(user.panel.volume.axis, library.matches[0].seed.record.plane)
    if len(library.matches) > 1:
        user.bench.wait_until(lambda: user.work.seeds.similarity.values, "the similarity", 90)
        user.wait_for_panel()
    seeds.list.item(0).setSelected(True)
    user.pick(seeds.start, question.start)
    user.bench.click(seeds.apply)
    assert user.work.engine.working, str(user.work.notices)
    return (taken_sentence(library.matches[0]),) if question.seed == "auto" else ()


NEEDS_SLICER = pytest.mark.skipif(importlib.util.find_spec("slicer") is None, reason="needs the package slicer-core")

DOORS = [
    pytest.param(batch, id="batch"),
    pytest.param(script, id="script"),
    pytest.param(console, id="console", marks=NEEDS_SLICER),
    pytest.param(panel, id="panel"),
]
"""All that have to answer as the command line does."""
