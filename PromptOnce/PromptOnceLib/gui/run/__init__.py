"""Propagating, and comparing with a reference."""
