"""Slicer's nodes and the core's values: volumes, prompts, segments, tables. Without Qt."""
