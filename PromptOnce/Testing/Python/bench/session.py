"""What a test does on the bench: open a module, click, wait, look."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import slicer
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from bench.layout_faults import faults
from bench.pythonqt.dialogs import DIALOGS, Dialogs
from bench.slicer_app import settings
from bench.views.mouse import Mouse

_LEVELS = 20  # of widgets in each other
_POLL = 5  # ms between two looks at a condition that is waited for


class Bench:
    """One test's use of the bench. Exceptions in slots and observers, which Qt and VTK only print, fail the test."""

    def __init__(self) -> None:
        self.app: Any = slicer.app
        self.dialogs: Dialogs = DIALOGS
        self.errors: list[str] = []
        self._plain_hook = sys.excepthook
        sys.excepthook = self._remember
        self._connect(True)

    def _remember(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.errors.append("".join(traceback.format_exception(kind, error, trace)))

    def _connect(self, connected: bool) -> None:
        """The views and the color tables follow the scene only during tests of the bench: others need not wait."""
        self.app.applicationLogic().GetColorLogic().SetMRMLScene(self.scene if connected else None)
        self.app.layoutManager()._connect(connected)

    @property
    def scene(self) -> Any:
        return slicer.mrmlScene

    # Modules

    def load_module(self, path: str | Path) -> Any:
        """Load a module as Slicer does at its start; slicer.modules.<name>."""
        return self.app.moduleManager()._load(Path(path).resolve())

    def open_module(self, path: str | Path) -> Any:
        """Load a module unless it is loaded, and open it as a user does; its Python widget object."""
        name = Path(path).stem
        module = self.app.moduleManager().module(name) or self.load_module(path)
        slicer.util.selectModule(name)
        self.process_events()
        return module.widgetRepresentation().self()

    def leave_module(self) -> None:
        """Go to no module: exit() of the open one is called."""
        slicer.util.moduleSelector().selectModule("")

    def close_modules(self) -> None:
        """What the end of Slicer means to modules: exit() of the open one, aboutToQuit(), cleanup() of all."""
        self.leave_module()
        self.app.aboutToQuit.emit()
        for name in list(self.app.moduleManager().factoryManager().loadedModuleNames()):
            self.app.moduleManager()._unload(name)

    # The user

    def click(self, widget: QWidget) -> None:
        """Click a widget in its middle; its window becomes the active one, so that widgets have the focus.

        Raises:
            AssertionError: a user could not click it, because it is hidden or disabled.
        """
        assert widget.visible, f"{widget.objectName or widget} cannot be clicked: it is not visible"
        assert widget.enabled, f"{widget.objectName or widget} cannot be clicked: it is disabled"
        _activate(widget.window())
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, widget.rect.center())
        self.process_events()

    def click_at(self, widget: QWidget, x: int, y: int) -> None:
        """Click a pixel of a widget that a user can see."""
        assert widget.visible, f"{widget.objectName or widget} cannot be clicked: it is not visible"
        _activate(widget.window())
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, y))
        self.process_events()

    def type_text(self, widget: QWidget, text: str) -> None:
        """Type into a widget, letter by letter; any letters, which QTest cannot."""
        widget.setFocus()
        for letter in text:
            for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                event = QKeyEvent(kind, 0, Qt.KeyboardModifier.NoModifier, letter)
                QCoreApplication.sendEvent(widget, event)
        self.process_events()

    def press_keys(self, keys: str) -> None:
        """Press a shortcut like "Ctrl+Z" in the main window, wherever the focus is."""
        window = slicer.util.mainWindow()
        _activate(window)
        QTest.keySequence(QApplication.focusWidget() or window, keys)
        self.process_events()

    def mouse(self, view: str = "Red") -> Mouse:
        """The mouse over a slice view, which is rendered first."""
        widget = self.app.layoutManager().sliceWidget(view)
        self.process_events()
        widget.sliceView()._render_what_is_new()
        return Mouse(widget)

    # Time

    def process_events(self) -> None:
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, int(QEvent.Type.DeferredDelete))

    def wait_until(self, condition: Callable[[], object], what: str = "", timeout: float = 30.0) -> None:
        """Let the event loop run until the condition holds.

        Raises:
            AssertionError: it did not within `timeout` seconds.
        """
        wake_up = QTimer()
        wake_up.start(_POLL)
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"waited {timeout:g} s for {what or condition}"
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        wake_up.stop()

    # The window

    def resize_panel(self, width: int, height: int) -> None:
        """Give the module panel this many pixels, as a user does who drags its edge."""
        slicer.util.mainWindow().resize_panel(width, height)
        self.settle()

    def settle(self) -> None:
        """Let widgets get their places: each turn of the event loop tells one more level what is in it has grown."""
        for _ in range(_LEVELS):
            self.process_events()

    def layout_faults(self, panel: QWidget) -> list[str]:
        """Sentences about what is too small, cut off, or lies over something else in a module's panel."""
        return faults(panel, slicer.util.mainWindow().findChild("QScrollArea", "ModulePanel").viewport())

    # Pictures

    def screenshot(self, path: str | Path, widget: QWidget | None = None) -> Path:
        """Save a PNG of a widget, or of the main window: panel and views."""
        for name in self.app.layoutManager().sliceViewNames():
            self.app.layoutManager().sliceWidget(name).sliceView().forceRender()
        self.process_events()
        picture = (widget or slicer.util.mainWindow()).grab()
        assert picture.save(str(path), "PNG"), f"{path} could not be written"
        return Path(path)

    # The end

    def close(self) -> None:
        """Leave nothing to the next test; then fail for exceptions that nobody saw."""
        self.close_modules()
        for widget in self.app.topLevelWidgets():
            if widget is not slicer.util.mainWindow():
                widget.close()
                widget.deleteLater()
        self.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        self.process_events()
        self._connect(False)
        for node in slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
            self.scene.RemoveNode(node)  # closing a scene leaves singletons
        self.scene.Clear(0)
        self.dialogs.clear()
        settings.clear()
        sys.excepthook = self._plain_hook
        assert not self.errors, "exceptions in slots or observers:\n" + "\n".join(self.errors)


def _activate(window: QWidget) -> None:
    """Have a window take the keys, as a click on it does."""
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window), "the window does not become active"
