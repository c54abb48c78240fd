"""slicer.app.coreIOManager(): loading and saving with MRML's own storage nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import QObject

from bench.pythonqt.stand_ins import stand_in

_NODE_CLASSES = {
    "VolumeFile": "vtkMRMLScalarVolumeNode",
    "SegmentationFile": "vtkMRMLSegmentationNode",
    "MarkupsFile": "vtkMRMLMarkupsFiducialNode",
    "TransformFile": "vtkMRMLLinearTransformNode",
    "TableFile": "vtkMRMLTableNode",
    "TextFile": "vtkMRMLTextNode",
}
_ENDINGS = {
    "SceneFile": (".mrb", ".mrml"),
    "SegmentationFile": (".seg.nrrd", ".seg.nhdr"),
    "VolumeFile": (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd"),
    "MarkupsFile": (".mrk.json", ".fcsv"),
    "TransformFile": (".tfm", ".h5"),
    "TableFile": (".tsv", ".csv"),
    "TextFile": (".txt", ".json"),
}


@stand_in("slicer")
class qSlicerCoreIOManager(QObject):
    """What slicer.util.loadVolume, saveNode, loadScene, saveScene and their like ask for."""

    def fileType(self, path: str) -> str:
        return next((kind for kind, endings in _ENDINGS.items() if str(path).lower().endswith(endings)), "NoFile")

    def fileWriterFileType(self, _node: Any) -> str:
        return "NodeFile"

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: Any = None, _messages: Any = None) -> bool:
        path = properties["fileName"]
        if kind == "SceneFile":
            return self._load_scene(path, bool(properties.get("clear", False)))
        if kind not in _NODE_CLASSES or not Path(path).is_file():
            return False
        if kind == "VolumeFile":
            name = properties.get("name") or Path(path).name.partition(".")[0]
            options = int(bool(properties.get("labelmap"))) + 2 * int(bool(properties.get("center")))
            node = slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)
        else:
            node = self._read(kind, path)
        if node is not None and loaded is not None:
            loaded.AddItem(node)
        return node is not None

    @staticmethod
    def _read(kind: str, path: str) -> Any:
        node = slicer.mrmlScene.AddNewNodeByClass(_NODE_CLASSES[kind], Path(path).name.partition(".")[0])
        node.AddDefaultStorageNode(path)
        if node.GetStorageNode().ReadData(node):
            if hasattr(node, "CreateDefaultDisplayNodes"):
                node.CreateDefaultDisplayNodes()
            return node
        slicer.mrmlScene.RemoveNode(node)
        return None

    @staticmethod
    def _load_scene(path: str, clear: bool) -> bool:
        scene = slicer.mrmlScene
        if path.endswith(".mrb"):
            return bool(scene.ReadFromMRB(path, clear, None))
        scene.SetURL(path)
        return bool(scene.Connect() if clear else scene.Import())

    def saveNodes(self, kind: str, properties: dict[str, Any], _messages: Any = None) -> bool:
        path, scene = str(properties["fileName"]), slicer.mrmlScene
        if kind == "SceneFile":
            if path.endswith(".mrb"):
                return bool(scene.WriteToMRB(path, None))
            scene.SetURL(path)
            return bool(scene.Commit())
        node = scene.GetNodeByID(properties["nodeID"])
        node.AddDefaultStorageNode(path)
        node.GetStorageNode().SetFileName(path)
        return bool(node.GetStorageNode().WriteData(node))
