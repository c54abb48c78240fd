"""Scripted modules: loading one from its file, its panel, and the manager that knows them all."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QVBoxLayout

from bench.pythonqt.stand_ins import stand_in, stored_property
from bench.qmrml.scene_widget import qSlicerWidget


@stand_in("slicer")
class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """What a module's widget class gets as `parent`, and Slicer's handle of that widget."""

    def __init__(self, module_name: str) -> None:
        super().__init__()
        self._module_name = module_name
        self._self: Any = None
        self._entered = False
        QVBoxLayout(self)
        self.setMRMLScene(slicer.mrmlScene)

    isEntered = Property(bool, lambda self: self._entered)
    moduleName = Property(str, lambda self: self._module_name)

    def _create(self) -> None:
        """As Slicer does: the constructor with a parent, then setup()."""
        name = f"{self._module_name}Widget"
        self._self = getattr(sys.modules[self._module_name], name)(self)
        setattr(slicer.modules, name, self._self)
        self.setup()

    def self(self) -> Any:
        return self._self

    def setup(self) -> None:
        self._self.setup()

    def enter(self) -> None:
        self._entered = True
        self._call("enter")

    def exit(self) -> None:
        self._entered = False
        self._call("exit")

    def _call(self, name: str) -> None:
        method = getattr(self._self, name, None)  # modules need not have them
        if method is not None:
            method()

    def reload(self) -> None:
        self._create()


@stand_in("slicer")
class qSlicerScriptedLoadableModule(QObject):
    """slicer.modules.<name>: what the module's own class gets as `parent`."""

    title = stored_property(str, "title", "")
    categories = stored_property("QVariant", "categories", [])
    contributors = stored_property("QVariant", "contributors", [])
    dependencies = stored_property("QVariant", "dependencies", [])
    associatedNodeTypes = stored_property("QVariant", "associatedNodeTypes", [])
    extensions = stored_property("QVariant", "extensions", {})
    helpText = stored_property(str, "helpText", "")
    acknowledgementText = stored_property(str, "acknowledgementText", "")
    icon = stored_property(QIcon, "icon", QIcon())
    hidden = stored_property(bool, "hidden", False)
    index = stored_property(int, "index", -1)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._widget: qSlicerScriptedLoadableModuleWidget | None = None

    name = Property(str, lambda self: self._path.stem)
    path = Property(str, lambda self: str(self._path))

    def widgetRepresentation(self) -> Any:
        """The panel; built when it is asked for the first time."""
        if self._widget is None and hasattr(sys.modules[self.name], f"{self.name}Widget"):
            self._widget = qSlicerScriptedLoadableModuleWidget(self.name)
            self._widget._create()
        return self._widget

    def createNewWidgetRepresentation(self) -> Any:
        widget = qSlicerScriptedLoadableModuleWidget(self.name)
        widget._create()
        return widget


class _LoadedNames:
    """moduleManager().factoryManager(), as far as slicer.util asks it."""

    def __init__(self, modules: dict[str, Any]) -> None:
        self._modules = modules

    def loadedModuleNames(self) -> list[str]:
        return list(self._modules)


@stand_in("slicer")
class qSlicerModuleManager(QObject):
    """slicer.app.moduleManager()."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, qSlicerScriptedLoadableModule] = {}

    def module(self, name: str) -> Any:
        """A module by name, scripted (MyModule) or one of the logics of the bench (Markups)."""
        return self._modules.get(name) or getattr(slicer.modules, name.lower(), None)

    def factoryManager(self) -> _LoadedNames:
        return _LoadedNames(self._modules)

    def _load(self, path: Path) -> qSlicerScriptedLoadableModule:
        """Execute the file, as Slicer does at its start, and create the module's class."""
        name = path.stem
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        module = qSlicerScriptedLoadableModule(path)
        self._modules[name] = module
        setattr(slicer.modules, name.lower(), module)
        setattr(slicer.modules, f"{name}Instance", getattr(sys.modules[name], name)(module))
        self.moduleLoaded.emit(name)
        return module

    def _unload(self, name: str) -> None:
        """What the end of the application does: cleanup() of the widget; nothing of the module stays behind."""
        self.moduleAboutToBeUnloaded.emit(name)
        module = self._modules.pop(name)
        if module._widget is not None:
            module._widget.setParent(None)
            module._widget.deleteLater()
            module._widget = None
        for attribute in (name.lower(), f"{name}Instance", f"{name}Widget"):
            vars(slicer.modules).pop(attribute, None)
        sys.modules.pop(name, None)
