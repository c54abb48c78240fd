"""Batches in the panel, and reviewing their cases."""
