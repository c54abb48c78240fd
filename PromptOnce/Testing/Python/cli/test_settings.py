"""Settings from a file and from the environment, and what goes before what; completion of names by the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Run
from PromptOnceLib.prompts.prompt import read_prompt

pytestmark = pytest.mark.usefixtures("_fake_worker")
BOX = ["--box", "32,22,68,58"]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(
        '[all]\naxis = "j"\ndevice = "cpu"\n[show]\nwindow = "100/50"\npositive = ["5,4", "6,4"]\noverwrite = true\n'
        '[segment]\nname = "from the file"\n[seeds.save]\nauthor = "A"\n'
    )
    return path


def test_a_file_of_settings_stands_for_options_anywhere_on_the_line(
    run: Run, disk_volume: Path, settings: Path, tmp_path: Path
) -> None:
    for line in (
        ["--config", settings, "show", disk_volume],
        ["show", disk_volume, f"--config={settings}"],
        ["show", "--config", settings, disk_volume],
    ):
        report = run(*line, "--json", "--save-prompt", "p.json", "-o", "a.png")
        assert report.status == 0, report.err
        assert (report.json["axis"], report.json["level"]) == ("j", 100)
        assert len(read_prompt(tmp_path / "p.json").objects[0].points) == 2
    chosen = run("show", disk_volume, "--config", settings, "--axis", "k", "--json", "-o", "a.png").json
    assert chosen["axis"] == "k"
    named = run("segment", disk_volume, "-o", "o.nii.gz", *BOX, "--axis", "k", "--config", settings, "--json").json
    assert [item["name"] for item in named["objects"]] == ["from the file"]


def test_the_environment_goes_before_the_file_and_the_line_before_both(
    run: Run, disk_volume: Path, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTONCE_CONFIG", str(settings))
    assert run("show", disk_volume, "--json", "-o", "a.png").json["axis"] == "j"
    monkeypatch.setenv("PROMPTONCE_MODEL", "nothing of the kind")
    command = ["segment", disk_volume, "-o", "o.nii.gz", "--axis", "k", *BOX, "--json"]
    assert "nothing of the kind" in run(*command).json["error"]["message"]
    assert run(*command, "--model", "nano").status == 0
    batch = ["batch", disk_volume.parent, "--prompt-from", "reference", "--reference", "{case}_reference.nii.gz"]
    refused = run(*batch, "-o", "run")
    assert "nothing of the kind" in refused.err
    assert run(*batch, "-o", "run", "--model", "nano", "--axis", "k").status == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["options"]["device"] == "cpu"
    # A run that is resumed keeps its own options.
    resumed = run("batch", "-o", "run", "--resume", "--json")
    assert resumed.status == 0, resumed.err
    assert resumed.json["reused"] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[show]\nwndow = 'lung'", "[show] has no setting wndow. Did you mean window?"),
        ("[shw]\nwindow = 'lung'", "no command shw. Did you mean show?"),
        ("[seeds.sve]\nauthor = 'A'", "[seeds] has no command sve. Did you mean save?"),
        ("[all]\nbox = '1,2,3,4'", "[all] has no setting box"),
        ("window = 'lung'", "stands in no table"),
        ("[show\n", "no TOML file"),
        ("[show]\njson = true", "has no setting json"),
        ("[show]\nslice = 'x'", "'x' is not a valid integer"),
    ],
)
def test_mistakes_in_the_file_are_named(run: Run, disk_volume: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    line = "seeds list" if "seeds" in text else f"show {disk_volume}"
    ended = run("--config", "s.toml", *line.split())
    assert ended.status == 2
    assert words in ended.err
    assert run("--config", "missing.toml", "models", "list").status == 2


def test_names_of_commands_models_windows_and_structures_are_completed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_PROMPTONCE_COMPLETE", "bash_complete")

    def completed(*words: str) -> list[str]:
        """What bash offers for the last of the words."""
        monkeypatch.setenv("COMP_WORDS", " ".join(("promptonce", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        ended = run()
        assert not ended.err
        return [line.partition(",")[2] for line in ended.out.splitlines()]

    assert {"segment", "seeds"} <= set(completed("se"))
    assert completed("segment", "a.nii.gz", "--model", "ti") == ["tiny", "tiny_512"]
    assert "lung" in completed("segment", "a.nii.gz", "--window", "l")
    assert completed("segment", "a.nii.gz", "--name", "splee") == ["spleen"]
    assert completed("batch", "images", "--seed", "au") == ["auto"]
    assert "--overwrite" in completed("segment", "--over")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_lines_for_a_shell_are_printed(run: Run, shell: str) -> None:
    ended = run("completion", shell)
    assert ended.status == 0
    assert f"_PROMPTONCE_COMPLETE={shell}_complete" in ended.out
