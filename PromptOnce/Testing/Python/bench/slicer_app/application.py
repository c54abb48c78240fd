"""slicer.app."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import Property, QLocale, QProcessEnvironment, QSettings, Signal
from PySide6.QtWidgets import QApplication

from bench.pythonqt.stand_ins import stand_in, stored_property
from bench.slicer_app.io_manager import qSlicerCoreIOManager
from bench.slicer_app.modules import qSlicerModuleManager

MAJOR, MINOR = 5, 12
_REVISION = "34045"


@stand_in("slicer")
class qSlicerApplication(QApplication):
    """The application object, as far as modules ask it."""

    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)
    cpp_signals = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}  # noqa: RUF012

    slicerHome = stored_property(str, "slicerHome", "")
    temporaryPath = stored_property(str, "temporaryPath", "")
    cachePath = stored_property(str, "cachePath", "")
    extensionsInstallPath = stored_property(str, "extensionsInstallPath", "")
    revision = Property(str, lambda _self: _REVISION)
    repositoryRevision = Property(str, lambda _self: "bench")
    releaseType = Property(str, lambda _self: "Stable")
    majorVersion = Property(int, lambda _self: MAJOR)
    minorVersion = Property(int, lambda _self: MINOR)
    mainApplicationName = Property(str, lambda _self: "Slicer")
    mainApplicationDisplayName = Property(str, lambda _self: "3D Slicer")
    isCustomMainApplication = Property(bool, lambda _self: False)
    os = Property(str, lambda _self: {"Linux": "linux", "Windows": "win", "Darwin": "macosx"}[platform.system()])
    arch = Property(str, lambda _self: {"x86_64": "amd64", "AMD64": "amd64"}.get(platform.machine(), "arm64"))
    applicationLocaleName = Property(str, lambda _self: "en")
    applicationLocale = Property(QLocale, lambda _self: QLocale("en"))
    documentationBaseUrl = Property(str, lambda _self: f"https://slicer.readthedocs.io/en/{MAJOR}.{MINOR}/")

    def __init__(self, folder: Path, application_logic: Any) -> None:
        """Files of the application are under `folder`: settings, temporary files, cache."""
        super().__init__([sys.argv[0]])
        self.setApplicationName("Slicer")
        self.setApplicationVersion(f"{MAJOR}.{MINOR}.0")
        for name, attribute in (("home", "slicerHome"), ("temporary", "temporaryPath"), ("cache", "cachePath")):
            (folder / name).mkdir(parents=True, exist_ok=True)
            self.setProperty(attribute, str(folder / name))
        self.setProperty("extensionsInstallPath", str(folder / "extensions"))
        self._application_logic = application_logic
        self._startup_environment = QProcessEnvironment.systemEnvironment()
        self._io_manager = qSlicerCoreIOManager()
        self._module_manager = qSlicerModuleManager()
        self._layout_manager: Any = None
        self._render_paused = 0
        self._testing = False

    def applicationLogic(self) -> Any:
        return self._application_logic

    def moduleLogic(self, name: str) -> Any:
        return self._application_logic.GetModuleLogic(name)

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def layoutManager(self) -> Any:
        return self._layout_manager

    def moduleManager(self) -> qSlicerModuleManager:
        return self._module_manager

    def coreIOManager(self) -> qSlicerCoreIOManager:
        return self._io_manager

    ioManager = coreIOManager

    def settings(self) -> QSettings:
        return QSettings()

    userSettings = revisionUserSettings = settings

    def startupEnvironment(self) -> QProcessEnvironment:
        return self._startup_environment

    def environment(self) -> QProcessEnvironment:
        return QProcessEnvironment.systemEnvironment()

    def testingEnabled(self) -> bool:
        """Whether Slicer was started for its own tests; False, so that users' errors show as users see them."""
        return self._testing

    def pauseRender(self) -> None:
        self._render_paused += 1

    def resumeRender(self) -> None:
        self._render_paused -= 1
        if not self._render_paused:
            for name in self._layout_manager.sliceViewNames():
                self._layout_manager.sliceWidget(name).sliceView().scheduleRender()

    def setRenderPaused(self, paused: bool) -> None:
        if paused:
            self.pauseRender()
        else:
            self.resumeRender()

    def toSlicerHomeAbsolutePath(self, path: str) -> str:
        return str(Path(self.property("slicerHome")) / path)

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"{self.property('documentationBaseUrl')}user_guide/modules/{name.lower()}.html"
