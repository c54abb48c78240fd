"""The bench's parameterNodeWrapper, or Slicer's own where its source is: both must pass."""

import enum
from pathlib import Path
from typing import Annotated, Any

import pytest


class Kind(enum.Enum):
    CT = "ct"
    MR = "mr"


@pytest.fixture
def parameters(bench: Any) -> Any:
    import slicer
    from slicer.parameterNodeWrapper import Choice, Default, Minimum, WithinRange, parameterNodeWrapper

    @parameterNodeWrapper
    class Parameters:
        kind: Kind
        count: Annotated[int, Minimum(1)] = 5
        factor: Annotated[float, WithinRange(0, 1)] = 0.5
        speed: Annotated[str, Choice(["slow", "fast"])] = "fast"
        active: Annotated[bool, Default(value=True)]
        folder: Path = Path("data")
        text: slicer.vtkMRMLTextNode

    return Parameters(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


def test_parameters_start_with_their_defaults(parameters: Any) -> None:
    assert (parameters.kind, parameters.count, parameters.factor) == (Kind.CT, 5, 0.5)
    assert (parameters.speed, parameters.active, parameters.folder) == ("fast", True, Path("data"))
    assert parameters.text is None
    assert parameters.default("count") == 5 or parameters.default("count").value == 5


def test_parameters_are_kept_in_the_node_as_slicer_writes_them(parameters: Any) -> None:
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    parameters.kind, parameters.count, parameters.factor = Kind.MR, 7, 0.25
    parameters.active, parameters.folder, parameters.text = False, Path("a") / "b", node
    inner = parameters.parameterNode
    names = ("kind", "count", "factor", "active", "folder")
    assert [inner.GetParameter(name) for name in names] == ["MR", "7", "0.25", "False", str(Path("a") / "b")]
    assert inner.GetNodeReferenceID("text") == node.GetID()
    again = type(parameters)(inner)
    assert (again.kind, again.count, again.factor, again.active) == (Kind.MR, 7, 0.25, False)
    assert (again.folder, again.text) == (Path("a") / "b", node)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("count", 0, ValueError),
        ("count", 1.5, TypeError),
        ("factor", 1.01, ValueError),
        ("speed", "quick", ValueError),
        ("kind", "ct", TypeError),
        ("count", None, ValueError),
        ("text", "a string", TypeError),
    ],
)
def test_what_a_parameter_cannot_be_is_refused(parameters: Any, name: str, value: Any, error: type[Exception]) -> None:
    before = getattr(parameters, name)
    with pytest.raises(error):
        setattr(parameters, name, value)
    assert getattr(parameters, name) == before


def test_observers_hear_of_a_change_when_it_is_done(parameters: Any) -> None:
    seen = []
    tag = parameters.AddObserver("ModifiedEvent", lambda *_: seen.append(parameters.count))
    parameters.count = 9
    assert seen == [9]
    parameters.RemoveObserver(tag)
    parameters.count = 8
    assert seen == [9]


def test_widgets_follow_until_they_are_disconnected(parameters: Any) -> None:
    import ctk
    import qt
    import slicer

    combo, kinds, path, box = qt.QComboBox(), qt.QComboBox(), ctk.ctkPathLineEdit(), qt.QSpinBox()
    nodes = slicer.qMRMLNodeComboBox()
    nodes.noneEnabled = True
    nodes.setMRMLScene(slicer.mrmlScene)
    tag = parameters.connectParametersToGui(
        {"speed": combo, "kind": kinds, "folder": path, "count": box, "text": nodes}
    )
    assert (combo.currentText, kinds.currentText, path.currentPath, box.value) == ("fast", "CT", "data", 5)
    assert list(nodes.nodeTypes) == ["vtkMRMLTextNode"]
    assert box.minimum == 1
    combo.currentIndex, kinds.currentIndex, path.currentPath, box.value = 0, 1, "elsewhere", 6
    node = nodes.addNode()
    assert (parameters.speed, parameters.kind, parameters.folder) == ("slow", Kind.MR, Path("elsewhere"))
    assert (parameters.count, parameters.text) == (6, node)
    parameters.count = 2
    assert box.value == 2
    parameters.disconnectGui(tag)
    box.value = 4
    assert parameters.count == 2


def test_a_slider_needs_limits(parameters: Any) -> None:
    import ctk

    with pytest.raises(RuntimeError):
        parameters.connectParametersToGui({"count": ctk.ctkSliderWidget()})
    with pytest.raises(RuntimeError):
        parameters.connectParametersToGui({"active": ctk.ctkSliderWidget()})


def test_an_unknown_parameter_is_named(parameters: Any) -> None:
    with pytest.raises(ValueError, match="colour"):
        parameters.setValue("colour", 1)
