"""Helpers around Qt that know nothing of the module."""
