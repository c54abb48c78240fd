"""slicer.parameterNodeWrapper, the part that the bench has: typed parameters in a vtkMRMLScriptedModuleNode.

Parameters may be bool, int, float, str, pathlib.Path, enums and MRML nodes, also unions of node classes. Lists, packs
and colors are only in Slicer's own wrapper, which the bench uses where SLICER_SOURCE_DIR names Slicer's source.
"""

from bench.parameter_node.fields import (
    Choice,
    Default,
    Maximum,
    Minimum,
    NotNone,
    Validator,
    WithinRange,
)
from bench.parameter_node.gui import Decimals, SingleStep
from bench.parameter_node.wrapper import (
    SlicerParameterNamePropertyName,
    isParameterNodeWrapper,
    parameterNodeWrapper,
)

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Maximum",
    "Minimum",
    "NotNone",
    "SingleStep",
    "SlicerParameterNamePropertyName",
    "Validator",
    "WithinRange",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
]
