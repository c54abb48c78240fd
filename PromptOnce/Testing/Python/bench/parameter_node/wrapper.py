"""The class decorator @parameterNodeWrapper."""

from __future__ import annotations

import typing
import weakref
from collections.abc import Callable
from typing import Any

import slicer
import vtk

from bench.parameter_node.fields import Field, field_of
from bench.parameter_node.gui import Connector, connector_for

SlicerParameterNamePropertyName = "SlicerParameterName"


class ParameterNode:
    """A vtkMRMLScriptedModuleNode whose parameters are attributes. Base of all classes with the decorator."""

    allParameters: dict[str, Field]

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._bound: dict[int, tuple[dict[str, Connector], int]] = {}
        self._writing_gui = False
        for field in self.allParameters.values():
            if not field.is_in(parameterNode):
                field.write(parameterNode, field.initial())

    def getValue(self, name: str) -> Any:
        return self._field(name).read(self.parameterNode)

    def setValue(self, name: str, value: Any) -> None:
        with slicer.util.NodeModify(self.parameterNode):
            self._field(name).write(self.parameterNode, value)

    def default(self, name: str) -> Any:
        return self._field(name).initial()

    @classmethod
    def dataType(cls, name: str) -> Any:
        return cls._field(name).annotated

    @classmethod
    def _field(cls, name: str) -> Field:
        if name not in cls.allParameters:
            raise ValueError(f"{cls.__name__} has no parameter {name}; it has {', '.join(cls.allParameters)}")
        return cls.allParameters[name]

    # Widgets

    def connectGui(self, gui: Any) -> int:
        """Bind the widgets in `gui` (a widget, or what childWidgetVariables returned) that name a parameter."""
        widgets = gui.findChildren("QWidget") if hasattr(gui, "findChildren") else list(vars(gui).values())
        named = {widget.property(SlicerParameterNamePropertyName): widget for widget in widgets}
        return self.connectParametersToGui({name: widget for name, widget in named.items() if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Bind each parameter to its widget; the tag to give to disconnectGui."""
        connectors = {name: connector_for(widget, self._field(name)) for name, widget in mapping.items()}
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.start(self._on_widget(name, connector))
        tag = max(self._bound, default=-1) + 1
        self._bound[tag] = connectors, self.AddObserver(vtk.vtkCommand.ModifiedEvent, self._observer())
        return tag

    def _observer(self) -> Callable[..., None]:
        """Called when the node is modified; does not keep this object alive, of which nobody may know any more."""
        this = weakref.ref(self)

        def modified(*_: Any) -> None:
            wrapper = this()
            if wrapper is not None:
                wrapper._update_gui()

        return modified

    def disconnectGui(self, tag: int) -> None:
        connectors, observer = self._bound.pop(tag, ({}, None))
        for connector in connectors.values():
            connector.stop()
        if observer is not None:
            self.RemoveObserver(observer)

    def _on_widget(self, name: str, connector: Connector) -> Callable[[], None]:
        def changed() -> None:
            if not self._writing_gui:
                self.setValue(name, connector.read())

        return changed

    def _update_gui(self) -> None:
        if self._writing_gui:
            return
        self._writing_gui = True
        try:
            for connectors, _tag in list(self._bound.values()):
                for name, connector in connectors.items():
                    connector.write(self.getValue(name))
        finally:
            self._writing_gui = False

    # The node's own methods that callers need

    def StartModify(self) -> Any:
        return self.parameterNode.StartModify()

    def EndModify(self, previous: Any) -> Any:
        return self.parameterNode.EndModify(previous)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> Any:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: Any) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def _attribute(name: str) -> property:
    return property(lambda self: self.getValue(name), lambda self, value: self.setValue(name, value))


def parameterNodeWrapper(cls: type | None = None) -> Any:
    """Class decorator: annotated names become parameters of the node given to the constructor."""
    if cls is None:
        return parameterNodeWrapper
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = {name: field_of(cls, name, annotated) for name, annotated in hints.items()}
    reserved = [name for name in fields if hasattr(ParameterNode, name)]
    if reserved:
        raise ValueError(f"reserved names cannot be parameters: {', '.join(reserved)}")
    contents = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    contents.update({name: _attribute(name) for name in fields}, allParameters=fields)
    return type(cls.__name__, (ParameterNode,), contents)


def isParameterNodeWrapper(thing: Any) -> bool:
    return isinstance(thing, ParameterNode) or (isinstance(thing, type) and issubclass(thing, ParameterNode))
