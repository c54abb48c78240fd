"""Slicer's nodes and the library's values: volumes, prompts, segmentations, tables. Without Qt."""
