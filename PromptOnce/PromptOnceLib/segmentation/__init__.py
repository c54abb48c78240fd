"""Masks and what is known of them: segments, files, references, results, metrics, sheets."""
