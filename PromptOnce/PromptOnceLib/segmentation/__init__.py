"""Masks and what is known about them: files, references, metrics, results, contact sheets."""
