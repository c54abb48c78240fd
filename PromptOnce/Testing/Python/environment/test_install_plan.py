"""The commands of an installation, for different computers and from inside Slicer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from environment.engine_environments import LINUX, TORCH_STEP, engine_plan
from PromptOnceLib.environment.install_plan import InstallPlan, InstallStep
from PromptOnceLib.environment.platform import Computer, estimate, free_bytes, size, this_computer
from PromptOnceLib.errors import EngineError, InputError

SLICER = {
    "SLICER_HOME": "/opt/Slicer",
    "PYTHONHOME": "/opt/Slicer/lib/Python",
    "LD_LIBRARY_PATH": "/opt/Slicer/lib",
    "PATH": "/opt/Slicer/bin:/usr/bin",
}
INTEL_MAC = Computer("Darwin", "x86_64")
APPLE = Computer("Darwin", "arm64", apple_silicon=True)
TRANSLATED = Computer("Darwin", "x86_64", apple_silicon=True)
NVIDIA = Computer("Linux", "x86_64", nvidia=True)
WINDOWS = Computer("Windows", "AMD64", nvidia=True)


def step(plan: InstallPlan, title: str) -> InstallStep:
    (found,) = [step for step in plan.steps if step.title == title]
    return found


def after(option: str, command: tuple[str, ...]) -> str:
    return command[command.index(option) + 1]


def test_inside_slicer_only_pip_sees_slicers_variables(tmp_path: Path) -> None:
    plan = engine_plan(tmp_path, variables=SLICER)
    first, *others = plan.steps
    assert first.command[:4] == (sys.executable, "-m", "pip", "install")
    assert after("--target", first.command) == str(tmp_path / "engine" / "uv")
    assert first.environment["PYTHONHOME"] == "/opt/Slicer/lib/Python"
    for other in others:
        assert not {"PYTHONHOME", "LD_LIBRARY_PATH", "SLICER_HOME"} & set(other.environment), other.title
        assert other.environment["PATH"] == "/usr/bin"
        assert other.command[0].startswith(str(tmp_path)), "only programs of the environment itself"


def test_inside_slicer_uv_finds_a_python_and_elsewhere_it_takes_this_one(tmp_path: Path) -> None:
    title = "Making the environment"
    assert after("--python", step(engine_plan(tmp_path, variables=SLICER), title).command) == "3.12"
    if (3, 10) <= sys.version_info[:2] <= (3, 13):
        assert after("--python", step(engine_plan(tmp_path), title).command) == sys.executable


def test_a_named_python_is_looked_at_first(tmp_path: Path) -> None:
    plan = engine_plan(tmp_path, base_python="/usr/bin/python3.11", variables=SLICER)
    assert plan.steps[0].title == "Looking at the Python"
    assert plan.steps[0].command[0] == "/usr/bin/python3.11"
    assert after("--python", step(plan, "Making the environment").command) == "/usr/bin/python3.11"


@pytest.mark.parametrize("name", ["PythonSlicer", "PythonSlicer.exe"])
def test_slicers_python_is_no_base_for_an_environment(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="Slicer's own Python"):
        engine_plan(tmp_path, base_python=f"/opt/Slicer/bin/{name}")


def test_everything_is_kept_in_the_folder(tmp_path: Path) -> None:
    for each in engine_plan(tmp_path).steps[:-1]:
        for variable in ("TMPDIR", "TEMP", "TMP"):
            assert each.environment[variable].startswith(str(tmp_path)), each.title
        if Path(each.command[0]).name.startswith("uv"):
            assert each.environment["UV_CACHE_DIR"].startswith(str(tmp_path))
            assert each.environment["UV_PYTHON_INSTALL_DIR"].startswith(str(tmp_path))
        elif "pip" in each.command:
            assert "--no-cache-dir" in each.command


def test_the_build_of_pytorch_is_the_chosen_one(tmp_path: Path) -> None:
    def torch(**options: Any) -> tuple[str, ...]:
        return step(engine_plan(tmp_path, **options), TORCH_STEP).command

    assert after("--torch-backend", torch(backend="auto")) == "auto"
    assert after("--torch-backend", torch(backend="cu128")) == "cu128"
    assert "--torch-backend" not in torch(backend="pypi")
    for wrong in ("", "cpu --pre", "cuda", "rocm"):
        with pytest.raises(InputError, match="no build of PyTorch"):
            torch(backend=wrong)


def test_uv_is_told_the_package_index_that_pip_has(tmp_path: Path) -> None:
    mirror = {"PATH": "/bin", "PIP_INDEX_URL": "https://mirror/simple", "PIP_CERT": "/etc/hospital.pem"}
    variables = step(engine_plan(tmp_path, variables=mirror), TORCH_STEP).environment
    assert variables["UV_DEFAULT_INDEX"] == "https://mirror/simple"
    assert variables["SSL_CERT_FILE"] == "/etc/hospital.pem"
    own = step(engine_plan(tmp_path, variables={**mirror, "UV_DEFAULT_INDEX": "https://own"}), TORCH_STEP)
    assert own.environment["UV_DEFAULT_INDEX"] == "https://own"


def test_an_intel_mac_is_told_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"Intel processor.*2\.5\.1.*Apple silicon"):
        engine_plan(tmp_path, computer=INTEL_MAC)


def test_slicer_translated_on_apple_silicon_gets_an_arm_environment(tmp_path: Path) -> None:
    plan = engine_plan(tmp_path, computer=TRANSLATED)
    assert after("--platform", plan.steps[0].command) == "macosx_11_0_arm64"
    assert "aarch64" in after("--python", step(plan, "Making the environment").command)
    assert "--platform" not in engine_plan(tmp_path, computer=APPLE).steps[0].command


def test_a_32_bit_computer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="64-bit"):
        engine_plan(tmp_path, computer=Computer("Windows", "x86"))


@pytest.mark.parametrize(
    ("backend", "computer", "gpu"),
    [
        ("auto", LINUX, False),
        ("auto", NVIDIA, True),
        ("cpu", NVIDIA, False),
        ("cu128", LINUX, True),
        ("pypi", LINUX, True),
        ("pypi", WINDOWS, False),
        ("auto", APPLE, False),
    ],
)
def test_the_estimate_knows_what_will_be_fetched(backend: str, computer: Computer, gpu: bool) -> None:
    sizes = estimate(backend, computer)
    assert sizes.gpu is gpu
    assert (sizes.disk_bytes > 5 * 10**9) is gpu
    assert sizes.disk_bytes > sizes.download_bytes
    assert size(sizes.disk_bytes) in sizes.sentence


def test_this_computer_is_known(tmp_path: Path) -> None:
    assert this_computer().system in ("Linux", "Darwin", "Windows")
    assert free_bytes(tmp_path / "not" / "there" / "yet") == pytest.approx(free_bytes(tmp_path), rel=0.05)


def test_a_drive_that_is_not_there_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(folder: Path) -> None:
        raise FileNotFoundError(2, "The system cannot find the path specified", str(folder))

    monkeypatch.setattr("shutil.disk_usage", missing)
    assert free_bytes(Path("Z:/promptonce")) == 0


def test_sizes_as_text() -> None:
    assert [size(count) for count in (0, 39_400_000, 999_000_000, 5_900_000_000)] == [
        "0 MB",
        "39 MB",
        "999 MB",
        "5.9 GB",
    ]
