"""Pixels of a mask for points, drawn as Huang et al. do."""
