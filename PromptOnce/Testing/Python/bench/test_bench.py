"""Starting the bench, what it does to the rest of the process, and what it says where it cannot run."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import availability
from bench.availability import attempt, explanation
from bench.boot import boot
from bench.errors import BenchUnavailableError
from bench.slicer_app import slicer_source

TESTS = Path(__file__).parents[1]


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own that finds the tests."""
    path = os.pathsep.join([str(TESTS), str(TESTS.parents[1])])
    everything = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run([sys.executable, "-c", code], env=everything, capture_output=True, text=True, check=False)


def test_booting_again_changes_nothing(bench: Any) -> None:
    import slicer

    assert boot() is boot() is slicer.app


def test_importing_the_bench_loads_neither_qt_nor_slicer() -> None:
    code = "import sys, bench.boot, bench.fixtures; print({'qt', 'ctk', 'slicer', 'PySide6'} & set(sys.modules))"
    assert run(code).stdout.strip() == "set()"


def test_the_command_line_side_still_knows_no_qt_in_a_process_with_the_bench(bench: Any) -> None:
    before = set(sys.modules)
    import PromptOnceLib.imaging.orientation
    import PromptOnceLib.worker.client

    assert PromptOnceLib.imaging.orientation
    assert PromptOnceLib.worker.client
    assert not {"qt", "ctk", "torch"} & (set(sys.modules) - before)


def test_a_process_with_the_bench_ends_without_a_crash() -> None:
    code = """
from bench.boot import boot
app = boot()
import qt, slicer
app.layoutManager().sliceWidget("Red").sliceView().forceRender()
process = qt.QProcess()
for _ in range(20000):
    process.property("nothing")  # returns None: see _make_constants_immortal
print("done")
"""
    done = run(code)
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr[-2000:]


def test_exceptions_in_slots_and_observers_fail_the_test(bench: Any) -> None:
    import qt
    import slicer

    def broken(*_: Any) -> None:
        raise ValueError("broken")

    button = qt.QPushButton()
    button.connect("clicked()", broken)
    button.click()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    node.AddObserver("ModifiedEvent", broken)
    node.SetText("x")
    assert len(bench.errors) == 2
    assert all("ValueError: broken" in error for error in bench.errors)
    with pytest.raises(AssertionError, match="exceptions in slots or observers"):
        bench.close()
    bench.errors.clear()


def test_what_a_user_cannot_click_cannot_be_clicked(bench: Any) -> None:
    import qt

    button = qt.QPushButton("go")
    with pytest.raises(AssertionError, match="not visible"):
        bench.click(button)
    button.show()
    button.enabled = False
    with pytest.raises(AssertionError, match="disabled"):
        bench.click(button)


def test_waiting_ends_with_a_sentence(bench: Any) -> None:
    with pytest.raises(AssertionError, match=r"waited 0\.05 s for the impossible"):
        bench.wait_until(lambda: False, "the impossible", timeout=0.05)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            "libEGL.so.1: cannot open shared object file: No such file or directory",
            "need the system library libEGL.so.1, which this computer lacks (Debian, Ubuntu: apt-get install libegl1)",
        ),
        (
            "/x/PySide6/Qt/lib/libQt6Gui.so.6: libodd-2.so.7: cannot open shared object file: No such file",
            "need the system library libodd-2.so.7, which this computer lacks.",
        ),
        ("DLL load failed while importing QtCore", "cannot run here: DLL load failed while importing QtCore"),
    ],
)
def test_the_message_names_the_missing_library(error: str, sentence: str) -> None:
    assert sentence in explanation(error)


def test_a_library_that_does_not_load_becomes_a_message() -> None:
    with pytest.raises(BenchUnavailableError, match=r"libnowhere\.so\.3"):
        attempt(lambda: ctypes.CDLL("libnowhere.so.3"))


@pytest.mark.parametrize("module", list(availability.PACKAGES))
def test_a_missing_package_skips_tests_and_says_how_to_install_it(module: str, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from bench.fixtures import bench\n")
    (tmp_path / "test_it.py").write_text("def test_it(bench): assert False\n")
    code = f"""
import importlib.util, sys, pytest
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == {module!r} else find(name, *rest)
sys.exit(pytest.main([{str(tmp_path)!r}, "-rs", "-p", "no:cacheprovider", "--rootdir", {str(tmp_path)!r}]))
"""
    done = run(code)
    assert "1 skipped" in done.stdout
    assert f"pip install {availability.PACKAGES[module]}" in done.stdout.replace("\n", " ")


def test_a_wrong_source_folder_of_slicer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLICER_SOURCE_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="SLICER_SOURCE_DIR names"):
        slicer_source.source_folder()


def test_slicers_own_template_module_runs_where_its_source_is(bench: Any) -> None:
    import slicer

    if slicer_source.source_folder() is None:
        pytest.skip("SLICER_SOURCE_DIR does not name a source tree of Slicer")
    template = Path(os.environ["SLICER_SOURCE_DIR"]) / "Utilities/Templates/Modules/Scripted/TemplateKey.py"
    widget = bench.open_module(template)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "input")
    widget.ui.inputSelector.setCurrentNode(volume)
    assert not widget.ui.applyButton.enabled
    widget.ui.outputSelector.addNode()
    assert widget.ui.applyButton.enabled
    widget.ui.imageThresholdSliderWidget.value = 321.0
    assert widget._parameterNode.imageThreshold == 321.0
    slicer.mrmlScene.Clear(0)
    assert not widget.ui.applyButton.enabled
    widget.setParameterNode(None)  # which the template forgets in cleanup()
