"""Figures as files: the same bytes for the same rows, and nothing of matplotlib's settings changed."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from PromptOnceLib.errors import InputError
from PromptOnceLib.studies.figures.deltas import deltas_figure
from PromptOnceLib.studies.figures.style import COLOURS, as_png, light, write_figures
from PromptOnceLib.studies.figures.times import times_figure
from studies.sample_arms import arm

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")


def test_equal_rows_give_equal_files_whatever_the_user_has_set(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, size in ((first, 10.0), (second, 30.0)):
        folder.mkdir()
        with matplotlib.rc_context({"font.size": size, "axes.grid": size > 20, "svg.fonttype": "none"}):
            paths = write_figures(folder, [deltas_figure(arm("a", cases=1), arm("b", cases=1, seed=1))])
    assert [path.name for path in paths] == ["deltas.svg", "deltas.png"]
    for path in paths:
        assert path.read_bytes() == (first / path.name).read_bytes()


def test_the_files_hold_neither_date_nor_program_nor_network() -> None:
    figure = times_figure([arm("a", cases=1)])
    svg = figure.svg.decode("utf-8")
    assert not re.search(r"\d{4}-\d\d-\d\dT|Matplotlib v", svg)
    assert "<image" not in svg
    assert not re.findall(r'(?:href|src)="(?!#)', svg)
    with Image.open(io.BytesIO(as_png(figure.figure, 50))) as picture:
        assert picture.size == (360, 81)
        assert set(picture.info) <= {"dpi"}


def test_matplotlib_s_settings_and_backend_stay_the_user_s() -> None:
    before = {key: value for key, value in matplotlib.rcParams.items() if key != "backend"}
    backend = dict.__getitem__(matplotlib.rcParams, "backend")
    figure = times_figure([arm("a", cases=1)])
    assert figure.svg
    assert {key: value for key, value in matplotlib.rcParams.items() if key != "backend"} == before
    assert dict.__getitem__(matplotlib.rcParams, "backend") is backend
    assert figure.figure.canvas.manager is None


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r'pip install "promptonce\[study\]"'):
        times_figure([arm("a", cases=1)])


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"times\.svg could not be written"):
        write_figures(tmp_path / "missing", [times_figure([arm("a", cases=1)])])


def test_neighbouring_colours_differ_in_grey_or_in_hatching() -> None:
    def grey(tone: str) -> float:
        red, green, blue = light(tone)
        return 0.299 * red + 0.587 * green + 0.114 * blue

    first, second = (grey(tone) for tone in COLOURS[:2])
    assert abs(first - second) > 0.08
