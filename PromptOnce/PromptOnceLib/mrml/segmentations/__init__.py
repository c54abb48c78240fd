"""Masks as segmentation nodes."""
