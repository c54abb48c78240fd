"""Qt on the bench behaves as Qt does in Slicer, where PythonQt binds it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from bench.errors import UnexpectedDialogError, UnknownSignalError


def test_properties_are_attributes_and_calling_them_is_an_error(bench: Any) -> None:
    import qt

    button = qt.QPushButton("before")
    button.text = "after"
    assert button.text == "after"
    button.setText("by its setter")
    assert button.text == "by its setter"
    with pytest.raises(TypeError, match="not callable"):
        button.text()
    with pytest.raises(TypeError, match="not callable"):
        button.enabled()
    assert button.isEnabled()


@pytest.mark.parametrize("name", ["text", "sizeHint", "minimumSizeHint", "value", "visible", "objectName"])
def test_a_widget_that_is_shown_keeps_its_properties_readable(bench: Any, name: str) -> None:
    import qt

    bar = qt.QProgressBar()
    bar.maximum, bar.value = 10, 3
    bar.show()
    bench.process_events()
    expected = {"text": "30%", "value": 3, "visible": True, "objectName": ""}
    assert getattr(bar, name) == expected.get(name, getattr(bar, name))
    assert not callable(getattr(bar, name))


def test_an_overridden_size_hint_is_heard_by_the_layout(bench: Any) -> None:
    import qt

    class Tall(qt.QWidget):
        def sizeHint(self) -> Any:
            return qt.QSize(70, 333)

    parent = qt.QWidget()
    layout = qt.QVBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(Tall())
    assert parent.sizeHint.height() == 333


def test_objects_of_cpp_take_no_new_attributes(bench: Any) -> None:
    import ctk
    import qt
    import slicer

    for thing in (qt.QPushButton(), qt.QTimer(), qt.QProcess(), ctk.ctkSliderWidget(), slicer.qMRMLNodeComboBox()):
        with pytest.raises(AttributeError, match="no new attributes"):
            thing.remembered = 1
    with pytest.raises(AttributeError):
        qt.QPushButton().click = print
    with pytest.raises(AttributeError, match="not writable"):
        qt.QComboBox().count = 3


def test_objects_of_python_subclasses_take_attributes(bench: Any) -> None:
    import qt

    class Mine(qt.QWidget):
        pass

    mine = Mine()
    mine.remembered = 1
    assert mine.remembered == 1


def test_a_value_of_the_wrong_type_is_refused(bench: Any) -> None:
    import qt

    with pytest.raises(TypeError, match="geometry"):
        qt.QWidget().geometry = "wide"


def test_names_and_classes_can_be_asked_for(bench: Any) -> None:
    import ctk
    import qt

    box = qt.QGroupBox()
    button = qt.QPushButton(box)
    button.name = "go"
    slider = ctk.ctkSliderWidget(box)
    assert button.objectName == "go"
    assert button.className() == "QPushButton"
    assert slider.className() == "ctkSliderWidget"
    assert box.findChildren("QPushButton") == [button]
    assert box.findChild(qt.QPushButton, "go") is button
    assert box.findChild("QPushButton", "stop") is None
    button.delete()
    assert box.findChildren(qt.QPushButton) == []


class Receiver:
    def __init__(self) -> None:
        self.got: list[Any] = []

    def nothing(self) -> None:
        self.got.append("nothing")

    def one(self, value: Any) -> None:
        self.got.append(value)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda r: r.nothing, "nothing"),
        (lambda r: r.one, True),
        (lambda r: lambda: r.one("no argument"), "no argument"),
        (lambda r: lambda checked, kept=7: r.one((checked, kept)), (True, 7)),
        (lambda r: functools.partial(r.got.append), True),
    ],
)
def test_string_connections_give_callables_the_arguments_they_take(
    bench: Any, make: Callable[[Receiver], Callable[..., None]], expected: Any
) -> None:
    import qt

    button, receiver = qt.QPushButton(), Receiver()
    button.checkable = True
    assert button.connect("clicked(bool)", make(receiver))
    button.click()
    assert receiver.got == [expected]


def test_connections_can_be_taken_back(bench: Any) -> None:
    import qt

    button, receiver = qt.QPushButton(), Receiver()
    button.connect("clicked()", receiver.nothing)
    button.connect("clicked(bool)", receiver.one)
    assert button.disconnect("clicked()", receiver.nothing)
    assert not button.disconnect("clicked()", receiver.nothing)
    button.click()
    assert receiver.got == [False]
    button.clicked.connect(receiver.nothing)
    button.click()
    assert receiver.got == [False, False, "nothing"]


def test_a_slot_can_be_named_by_its_signature(bench: Any) -> None:
    import qt

    edit, label = qt.QLineEdit(), qt.QLabel()
    edit.connect("textChanged(QString)", label, "setText(QString)")
    edit.text = "typed"
    assert label.text == "typed"


@pytest.mark.parametrize("signal", ["clicked(int)", "clicket()", "clicked", "currentNodeChanged(vtkMRMLNode*)"])
def test_unknown_signals_raise_and_the_message_names_the_known_ones(bench: Any, signal: str) -> None:
    import qt

    with pytest.raises(UnknownSignalError, match=r"clicked\(bool\)"):
        qt.QPushButton().connect(signal, print)


def test_signals_of_stand_ins_have_their_cpp_signatures(bench: Any) -> None:
    import slicer

    combo, got = slicer.qMRMLNodeComboBox(), []
    combo.nodeTypes = ["vtkMRMLTextNode"]
    combo.noneEnabled = True
    combo.connect("currentNodeChanged(vtkMRMLNode*)", got.append)
    combo.connect("currentNodeChanged(bool)", got.append)
    combo.setMRMLScene(slicer.mrmlScene)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    got.clear()
    combo.setCurrentNode(node)
    assert got == [node, True]
    with pytest.raises(UnknownSignalError, match="currentNodeChanged"):
        combo.connect("nodeChanged(vtkMRMLNode*)", got.append)


def test_enums_are_integers(bench: Any) -> None:
    import qt

    assert qt.QMessageBox.Yes == 16384
    assert qt.QProcess.NotRunning == 0
    assert qt.Qt.AlignLeft | qt.Qt.AlignTop == 33
    label = qt.QLabel()
    label.alignment = qt.Qt.AlignRight | qt.Qt.AlignVCenter
    assert label.alignment == 130


def test_what_only_pyside_has_is_not_there(bench: Any) -> None:
    import qt

    assert not any(hasattr(qt, name) for name in ("Signal", "Slot", "Property", "SIGNAL"))


def test_single_shot_is_a_static_function_and_a_property(bench: Any) -> None:
    import qt

    timer, fired = qt.QTimer(), []
    timer.setSingleShot(True)
    assert timer.singleShot
    qt.QTimer.singleShot(0, lambda: fired.append(1))
    bench.wait_until(lambda: fired, "the timer")


def test_settings_are_those_of_the_bench_and_empty_for_each_test(bench: Any) -> None:
    import qt
    import slicer

    settings = qt.QSettings()
    assert settings.allKeys() == []
    settings.setValue("PromptOnce/Device", "cpu")
    settings.setValue("PromptOnce/Show", True)
    settings.sync()
    assert settings.fileName().startswith(str(slicer.app.temporaryPath).removesuffix("temporary"))
    assert slicer.util.settingsValue("PromptOnce/Device", "cuda") == "cpu"
    assert slicer.util.settingsValue("PromptOnce/Show", False, converter=slicer.util.toBool) is True
    assert slicer.util.settingsValue("PromptOnce/Missing", 3, converter=int) == 3


def test_settings_of_the_test_before_are_gone(bench: Any) -> None:
    import qt

    assert not qt.QSettings().contains("PromptOnce/Device")


def test_messages_are_recorded_instead_of_shown(bench: Any) -> None:
    import slicer

    slicer.util.errorDisplay("The file cannot be read.", detailedText="permission denied")
    slicer.util.infoDisplay("Saved.")
    assert [(shown.kind, shown.text) for shown in bench.dialogs.shown] == [
        ("critical", "The file cannot be read."),
        ("information", "Saved."),
    ]
    assert bench.dialogs.shown[0].detail == "permission denied"


def test_questions_get_the_answer_that_the_test_prepared_and_fail_without_one(bench: Any) -> None:
    import qt
    import slicer

    bench.dialogs.answer(qt.QMessageBox.Ok, "/data/model.pt")
    assert slicer.util.confirmOkCancelDisplay("Delete it?")
    assert qt.QFileDialog.getOpenFileName(None, "Open", "", "*.pt") == "/data/model.pt"
    with pytest.raises(UnexpectedDialogError, match="Really"):
        slicer.util.confirmYesNoDisplay("Really?")
    with pytest.raises(UnexpectedDialogError, match="QDialog"):
        qt.QDialog().exec_()


def test_an_error_under_try_with_error_display_is_shown_and_raised(bench: Any) -> None:
    import slicer

    with pytest.raises(ValueError, match="too small"), slicer.util.tryWithErrorDisplay("It failed."):
        raise ValueError("too small")
    assert bench.dialogs.shown[0].text == "It failed.\n\ntoo small"
