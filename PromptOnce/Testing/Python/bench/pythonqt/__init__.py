"""PySide6 with the manners of PythonQt, the Qt binding of Slicer."""
