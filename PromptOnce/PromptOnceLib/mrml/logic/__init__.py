"""The methods of the module's logic for Slicer's Python console."""
