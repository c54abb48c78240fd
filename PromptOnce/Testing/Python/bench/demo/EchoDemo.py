"""A module like others, written for Slicer: a panel from a .ui file, a parameter node, a worker process."""

import enum
import json
import sys
from pathlib import Path
from typing import Annotated

import ctk
import qt
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class Mode(enum.Enum):
    FAST = "fast"
    EXACT = "exact"


@parameterNodeWrapper
class EchoParameters:
    """What the panel shows."""

    volume: vtkMRMLScalarVolumeNode
    threshold: Annotated[float, WithinRange(-1000, 3000)] = 100.0
    count: Annotated[int, WithinRange(1, 9)] = 3
    invert: bool = False
    mode: Mode = Mode.EXACT
    note: str = "nothing"


class EchoDemo(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Echo demo")
        self.parent.categories = ["Examples"]
        self.parent.contributors = ["Nobody (Nowhere)"]


class EchoDemoWidget(ScriptedLoadableModuleWidget, slicer.util.VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        slicer.util.VTKObservationMixin.__init__(self)
        self.logic = None
        self.replies = []
        self.rest = b""
        self.history = []
        self._parameters = None
        self._tag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/EchoDemo.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = EchoDemoLogic()
        self.process = qt.QProcess()
        self.process.connect("readyReadStandardOutput()", self.onOutput)
        self.process.connect("finished(int,QProcess::ExitStatus)", self.onFinished)
        self.ui.sendButton.connect("clicked(bool)", self.onSend)
        self.ui.placeWidget.placeMultipleMarkups = slicer.qSlicerMarkupsPlaceWidget.ForcePlaceSingleMarkup
        self.ui.pointButton.connect("clicked()", lambda: self.place("vtkMRMLMarkupsFiducialNode"))
        self.ui.boxButton.connect("clicked()", lambda: self.place("vtkMRMLMarkupsROINode"))
        self.ui.advancedButton.connect("contentsCollapsed(bool)", self.history.append)
        self.shortcut = qt.QShortcut(qt.QKeySequence("Ctrl+E"), self.parent)
        self.shortcut.connect("activated()", lambda: self.history.append("shortcut"))
        slicer.app.connect("aboutToQuit()", self.onAboutToQuit)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.observeParameters()

    def enter(self):
        self.history.append("enter")
        self.observeParameters()

    def exit(self):
        self.history.append("exit")

    def onAboutToQuit(self):
        self.history.append("quit")

    def cleanup(self):
        self.history.append("cleanup")
        self.setParameters(None)
        self.removeObservers()
        slicer.app.disconnect("aboutToQuit()", self.onAboutToQuit)
        self.process.closeWriteChannel()
        self.process.waitForFinished(5000)

    def onSceneStartClose(self, caller, event):
        self.setParameters(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.observeParameters()

    def observeParameters(self):
        self.setParameters(EchoParameters(self.logic.getParameterNode()))

    def setParameters(self, parameters):
        if self._parameters is not None:
            self._parameters.disconnectGui(self._tag)
            self.removeObserver(self._parameters, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self._parameters = parameters
        if parameters is not None:
            self._tag = parameters.connectGui(self.ui)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self.onModified)
            self.onModified()

    def onModified(self, caller=None, event=None):
        self.ui.sendButton.enabled = self._parameters.volume is not None

    def place(self, nodeClass):
        self.node = slicer.mrmlScene.AddNewNodeByClass(nodeClass)
        self.node.CreateDefaultDisplayNodes()
        self.ui.placeWidget.setCurrentNode(self.node)
        self.ui.placeWidget.placeModeEnabled = True

    def onSend(self, checked):
        if self.process.state() == qt.QProcess.NotRunning:
            worker = Path(__file__).parent / "echo_worker.py"
            self.process.start(sys.executable, ["-u", str(worker)])
        message = {"id": len(self.replies), "note": self.ui.noteEdit.text, "value": self._parameters.threshold}
        self.process.write(json.dumps(message).encode() + b"\n")

    def onOutput(self):
        *lines, self.rest = (self.rest + self.process.readAllStandardOutput().data()).split(b"\n")
        self.replies += [json.loads(line) for line in lines]
        self.ui.replyLabel.text = f"{len(self.replies)} replies"

    def onFinished(self, code, status):
        self.history.append(("finished", code, status == qt.QProcess.NormalExit))


class EchoDemoLogic(ScriptedLoadableModuleLogic):
    def threshold(self, node):
        return int((slicer.util.arrayFromVolume(node) > EchoParameters(self.getParameterNode()).threshold).sum())


class EchoDemoTest(ScriptedLoadableModuleTest):
    def runTest(self):
        self.delayDisplay("Looking at the panel")
        assert isinstance(slicer.util.getModuleWidget("EchoDemo").ui.advancedButton, ctk.ctkCollapsibleButton)
