"""Prompting: objects, markups, preview."""
