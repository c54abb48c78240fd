"""Starting the bench: once per process, however often it is asked for."""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench import availability

_kept: list[Any] = []  # what nothing else in Python holds, and VTK only weakly


@cache
def boot() -> Any:
    """The application, slicer.app. Afterwards qt, ctk and slicer can be imported as in Slicer.

    Raises:
        BenchUnavailableError: a package or a system library is missing; the message names it.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["PYSIDE6_OPTION_PYTHON_ENUM"] = "2"  # enums are integers, as in PythonQt
    availability.check()
    _make_constants_immortal()
    _install_qt()
    return _install_slicer(Path(_temporary_folder()))


def _make_constants_immortal() -> None:
    """Bring None, True and False to live forever, as they do from Python 3.12 on.

    PySide6 6.12 is built for that: under Python 3.11 each call that returns one of them takes a reference to it away,
    and after some thousand calls the process aborts with "deallocating None".
    """
    if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
        for constant in (None, True, False, NotImplemented):
            ctypes.c_ssize_t.from_address(id(constant)).value += 1 << 30


def _temporary_folder() -> str:
    folder = tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return folder.name


def _install_qt() -> None:
    from bench.pythonqt import module

    module.install()
    sys.modules["qt"] = module.qt_module()
    from bench import ctk_widgets

    sys.modules["ctk"] = ctk_widgets.ctk_module()


def _install_slicer(folder: Path) -> Any:
    import slicer
    from mrml import scene

    from bench import qmrml
    from bench.slicer_app import settings, slicer_source
    from bench.slicer_app.application import qSlicerApplication
    from bench.views import layout_manager

    scene.boot()
    settings.isolate(folder / "settings")
    application_logic = scene.application_logic()
    _add_colors(slicer, application_logic, folder)
    app = qSlicerApplication(folder, application_logic)
    app.setQuitOnLastWindowClosed(False)
    slicer.app = app
    qmrml.add_to(slicer)
    slicer_source.install()
    from bench.slicer_app.main_window import qSlicerMainWindow

    qmrml.add_to(slicer)
    window = qSlicerMainWindow()
    app._layout_manager = layout_manager.qMRMLLayoutManager(window.centralWidget(), application_logic)
    app._layout_manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    window.show()
    app.processEvents()
    _kept.append(window)
    atexit.register(_take_down)
    return app


def _add_colors(slicer: Any, application_logic: Any, folder: Path) -> None:
    """The color tables, without which no volume is grey; Slicer's files with further ones are not there."""
    application_logic.SetHomeDirectory(str(folder))
    application_logic.SetShareDirectory("share")
    (folder / "share" / "ColorFiles").mkdir(parents=True)
    colors = slicer.vtkSlicerColorLogic()
    colors.SetMRMLApplicationLogic(application_logic)
    colors.SetMRMLScene(slicer.mrmlScene)
    application_logic.SetColorLogic(colors)
    application_logic.SetModuleLogic("Colors", colors)
    slicer.modules.colors = SimpleNamespace(name="Colors", logic=lambda: colors)


def _take_down() -> None:
    """Widgets go before the interpreter does: VTK objects must not outlive it."""
    import shiboken6

    for window in _kept:
        if hasattr(window, "moduleSelector") and shiboken6.isValid(window):
            shiboken6.delete(window)
    _kept.clear()
