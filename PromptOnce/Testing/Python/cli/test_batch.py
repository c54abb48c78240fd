"""promptonce batch, with the embedded model where something is computed."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from batch.studies import computed, write_disk_prompt, write_image
from worker.gate import Gate

from cli.conftest import COMMAND, Run


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images that can be segmented with prompt.json beside the folder, and one that cannot be read."""
    for seed, name in enumerate("ab"):
        write_image(tmp_path / "images" / f"{name}.nii.gz", seed, slices=3)
    write_disk_prompt(tmp_path / "prompt.json", 1)
    return tmp_path / "images"


def test_a_folder_is_segmented_then_resumed_without_naming_anything_again(
    run: Run, run_process: Run, images: Path, tmp_path: Path
) -> None:
    ended = run_process(
        "batch",
        images,
        "--prompt",
        "prompt.json",
        "-o",
        "out",
        "--window",
        "full",
        "--format",
        "nii.gz",
        "--round-trip",
        "--by",
        "mask",
    )
    assert ended.status == 0, ended.err
    options = json.loads((tmp_path / "out" / "run.json").read_text())["options"]
    assert (options["round_trip"], options["by"], options["start"]) == (True, "mask", "central")
    record = json.loads((tmp_path / "out" / "cases" / "a" / "record.json").read_text())
    assert record["identity"]["round_trip"] > 0.5
    assert "2 of 2 cases have results." in ended.out
    assert "[1/2] a: 3 slices in" in ended.err
    assert (tmp_path / "out" / "cases" / "b" / "segmentation.nii.gz").exists()
    (images / "c.nii.gz").write_bytes(b"no image")

    ended = run("batch", "-o", "out", "--resume", "--json")

    assert ended.status == 1
    assert ended.json["reused"] == 2
    assert [(item["case"], item["code"]) for item in ended.json["not_succeeded"]] == [("c", "bad_volume")]
    assert computed(tmp_path / "out") == ["a", "b"]


@pytest.mark.usefixtures("_fake_worker")
def test_parts_and_those_who_join_share_a_folder(run: Run, images: Path, tmp_path: Path) -> None:
    first = run("batch", images, "--prompt", "prompt.json", "-o", "out", "--part", "1/2", "--json")
    assert (first.status, first.json["total"], first.json["finished"]) == (0, 1, 1)
    assert not (tmp_path / "out" / "summary.json").exists()
    joined = run("batch", "-o", "out", "--join", "--json")
    assert (joined.status, joined.json["total"], joined.json["finished"], joined.json["reused"]) == (0, 2, 1, 1)
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["total"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--part", "0/2"], "is no part of a batch"),
        (["--part", "3/2"], "is no part of a batch"),
        (["--part", "one"], "is no part of a batch"),
        (["--join"], "leave out INPUT"),
        (["--engine", "spark"], "is no cluster"),
        (["--gpus", "2"], "goes with --engine dask-slurm"),
        (["--engine", "dask", "--part", "1/2"], "leave out join and part"),
    ],
)
def test_who_shares_a_run_in_an_impossible_way_is_told(
    run: Run, images: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    ended = run("batch", images, "--prompt", "prompt.json", "-o", "out", *arguments)
    assert ended.status == 2
    assert sentence in ended.err
    assert not (tmp_path / "out" / "cases").exists()


def test_a_dry_run_lists_the_cases_and_makes_nothing(run: Run, images: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    ended = run("batch", images, "--prompt", "prompt.json", "--dry-run")
    assert ended.status == 0
    assert [line.split()[0] for line in ended.out.splitlines()] == ["a", "b"]
    listed = run("batch", images, "--prompt", "prompt.json", "--dry-run", "--json").json
    assert [case["name"] for case in listed] == ["a", "b"]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["IMAGES", "--prompt", "prompt.json"], "with -o"),
        (["IMAGES", "-o", "out"], "Give a prompt"),
        (["IMAGES", "-o", "out", "--prompt", "prompt.json", "--seed", "auto"], "Give one prompt"),
        (["IMAGES", "-o", "out", "--prompt-from", "reference"], "which they are"),
        (["IMAGES", "-o", "out", "--seed", "x", "--target", "lungs"], "--target"),
        (["IMAGES", "-o", "out", "--seed", "x", "--strategy", "S2"], "--strategy goes with --prompt-from"),
        (["IMAGES", "-o", "out", "--prompt", "prompt.json", "--model", "giant"], "giant"),
        (["IMAGES", "-o", "out", "--prompt", "prompt.json", "--window", "sunglasses"], "window"),
        (["nowhere", "-o", "out", "--prompt", "prompt.json"], "does not exist"),
        (["prompt.json", "-o", "out", "--seed", "auto"], "neither a folder nor a manifest"),
        (["IMAGES", "-o", "IMAGES", "--prompt", "prompt.json"], "other files"),
        (["-o", "out", "--resume"], "folder or a manifest"),
        (["IMAGES", "-o", "out", "--prompt", "prompt.json", "--jitter", "0-10"], "leave out jitter"),
        (["IMAGES", "-o", "out", "--prompt", "prompt.json", "--position", "0.25"], "leave out position"),
    ],
)
def test_bad_input_ends_with_status_2_and_a_sentence(
    run: Run, images: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    ended = run("batch", *[argument.replace("IMAGES", str(images)) for argument in arguments])
    assert ended.status == 2, ended.err
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()


def test_mistakes_of_a_manifest_are_all_told(run: Run, images: Path, tmp_path: Path) -> None:
    (tmp_path / "study.csv").write_text("image,window\nnothing.nii.gz,lung\nimages/a.nii.gz,sunglasses\n")
    ended = run("batch", "study.csv", "--prompt", "prompt.json", "-o", "out", "--json")
    assert ended.status == 2
    assert ended.json["error"]["code"] == "bad_manifest"
    assert "line 2, column 1 (image)" in ended.err
    assert "line 3, column 2 (window)" in ended.err


@pytest.mark.usefixtures("_fake_worker")
def test_ctrl_c_keeps_finished_cases_and_says_how_to_go_on(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Gate(slices=3 + 1) as gate:  # the second case has one slice
        monkeypatch.setenv(*gate.variable)
        process = subprocess.Popen(
            [*COMMAND, "batch", "images", "--prompt", "prompt.json", "-o", "out", "--json"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        gate.wait_until_stopped()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
        gate.wait_until_left()
    assert process.returncode == 1, err
    assert b"Traceback" not in err
    report = json.loads(out)
    assert report["cancelled"]
    assert (report["finished"], report["not_done"]) == (1, 1)
