"""Masks as segmentation nodes: results, previews, references, review, undo."""
