"""The types of parameters: how each is checked, and how it is written into the node (as Slicer writes it)."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer


class Validator:
    """An annotation that limits the values of a parameter."""

    def validate(self, value: Any) -> None:
        raise NotImplementedError


@dataclass
class WithinRange(Validator):
    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not from {self.minimum} to {self.maximum}")


@dataclass
class Minimum(Validator):
    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"{value} is less than {self.minimum}")


@dataclass
class Maximum(Validator):
    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"{value} is greater than {self.maximum}")


@dataclass
class Choice(Validator):
    choices: list[Any]

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value} is none of {self.choices}")


class NotNone(Validator):
    def validate(self, value: Any) -> None:
        if value is None:
            raise ValueError("None is no value for this parameter")


@dataclass
class Default:
    """An annotation that gives the value of a parameter that was never set; `generator` makes it anew each time."""

    value: Any = None
    generator: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Field:
    """One parameter of a class: its name, its Python types, what limits it, what it is when it was never set."""

    name: str
    kinds: tuple[type, ...]
    annotations: tuple[Any, ...]
    annotated: Any
    initial: Callable[[], Any]

    def is_node(self) -> bool:
        return issubclass(self.kinds[0], slicer.vtkMRMLNode)

    def check(self, value: Any) -> None:
        """Raise ValueError or TypeError for what the parameter cannot be."""
        if value is None and not self.is_node():
            raise ValueError(f"{self.name} cannot be None")
        accepted = (int, float) if self.kinds == (float,) else self.kinds
        if value is not None and not isinstance(value, accepted):
            raise TypeError(f"{self.name} must be {self.kinds[0].__name__}, not {value!r}")
        for validator in self.annotations:
            if isinstance(validator, Validator):
                validator.validate(value)

    def is_in(self, node: Any) -> bool:
        return bool(node.HasParameter(self.name))

    def write(self, node: Any, value: Any) -> None:
        self.check(value)
        if self.is_node():
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(self.name, value.name if isinstance(value, enum.Enum) else str(value))

    def read(self, node: Any) -> Any:
        if self.is_node():
            return node.GetNodeReference(self.name)
        if not self.is_in(node):
            self.write(node, self.initial())
        text, kind = node.GetParameter(self.name), self.kinds[0]
        if issubclass(kind, enum.Enum):
            return kind[text]
        return text == "True" if kind is bool else kind(text)


def field_of(owner: type, name: str, annotated: Any) -> Field:
    """The field for one annotated name of a class.

    Raises:
        TypeError: the bench has no such parameters.
    """
    annotations = typing.get_args(annotated)[1:] if hasattr(annotated, "__metadata__") else ()
    bare = typing.get_args(annotated)[0] if annotations else annotated
    is_union = typing.get_origin(bare) is typing.Union or isinstance(bare, types.UnionType)
    members = typing.get_args(bare) if is_union else (bare,)
    kinds = tuple(kind for kind in members if kind is not type(None))
    simple = len(kinds) == 1 and (kinds[0] in (bool, int, float, str, Path) or _is(kinds[0], enum.Enum))
    if not (simple and len(members) == 1) and not all(_is(kind, slicer.vtkMRMLNode) for kind in kinds):
        raise TypeError(f"{owner.__name__}.{name}: the bench has no parameters of type {bare}; Slicer's own has more")
    return Field(name, kinds, annotations, annotated, _initial(owner, name, kinds[0], annotations))


def _is(kind: Any, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _initial(owner: type, name: str, kind: type, annotations: tuple[Any, ...]) -> Callable[[], Any]:
    if name in owner.__dict__:
        value = owner.__dict__[name]
        return lambda: value
    default = next((annotation for annotation in annotations if isinstance(annotation, Default)), None)
    if default is not None:
        return default.generator or (lambda: default.value)
    if issubclass(kind, slicer.vtkMRMLNode):
        return lambda: None
    return (lambda: next(iter(kind))) if issubclass(kind, enum.Enum) else kind
